"""Events that are no transitions: oracle sets, rounds, goods keys, panels, firings, the breaker, wiring."""

from registry.acts import Contract
from registry.effects.step import Changes, State, StateError
from registry.items import Breaker, Firing, Goods, Key, Kind, Oracles, Panel, Part, Receipt, Round, Trip, firing_id
from registry.transitions import (
    BreakerSet,
    BreakerTripped,
    GoodsClaimed,
    GoodsFreed,
    OraclesSet,
    PanelSet,
    RoundAnchored,
    RuleFired,
    Wired,
)

Fact = (
    OraclesSet | RoundAnchored | GoodsClaimed | GoodsFreed | PanelSet | RuleFired | BreakerTripped | BreakerSet | Wired
)  # fmt: skip


def fact(state: State, event: Fact) -> Changes:
    """The items that a fact changes. Raises StateError."""
    match event:
        case GoodsClaimed() | GoodsFreed():
            return _goods(state, event)
        case OraclesSet(epoch, digest, f, members, data):
            return {Key(Kind.ORACLES, epoch.to_bytes(4, "big")): Oracles(epoch, digest, f, members, data)}
        case RoundAnchored(id_, schema, slot, root, leaves, mask, epoch, at):
            return {Key(Kind.ROUND, id_): Round(id_, schema, slot, root, leaves, mask, epoch, at)}
        case PanelSet(number, required, members):
            return {Key(Kind.PANEL, number.to_bytes(2, "big")): Panel(number, required, members)}
        case RuleFired(facility, leaf, seq, firing, at):
            return {Key(Kind.FIRING, firing_id(facility, seq)): Firing(facility, seq, leaf, firing, at)}
        case BreakerTripped(facility, lender, actions, log_index, at):
            id_ = facility + at.block.to_bytes(8, "big") + log_index.to_bytes(4, "big")
            return {Key(Kind.TRIP, id_): Trip(facility, lender, actions, at)}
        case BreakerSet(window, lender_limit, consortium_limit):
            return {Key(Kind.BREAKER, b""): Breaker(window, lender_limit, consortium_limit)}
        case Wired(contract, part, address):
            return {part_key(contract, part): Part(contract.value, part, address)}


def part_key(contract: Contract, part: int) -> Key:
    """The key of who plays a part of a contract."""
    return Key(Kind.PART, contract.value.encode() + b":" + bytes([part]))


def _goods(state: State, event: GoodsClaimed | GoodsFreed) -> Changes:
    changes: Changes = {}
    for id_ in event.keys:
        key = Key(Kind.GOODS, id_)
        before = changes.get(key, state.get(key, Goods(id_, bytes(32), 0)))
        if not isinstance(before, Goods):
            raise StateError(f"GoodsIndex {id_.hex()}: is no goods key")
        held = before.generation % 2 == 1
        if isinstance(event, GoodsClaimed):
            if held and not _passes_on(state, event.receipt, before):
                raise StateError(f"GoodsIndex {id_.hex()}: another receipt holds the key")
            changes[key] = Goods(id_, event.receipt, before.generation if held else before.generation + 1)
        elif held and before.receipt == event.receipt:
            changes[key] = Goods(id_, event.receipt, before.generation + 1)
    return changes


def _passes_on(state: State, receipt: bytes, before: Goods) -> bool:
    """Whether the receipt replaces the one that holds the key, so that the key passes on while it is held."""
    claimant = state.get(Key(Kind.RECEIPT, receipt))
    return isinstance(claimant, Receipt) and claimant.terms.replaces == before.receipt
