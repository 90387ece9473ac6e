"""What the chain's storage must hold when the events are the whole truth: every slot that matters, field by field.

Pure: from the replayed state to slots and values. The counters of the circuit breaker are not among them, since
no event tells them; its limits are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch

from ledger_node.bindings.constants import ReceiptHold, ReceiptStatus
from ledger_node.covers import rules_of
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from registry import items, slots
from registry.acts import Contract
from registry.items import Item, Key
from registry.transitions import Deployment
from registry.words import Span, Word

WHOLE: Mapping[str, Span] = {"value": (0, 255)}
_ACCOUNT: Mapping[str, Span] = {"entity": (0, 31), "role": (32, 39), "status": (40, 47)}
_GOODS: Mapping[str, Span] = {"generation": (0, 31), "receipt": (32, 255)}
_PERIOD: Mapping[str, Span] = {"start": (0, 63), "end": (64, 127), "rules": (128, 159)}
_CONFIG: Mapping[str, Span] = {"data": (0, 159), "setEpoch": (160, 191), "f": (192, 199), "count": (200, 207)}
_BREAKER: Mapping[str, Span] = {"window": (0, 31), "lenderLimit": (32, 63), "consortiumLimit": (64, 95)}
_ADDRESS: Mapping[str, Span] = {"address": (0, 159)}
ACCESS_MANAGED = (
    Contract.PARTICIPANTS, Contract.GOODS, Contract.RECEIPTS, Contract.HUB, Contract.ENGINE, Contract.CREDIT,
    Contract.REVIEWS, Contract.COVERS,
)  # fmt: skip
"""The contracts whose administrative functions ConsortiumAccess guards."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A slot of a contract: whose part it is, its fields, and its value. With `partial` other bits do not matter."""

    contract: Contract
    id: str
    slot: int
    value: int
    fields: Mapping[str, Span]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value in the storage is not what the events add up to; values in hexadecimal."""

    contract: str
    id: str
    field: str
    expected: str
    observed: str


def differences(expected: Expectation, observed: int) -> list[Difference]:
    """The fields in which an observed slot differs."""
    found = []
    rest = (1 << 256) - 1
    for name, (low, high) in expected.fields.items():
        mask = (1 << high - low + 1) - 1
        rest &= ~(mask << low)
        wanted, seen = expected.value >> low & mask, observed >> low & mask
        if wanted != seen:
            found.append(Difference(expected.contract.value, expected.id, name, hex(wanted), hex(seen)))
    wanted, seen = expected.value & rest, observed & rest
    if wanted != seen and not expected.partial:
        found.append(Difference(expected.contract.value, expected.id, "unused bits", hex(wanted), hex(seen)))
    return found


def expectations(state: Mapping[Key, Item], deployment: Deployment) -> Iterator[Expectation]:
    """Every slot that the state determines."""
    for item in state.values():
        yield from _of(item)
    yield from _totals(list(state.values()))
    for contract in ACCESS_MANAGED:
        authority = int.from_bytes(deployment.addresses[Contract.ACCESS], "big")
        yield Expectation(contract, "authority", slots.base(contract, "_authority"), authority, _ADDRESS)


def oracle_set_code(oracles: items.Oracles) -> bytes:
    """The code of the data contract of an oracle set: a zero byte, the config digest, the members."""
    return b"\0" + oracles.config_digest + b"".join(oracles.members)


def _record(contract: Contract, id_: bytes, word: Word, head: bytes) -> Iterator[Expectation]:
    first, second = slots.record_slots(contract, id_)
    yield Expectation(contract, data_hex(id_), first, word.pack(), word.LAYOUT)
    yield _whole(contract, data_hex(id_), second, head, "head")


def _whole(contract: Contract, id_: str, slot: int, value: bytes | int, name: str) -> Expectation:
    number = value if isinstance(value, int) else int.from_bytes(value, "big")
    return Expectation(contract, id_, slot, number, {name: WHOLE["value"]})


@singledispatch
def _of(item: Item) -> Iterator[Expectation]:
    """The slots of one item; items that are told by events alone have none."""
    del item
    return iter(())


@_of.register
def _entity(item: items.Entity) -> Iterator[Expectation]:
    contract, id_ = Contract.PARTICIPANTS, data_hex(item.id)
    yield from _record(contract, item.id, item.word, item.head)
    yield _whole(contract, id_, slots.member(contract, "entityOf", item.id_hash), item.number, "entityOf")
    for digest in item.withdrawn_drafts:
        inner = slots.member(contract, "_withdrawn", digest)
        yield _whole(contract, id_, slots.nested(inner, item.id), 1, f"withdrawn {data_hex(digest)}")


@_of.register
def _account(item: items.Account) -> Iterator[Expectation]:
    slot = slots.member(Contract.PARTICIPANTS, "accounts", item.address)
    value = item.entity | item.role << 32 | item.status << 40
    yield Expectation(Contract.PARTICIPANTS, data_hex(item.address), slot, value, _ACCOUNT)


@_of.register
def _fleet(item: items.Fleet) -> Iterator[Expectation]:
    yield from _record(Contract.DEVICES, item.id, item.word, item.head)
    names = (("fleetRoot", item.terms.fleet_root), ("revocationRoot", item.terms.revocation_root))
    for slot, (name, root) in zip(slots.fleet_slots(item.terms.entity), names, strict=True):
        yield _whole(Contract.DEVICES, data_hex(item.id), slot, root, name)


@_of.register
def _receipt(item: items.Receipt) -> Iterator[Expectation]:
    yield from _record(Contract.RECEIPTS, item.id, item.word, item.head)
    placed = slots.member(Contract.HOLD_DESK, "placed", item.id)
    standing = {hold.order.bit: hold.order for hold in item.holds}
    for bit in ReceiptHold:
        order = standing.get(bit)
        value = keccak256(order.authority.to_bytes(32, "big") + order.order_hash) if order else b""
        slot = slots.nested(placed, bytes([bit]))
        yield _whole(Contract.HOLD_DESK, data_hex(item.id), slot, value, f"placed {bit}")


@_of.register
def _pledge(item: items.Pledge) -> Iterator[Expectation]:
    word = item.word
    yield Expectation(Contract.PLEDGES, data_hex(item.id), slots.pledge_slot(item.id), word.pack(), word.LAYOUT)


@_of.register
def _goods(item: items.Goods) -> Iterator[Expectation]:
    value = int.from_bytes(item.receipt[:28], "big") << 32 | item.generation
    slot = slots.member(Contract.GOODS, "claims", item.key)
    yield Expectation(Contract.GOODS, data_hex(item.key), slot, value, _GOODS)


@_of.register
def _facility(item: items.Facility) -> Iterator[Expectation]:
    contract, id_ = Contract.CREDIT, data_hex(item.id)
    yield from _record(contract, item.id, item.word, item.head)
    rules, schedule, states = slots.facility_slots(item.id)
    yield _whole(contract, id_, rules, item.terms.rules_root, "rulesRoot")
    yield _whole(contract, id_, schedule, item.terms.schedule_root, "scheduleRoot")
    due = sum(each.state << 4 * at for at, each in enumerate(item.instalments))
    spans = {f"instalment {at}": (4 * at, 4 * at + 3) for at in range(len(item.instalments))}
    yield Expectation(contract, id_, states, due, spans)
    for rule, slot in enumerate(item.guards):
        yield _whole(Contract.ENGINE, id_, slots.guard_slot(item.id, rule), slot, f"lastSlot {rule}")


@_of.register
def _review(item: items.Review) -> Iterator[Expectation]:
    yield from _record(Contract.REVIEWS, item.id, item.word, item.head)


@_of.register
def _panel(item: items.Panel) -> Iterator[Expectation]:
    first = slots.member(Contract.REVIEWS, "panels", item.number.to_bytes(2, "big"))
    yield _whole(Contract.REVIEWS, f"panel {item.number}", first, item.members, "members")
    yield _whole(Contract.REVIEWS, f"panel {item.number}", first + 1, item.required, "required")


@_of.register
def _cover(item: items.Cover) -> Iterator[Expectation]:
    yield from _record(Contract.COVERS, item.id, item.word, item.head)
    facility, period, _ = slots.cover_slots(item.id)
    yield _whole(Contract.COVERS, data_hex(item.id), facility, item.terms.facility, "facility")
    value = item.terms.start | item.terms.end << 64 | item.terms.rules << 128
    yield Expectation(Contract.COVERS, data_hex(item.id), period, value, _PERIOD)


@_of.register
def _round(item: items.Round) -> Iterator[Expectation]:
    yield _whole(Contract.HUB, data_hex(item.id), slots.round_slot(item.id), item.root, "root")


@_of.register
def _breaker(item: items.Breaker) -> Iterator[Expectation]:
    value = item.window | item.lender_limit << 32 | item.consortium_limit << 64
    slot = slots.base(Contract.ENGINE, "breaker")
    yield Expectation(Contract.ENGINE, "breaker", slot, value, _BREAKER, partial=True)


@_of.register
def _part(item: items.Part) -> Iterator[Expectation]:
    contract, address = Contract(item.contract), int.from_bytes(item.address, "big")
    slot = slots.member(contract, "_wired", bytes([item.part]))
    yield Expectation(contract, f"part {item.part}", slot, address, _ADDRESS)
    if contract is Contract.GOODS:
        yield _whole(contract, f"part {item.part}", slots.member(contract, "isDesk", item.address), 1, "isDesk")


def _totals(found: list[Item]) -> Iterator[Expectation]:
    """The slots that many items determine together."""
    entities = [item for item in found if isinstance(item, items.Entity)]
    slot = slots.base(Contract.PARTICIPANTS, "entityCount")
    yield _whole(Contract.PARTICIPANTS, "entities", slot, len(entities), "entityCount")
    withdrawn = Counter(digest for item in entities for digest in item.withdrawn_drafts)
    for digest, count in withdrawn.items():
        slot = slots.member(Contract.PARTICIPANTS, "_withdrawals", digest)
        yield _whole(Contract.PARTICIPANTS, data_hex(digest), slot, count, "withdrawals")
    receipts = [item.word for item in found if isinstance(item, items.Receipt)]
    live = Counter(word.owner for word in receipts if word.status == ReceiptStatus.ACTIVE)
    for entity in entities:
        slot = slots.member(Contract.RECEIPTS, "_balances", entity.id)
        yield _whole(Contract.RECEIPTS, data_hex(entity.id), slot, live[entity.number], "balance")
    sets = [item for item in found if isinstance(item, items.Oracles)]
    if sets:
        last = max(sets, key=lambda each: each.epoch)
        value = int.from_bytes(last.data, "big") | last.epoch << 160 | last.f << 192 | len(last.members) << 200
        yield Expectation(Contract.HUB, "config", slots.base(Contract.HUB, "config"), value, _CONFIG)
    yield from _claims(found)
    yield from _covered(found)


def _covered(found: list[Item]) -> Iterator[Expectation]:
    until: dict[tuple[bytes, int], int] = {}
    for item in found:
        if isinstance(item, items.Cover):
            places = [(item.terms.facility, rule) for rule in rules_of(item.terms)]
            until |= {place: max(item.terms.end, until.get(place, 0)) for place in places}
    for (facility, rule), end in until.items():
        yield _whole(Contract.COVERS, data_hex(facility), slots.covered_slot(facility, rule), end, f"rule {rule}")


def _claims(found: list[Item]) -> Iterator[Expectation]:
    states: dict[bytes, dict[int, int]] = {item.id: {} for item in found if isinstance(item, items.Cover)}
    for item in found:
        if isinstance(item, items.Claim):
            states[item.cover][item.opening.claim] = item.state
    for cover, claims in states.items():
        value = sum(state << 4 * number for number, state in claims.items())
        spans = {f"claim {number}": (4 * number, 4 * number + 3) for number in sorted(claims)}
        yield Expectation(Contract.COVERS, data_hex(cover), slots.cover_slots(cover)[2], value, spans)
