"""What others are to be told of: one notice for each event that matters and for each refused transaction."""

from functools import cache

from ledger_node.bindings import events
from ledger_node.values import Value
from registry import structs
from registry.index.codec import encode
from registry.index.refusals import Refusal
from registry.items import Key, Kind, firing_id
from registry.state import RECORDS
from registry.transitions import Event, Fact, Transition

REFUSAL_POSITION = 1 << 24
"""Notices of refused transactions come after those of the block's logs."""
REFUSED = "transaction.refused"
_KEPT = (structs.Firing, structs.HoldOrder)
_KINDS = {contract: kind.value for contract, kind in RECORDS.items()}


class Notice(Value, frozen=True):
    """What happened: its name (kind of record and act) and the item that it concerns.

    `body` has the act of holds on receipts and of rules, and a refused transaction; else it is empty, as the item, or
    the transition, says it all.
    """

    event: str
    kind: str
    key: bytes
    position: int
    body: bytes


def notice_of(event: Event, log_index: int) -> Notice | None:
    """The notice of an event, None where nobody needs one."""
    if isinstance(event, Transition):
        name, act = event.read()
        kind = _KINDS[event.contract]
        body = encode(act) if isinstance(act, _KEPT) else b""
        return Notice(_name(kind, name), kind, event.id, log_index, body)
    found = _fact(event)
    if found is None:
        return None
    name, key = found
    return Notice(name, key.kind.value, key.id, log_index, b"")


def notice_of_refusal(refusal: Refusal) -> Notice:
    """The notice of a refused transaction; its key is the transaction's hash."""
    return Notice(REFUSED, "refusal", refusal.tx_hash, REFUSAL_POSITION + refusal.tx_index, encode(refusal))


@cache
def _name(kind: str, act: str) -> str:
    return f"{kind}.{act.lower().replace('_', '-')}"


def _fact(fact: Fact) -> tuple[str, Key] | None:
    match fact.event:
        case events.RoundAnchored(round_id=id_):
            return "round.anchor", Key(Kind.ROUND, id_)
        case events.RuleFired(facility=facility, facility_seq=seq):
            return "rule.fire", Key(Kind.FIRING, firing_id(facility, seq))
        case events.BreakerTripped(facility=facility):
            return "breaker.trip", Key(Kind.FACILITY, facility)
        case events.OraclesSet(set_epoch=epoch):
            return "oracles.set", Key(Kind.ORACLES, epoch.to_bytes(4, "big"))
        case events.PanelSet(panel=panel):
            return "panel.set", Key(Kind.PANEL, panel.to_bytes(2, "big"))
        case _:
            return None
