"""Where the contracts keep what in their storage: slot numbers from the compiled contracts' layout."""

from functools import cache

from ledger_node.artifacts import artifact
from ledger_node.hashing import keccak256
from registry.acts import Contract
from registry.items import entity_id


@cache
def base(contract: Contract, variable: str) -> int:
    """The slot of a state variable. Raises LookupError when the compiled contract has none of that name."""
    for each in artifact(contract.value).storage_layout:
        if each["label"] == variable:
            return int(each["slot"])
    raise LookupError(f"{contract.value} has no state variable {variable}")


def member(contract: Contract, variable: str, key: bytes) -> int:
    """The slot of a mapping's member; `key` is the key padded to 32 bytes."""
    return nested(base(contract, variable), key)


def nested(slot: int, key: bytes) -> int:
    """The slot of a member of the mapping at `slot`: keccak256(key ‖ slot)."""
    return int.from_bytes(keccak256(key.rjust(32, b"\0") + slot.to_bytes(32, "big")), "big")


def record_slots(contract: Contract, id_: bytes) -> tuple[int, int]:
    """Word and head of a record."""
    first = member(contract, "records", id_)
    return first, first + 1


def pledge_slot(pledge: bytes) -> int:
    """A pledge's word."""
    return member(Contract.PLEDGES, "pledges", pledge)


def facility_slots(facility: bytes) -> tuple[int, int, int]:
    """A facility's rules root, schedule root and instalment states."""
    first = member(Contract.CREDIT, "terms", facility)
    return first, first + 1, first + 2


def cover_slots(cover: bytes) -> tuple[int, int, int]:
    """A cover's facility, its start, end and rules, and its claim states."""
    first = member(Contract.COVERS, "terms", cover)
    return first, first + 1, first + 2


def covered_slot(facility: bytes, rule: int) -> int:
    """Until when (ms) the covers of a rule of a facility reach."""
    return nested(member(Contract.COVERS, "coveredUntil", facility), rule.to_bytes(32, "big"))


def guard_slot(facility: bytes, rule: int) -> int:
    """The last slot (ms) that a rule of a facility acted on."""
    return nested(member(Contract.ENGINE, "lastSlot", facility), rule.to_bytes(32, "big"))


def round_slot(round_id: bytes) -> int:
    """A round's root."""
    return member(Contract.HUB, "roots", round_id)


def fleet_slots(entity: int) -> tuple[int, int]:
    """An entity's fleet root and revocation root."""
    first = member(Contract.DEVICES, "roots", entity_id(entity))
    return first, first + 1
