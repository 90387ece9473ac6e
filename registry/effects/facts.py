"""Events that are no transitions: oracle sets, rounds, goods keys, panels, firings, the breaker, wiring."""

from collections.abc import Sequence

from ledger_node.bindings import events
from ledger_node.values import Wide
from registry.acts import Contract
from registry.effects.step import Changes, State, StateError
from registry.items import (
    Breaker,
    Firing,
    Goods,
    Key,
    Kind,
    Oracles,
    Panel,
    Part,
    Receipt,
    Round,
    Trip,
    firing_id,
)
from registry.transitions import Fact


def fact(state: State, given: Fact) -> Changes:
    """The items that a fact changes. Raises StateError."""
    at = given.at
    match given.event:
        case events.GoodsClaimed(_, receipt, keys):
            return _claimed(state, receipt, keys)
        case events.GoodsFreed(_, receipt, keys):
            return _freed(state, receipt, keys)
        case events.OraclesSet(_, epoch, digest, f, members, data):
            return {Key(Kind.ORACLES, epoch.to_bytes(4, "big")): Oracles(epoch, digest, f, tuple(members), data)}
        case events.RoundAnchored(_, id_, schema, slot, root, leaves, mask, epoch):
            return {Key(Kind.ROUND, id_): Round(id_, schema, slot, root, leaves, mask, epoch, at)}
        case events.PanelSet(_, number, required, members):
            return {Key(Kind.PANEL, number.to_bytes(2, "big")): Panel(number, required, Wide(members))}
        case events.RuleFired(_, facility, leaf, seq, firing):
            return {Key(Kind.FIRING, firing_id(facility, seq)): Firing(facility, seq, leaf, firing, at)}
        case events.BreakerTripped(_, facility, lender, actions):
            id_ = facility + at.block.to_bytes(8, "big") + given.log_index.to_bytes(4, "big")
            return {Key(Kind.TRIP, id_): Trip(facility, lender, actions, at)}
        case events.BreakerSet(_, window, lender_limit, consortium_limit):
            return {Key(Kind.BREAKER, b""): Breaker(window, lender_limit, consortium_limit)}
        case events.Wired(_, part, contract):
            return {part_key(given.contract, part): Part(given.contract.value, part, contract)}


def part_key(contract: Contract, part: int) -> Key:
    """The key of who plays a part of a contract."""
    return Key(Kind.PART, contract.value.encode() + b":" + bytes([part]))


def _claimed(state: State, receipt: bytes, keys: Sequence[bytes]) -> Changes:
    changes: Changes = {}
    for id_ in keys:
        before = _goods(changes, state, id_)
        held = before.generation % 2 == 1
        if held and not _passes_on(state, receipt, before):
            raise StateError(f"GoodsIndex {id_.hex()}: another receipt holds the key")
        changes[Key(Kind.GOODS, id_)] = Goods(id_, receipt, before.generation + (not held))
    return changes


def _freed(state: State, receipt: bytes, keys: Sequence[bytes]) -> Changes:
    changes: Changes = {}
    for id_ in keys:
        before = _goods(changes, state, id_)
        if before.generation % 2 == 1 and before.receipt == receipt:
            changes[Key(Kind.GOODS, id_)] = Goods(id_, receipt, before.generation + 1)
    return changes


def _goods(changes: Changes, state: State, id_: bytes) -> Goods:
    key = Key(Kind.GOODS, id_)
    before = changes.get(key) or state.get(key)
    return before if isinstance(before, Goods) else Goods(id_, bytes(32), 0)


def _passes_on(state: State, receipt: bytes, before: Goods) -> bool:
    """Whether the receipt replaces the one that holds the key, so that the key passes on while it is held."""
    claimant = state.get(Key(Kind.RECEIPT, receipt))
    return isinstance(claimant, Receipt) and claimant.terms.replaces == before.receipt
