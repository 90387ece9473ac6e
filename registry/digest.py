"""The digest of the logical state: equal wherever the same things happened, on any engine (docs/formats/digest.md).

It holds entities by their legal tags, quantities, counts and states; no ids, keys, heads, roots, salts, signatures,
block numbers or times.
"""

from collections.abc import Iterable, Mapping

from ledger_node import canonical_json
from ledger_node.bindings.constants import (
    ClaimState,
    EntityKind,
    EntityStatus,
    FacilityStatus,
    InstalmentState,
    PledgeStatus,
    ReceiptHold,
    ReceiptStatus,
    ReviewStatus,
    Verdict,
)
from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from registry.items import (
    Account,
    AccountStatus,
    Claim,
    Cover,
    Entity,
    Facility,
    Fleet,
    Goods,
    Item,
    Key,
    Pledge,
    Receipt,
    Review,
)

FORMAT = "cangdan/digest/1"


def logical_state(state: Mapping[Key, Item]) -> dict[str, JsonValue]:
    """The logical state as JSON; each list is sorted by its members' canonical text."""
    names = {item.number: data_hex(item.id_hash) for item in state.values() if isinstance(item, Entity)}
    lists: dict[str, list[JsonValue]] = {}
    writer = _Writer(state, names)
    for item in state.values():
        found = writer.write(item)
        if found is not None:
            kind, value = found
            lists.setdefault(kind, []).append(value)
    return {"format": FORMAT, **{kind: _sorted(found) for kind, found in lists.items()}}


def digest(state: Mapping[Key, Item]) -> bytes:
    """SHA-256 of the canonical JSON of the logical state, 32 bytes."""
    return sha256(canonical_json.dumps(logical_state(state)))


def _plain(values: Iterable[JsonValue]) -> list[JsonValue]:
    return list(values)


def _sorted(values: Iterable[JsonValue]) -> list[JsonValue]:
    return sorted(values, key=canonical_json.dumps)


class _Writer:
    """Items as what they mean, with entities by their legal tags."""

    def __init__(self, state: Mapping[Key, Item], names: Mapping[int, str]) -> None:
        self._state = state
        self._names = names

    def write(self, item: Item) -> tuple[str, JsonValue] | None:
        """The list that an item belongs to and what it says there; None for what has no meaning of its own."""
        match item:
            case Entity():
                return "entities", self._entity(item)
            case Receipt():
                return "receipts", self._receipt(item)
            case Facility():
                return "facilities", self._facility(item)
            case Cover():
                return "covers", self._cover(item)
            case Review(word=word):
                status = ReviewStatus(word.status).name
                verdict = Verdict(word.verdict).name if word.verdict else None
                return "reviews", {"rule": word.rule, "action": word.action, "status": status, "verdict": verdict}
            case Fleet(word=word, terms=terms):
                entity = self._name(terms.entity)
                return "fleets", {"entity": entity, "devices": word.devices, "revoked": word.revoked}
            case _:
                return None

    def _entity(self, item: Entity) -> JsonValue:
        accounts = [each for each in self._state.values() if isinstance(each, Account) and each.entity == item.number]
        return {
            "idHash": data_hex(item.id_hash),
            "kind": EntityKind(item.word.kind).name,
            "status": EntityStatus(item.word.status).name,
            "accounts": sum(each.status == AccountStatus.LIVE for each in accounts),
            "group": item.word.group,
        }

    def _receipt(self, item: Receipt) -> JsonValue:
        pledges = [each for each in self._state.values() if isinstance(each, Pledge) and each.terms.receipt == item.id]
        goods = [each for each in self._state.values() if isinstance(each, Goods) and each.receipt == item.id]
        return {
            "owner": self._name(item.word.owner),
            "keeper": self._name(item.word.keeper),
            "status": ReceiptStatus(item.word.status).name,
            "quantity": str(item.word.quantity),
            "profile": item.word.profile,
            "flags": item.word.flags,
            "holds": _sorted(ReceiptHold(hold.order.bit).name for hold in item.holds),
            "pledges": _sorted(self._pledge(each) for each in pledges),
            "goods": sum(each.generation % 2 for each in goods),
        }

    def _pledge(self, item: Pledge) -> JsonValue:
        return {
            "pledgor": self._name(item.word.pledgor),
            "pledgee": self._name(item.word.pledgee),
            "status": PledgeStatus(item.word.status).name,
            "rank": item.word.rank,
            "ordinal": item.word.ordinal,
            "secures": item.terms.facility != bytes(32),
        }

    def _facility(self, item: Facility) -> JsonValue:
        word = item.word
        return {
            "lender": self._name(word.lender),
            "borrower": self._name(word.borrower),
            "status": FacilityStatus(word.status).name,
            "held": [rule for rule in range(word.rules) if word.holds >> rule & 1],
            "rules": word.rules,
            "draws": word.draws,
            "limitFactorBps": word.limit_factor,
            "instalments": _plain(InstalmentState(each.state).name for each in item.instalments),
            "acted": [rule for rule, slot in enumerate(item.guards) if slot],
        }

    def _cover(self, item: Cover) -> JsonValue:
        claims = [each for each in self._state.values() if isinstance(each, Claim) and each.cover == item.id]
        ordered = sorted(claims, key=lambda each: each.opening.claim)
        return {
            "insurer": self._name(item.word.insurer),
            "insured": self._name(item.word.insured),
            "claims": _plain(ClaimState(each.state).name for each in ordered),
        }

    def _name(self, entity: int) -> JsonValue:
        return self._names.get(entity)
