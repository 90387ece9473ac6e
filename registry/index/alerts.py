"""Alerts: what the index has seen that somebody should look at, each with whether it still stands.

They are derived from notices and state; nothing is stored for them.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select, tuple_

from ledger_node.bindings.constants import ClaimState, InstalmentState, ReviewStatus
from oracle.formats.rule import Action
from registry import structs
from registry.index.codec import decode
from registry.index.pages import Page, check_limit, read_place, write_cursor
from registry.index.queries import NoticeRow, Snapshot, notice_row
from registry.index.refusals import DOUBLE_PLEDGE_CAUSES, Refusal
from registry.index.tables import notices
from registry.index.tags import parties_of
from registry.items import Claim, Cover, Facility, Key, Kind, Moment, Receipt, Review

_EVENTS = (
    "facility.hold",
    "facility.defer",
    "facility.note",
    "receipt.hold",
    "breaker.trip",
    "transaction.refused",
)
_GOODS_ACTS = ("pledge", "issue", "replace")


class AlertKind(StrEnum):
    """What an alert is about."""

    HOLD = "HOLD"
    REVIEW = "REVIEW"
    DEFER = "DEFER"
    OPEN_CLAIM = "OPEN_CLAIM"
    NOTIFY = "NOTIFY"
    RECEIPT_HOLD = "RECEIPT_HOLD"
    BREAKER = "BREAKER"
    DOUBLE_PLEDGE = "DOUBLE_PLEDGE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `key` is the facility, receipt or, of a refusal, the transaction's hash; `entities` are concerned."""

    kind: AlertKind
    at: Moment
    position: int
    subject: str
    key: bytes
    standing: bool
    entities: tuple[int, ...]
    firing: structs.Firing | None = None
    order: structs.HoldOrder | None = None
    refusal: Refusal | None = None


def alerts(snapshot: Snapshot, *, after: str | None = None, limit: int = 50) -> Page[Alert]:
    """The alerts up to the snapshot's block, newest first. Raises CursorError."""
    check_limit(limit)
    query = select(notices).where(notices.c.event.in_(_EVENTS), notices.c.block <= snapshot.block.number)
    if after is not None:
        query = query.where(tuple_(notices.c.block, notices.c.position) < read_place(after))
    query = query.order_by(notices.c.block.desc(), notices.c.position.desc()).limit(limit + 1)
    with snapshot.connection() as connection:
        rows = [notice_row(row) for row in connection.execute(query)]
    last = rows[limit - 1] if len(rows) > limit else None
    page = tuple(_alert(snapshot, row) for row in rows[:limit])
    return Page(page, None if last is None else write_cursor(last.at.block, last.position.to_bytes(4, "big")))


def _alert(snapshot: Snapshot, row: NoticeRow) -> Alert:
    if row.event == "transaction.refused":
        return _refused(snapshot, row)
    if row.event == "receipt.hold":
        return _receipt_hold(snapshot, row)
    facility = snapshot.one(Facility, row.key)
    entities = () if facility is None else concerned(snapshot, facility)
    if row.event == "breaker.trip":
        return Alert(AlertKind.BREAKER, row.at, row.position, row.kind, row.key, False, entities)
    firing = decode(structs.Firing, row.body)
    kind = AlertKind(Action(firing.action).name)
    standing = facility is not None and _stands(snapshot, kind, facility, firing)
    return Alert(kind, row.at, row.position, row.kind, row.key, standing, entities, firing=firing)


def _refused(snapshot: Snapshot, row: NoticeRow) -> Alert:
    refusal = decode(Refusal, row.body)
    double = refusal.act in _GOODS_ACTS and refusal.cause in DOUBLE_PLEDGE_CAUSES
    kind = AlertKind.DOUBLE_PLEDGE if double else AlertKind.REFUSED
    sender = snapshot.account(refusal.sender)
    entities = () if sender is None else (sender.entity,)
    return Alert(kind, row.at, row.position, row.kind, row.key, False, entities, refusal=refusal)


def _receipt_hold(snapshot: Snapshot, row: NoticeRow) -> Alert:
    order = decode(structs.HoldOrder, row.body)
    receipt = snapshot.one(Receipt, row.key)
    entities: tuple[int, ...] = ()
    standing = False
    if receipt is not None:
        pledges = (snapshot.get(Key(Kind.PLEDGE, id_)) for id_ in receipt.pledges)
        parties = {party for item in (receipt, *pledges) if item is not None for party in parties_of(item)}
        entities = tuple(sorted(parties | {order.authority}))
        standing = any(hold.order == order for hold in receipt.holds)
    return Alert(AlertKind.RECEIPT_HOLD, row.at, row.position, row.kind, row.key, standing, entities, order=order)


def _stands(snapshot: Snapshot, kind: AlertKind, facility: Facility, firing: structs.Firing) -> bool:
    if kind is AlertKind.HOLD:
        return any(hold.firing == firing for hold in facility.holds)
    if kind is AlertKind.DEFER:
        return facility.instalments[int.from_bytes(firing.target, "big")].state == InstalmentState.DEFERRED
    if kind is AlertKind.REVIEW:
        review = snapshot.one(Review, firing.target)
        return review is not None and review.word.status == ReviewStatus.OPEN
    if kind is AlertKind.OPEN_CLAIM:
        claims = snapshot.find(Claim, cover=firing.target, status=ClaimState.OPEN, limit=64).items
        return any(claim.opening.evidence == firing.evidence for claim in claims)
    return False


def concerned(snapshot: Snapshot, facility: Facility) -> tuple[int, ...]:
    """Lender, borrower, and the insurers whose covers name the facility."""
    covers = snapshot.find(Cover, facility=facility.id, limit=64).items
    return tuple(sorted({*parties_of(facility), *(cover.word.insurer for cover in covers)}))
