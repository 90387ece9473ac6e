"""The first page of each role, and the pages of alerts and refused acts."""

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.credit import row_of as facility_row
from api.console.credit import title
from api.console.frame import Frame, Framed
from api.console.goods import row_of as receipt_row
from api.console.phrases import Tag, alert_words
from api.console.tasks import Task, tasks
from api.console.words import day
from api.security.roles import Role
from ledger_node.hexvalues import data_hex
from registry.index.alerts import Alert, AlertKind
from registry.index.pages import CursorError
from registry.index.refusals import Refusal
from registry.items import Entity, Facility, Receipt

router = APIRouter(include_in_schema=False)
FIRST = 20


@dataclass(frozen=True, slots=True)
class AlertRow:
    """Something that happened, in words."""

    tag: Tag
    title: str
    href: str
    time: str
    block: int
    standing: bool
    parties: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one lender has out, as far as structure tells: no amounts."""

    lender: str
    facilities: int
    held: int
    draws: int


@router.get("/")
def home(frame: Framed) -> Response:
    """What this role sees first."""
    if frame.principal.role is Role.REGULATOR:
        return _regulator(frame)
    waiting = tasks(frame)
    found, _ = frame.sight.alerts(None, FIRST)
    rows = [alert_row(frame, alert) for alert in found]
    facilities = sorted(frame.sight.every(Facility), key=lambda each: each.word.holds == 0)[:FIRST]
    receipts = frame.sight.every(Receipt)
    return frame.page(
        "home.html",
        heading=_heading(frame, waiting, facilities),
        tasks=waiting,
        standing=[row for row in rows if row.standing],
        recent=[row for row in rows if not row.standing][:5],
        facilities=[facility_row(frame, each) for each in facilities],
        receipts=[receipt_row(frame, each) for each in receipts[:FIRST]],
        figures=[
            (frame.say("Receipts"), len(receipts)),
            (frame.say("Pledged"), sum(1 for each in receipts if each.word.live_pledges)),
            (frame.say("Facilities held"), sum(1 for each in facilities if each.word.holds)),
        ],
        searching=frame.principal.role is Role.KEEPER,
    )


@router.get("/alerts")
def alerts(frame: Framed, cursor: str = "") -> Response:
    """What somebody should look at, newest first."""
    try:
        found, more = frame.sight.alerts(cursor or None, FIRST)
    except CursorError:
        found, more = frame.sight.alerts(None, FIRST)
    rows = [alert_row(frame, alert) for alert in found]
    standing = sum(1 for row in rows if row.standing)
    heading = frame.count("%d alert stands", "%d alerts stand", standing) % standing
    return frame.page("alerts.html", heading=heading, rows=rows, more=more)


@router.get("/refusals")
def refusals(frame: Framed, cursor: str = "") -> Response:
    """Acts that the contracts refused, by name."""
    try:
        found, more = frame.sight.refusals(cursor or None, FIRST)
    except CursorError:
        found, more = frame.sight.refusals(None, FIRST)
    heading = frame.say("Acts that the contracts refused")
    return frame.page("refusals.html", heading=heading, rows=[refusal_row(frame, each) for each in found], more=more)


def alert_row(frame: Frame, alert: Alert) -> AlertRow:
    """An alert in words."""
    if alert.refusal is not None:
        title = frame.say("%(act)s refused: %(cause)s") % {"act": alert.refusal.act, "cause": alert.refusal.cause}
        href = ""
    else:
        path = "receipts" if alert.kind is AlertKind.RECEIPT_HOLD else "facilities"
        href = frame.link(f"/{path}/{data_hex(alert.key)}")
        title = _alert_title(frame, alert)
    return AlertRow(
        tag=alert_words(alert.kind.value, frame.say),
        title=title,
        href=href,
        time=frame.moment(alert.at.time),
        block=alert.at.block,
        standing=alert.standing,
        parties=", ".join(frame.name(entity) for entity in alert.entities),
    )


def refusal_row(frame: Frame, refusal: Refusal) -> tuple[str, str, str, str, str, str]:
    """A refused act: time, who sent it, act, cause, arguments, transaction."""
    account = frame.state.snapshot.account(refusal.sender)
    sender = frame.say("a stranger") if account is None else frame.name(account.entity)
    arguments = ", ".join(f"{each.name} {each.value}" for each in refusal.args)
    return frame.moment(refusal.at.time), sender, refusal.act, refusal.cause, arguments, data_hex(refusal.tx_hash)


def _alert_title(frame: Frame, alert: Alert) -> str:
    if alert.kind is AlertKind.BREAKER:
        return frame.say("Too many automatic actions: the next ones wait for review")
    facility = frame.state.snapshot.one(Facility, alert.key)
    words = frame.say("Receipt %s") % data_hex(alert.key)[:10] if facility is None else title(frame, facility)
    if alert.firing is None:
        return words
    return frame.say("%(subject)s by rule %(number)d") % {"subject": words, "number": alert.firing.rule + 1}


def _heading(frame: Frame, waiting: list[Task], facilities: list[Facility]) -> str:
    role, entity = frame.principal.role, frame.principal.entity
    if role is Role.DEPOSITOR:
        deferred = _deferred(frame, [each for each in facilities if each.word.borrower == entity])
        if deferred:
            return deferred
    decisions = sum(1 for task in waiting if task.tag.kind == "act")
    if decisions and role is Role.BANK:
        return frame.count("%d facility needs a decision", "%d facilities need a decision", decisions) % decisions
    if decisions and role is Role.INSURER:
        return frame.count("%d decision waits for you", "%d decisions wait for you", decisions) % decisions
    if waiting:
        return frame.count("%d thing waits for you", "%d things wait for you", len(waiting)) % len(waiting)
    return frame.say("Nothing waits for you")


def _deferred(frame: Frame, facilities: list[Facility]) -> str | None:
    for facility in facilities:
        for ordinal, instalment in enumerate(facility.instalments):
            if instalment.state == 2:
                words = {"number": ordinal + 1, "date": day(instalment.due_ms, frame.zone)}
                return frame.say("Instalment %(number)d is deferred to %(date)s") % words
    return None


def _regulator(frame: Frame) -> Response:
    found, _ = frame.sight.alerts(None, FIRST)
    refused, _ = frame.sight.refusals(None, FIRST)
    rows = [alert_row(frame, alert) for alert in found]
    since = frame.state.block.time - 3600
    abnormal = sum(1 for alert in found if alert.at.time >= since)
    heading = frame.count("%d abnormal event in the last hour", "%d abnormal events in the last hour", abnormal)
    return frame.page(
        "regulator.html",
        heading=heading % abnormal,
        rows=rows,
        refused=[refusal_row(frame, each) for each in refused],
        exposures=_exposures(frame),
        oracles=frame.state.snapshot.oracles(),
        entities=frame.state.snapshot.count(Entity),
    )


def _exposures(frame: Frame) -> list[Exposure]:
    facilities = frame.sight.every(Facility)
    lenders = Counter(each.word.lender for each in facilities)
    return [
        Exposure(
            frame.name(lender),
            count,
            sum(1 for each in facilities if each.word.lender == lender and each.word.holds),
            sum(each.word.draws for each in facilities if each.word.lender == lender),
        )
        for lender, count in lenders.most_common()
    ]
