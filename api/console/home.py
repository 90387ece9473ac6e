"""The first page of each role, and the pages of alerts and refused acts."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.causes import cause_words, tried_words
from api.console.credit import row_of as facility_row
from api.console.devices import silent_devices
from api.console.figures import figures
from api.console.frame import Frame, Framed
from api.console.goods import row_of as receipt_row
from api.console.phrases import Tag, alert_words
from api.console.references import Reference, facility_title, refer
from api.console.situations import situations
from api.console.supervision import supervision
from api.console.tasks import Task, kept, open_reviews, tasks
from api.console.words import day
from api.records.network import may_see
from api.records.oracles import most_faults
from api.security.roles import Role
from ledger_node.bindings.constants import InstalmentState
from ledger_node.hexvalues import data_hex, read_data
from registry.index.alerts import Alert, AlertKind
from registry.index.pages import CursorError
from registry.index.refusals import Refusal
from registry.items import Facility, Kind, Receipt

router = APIRouter(include_in_schema=False)
FIRST = 20
_NAMED = {"receipt": Kind.RECEIPT, "facility": Kind.FACILITY, "pledge": Kind.PLEDGE}


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
    refused: bool


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """An act that the contracts refused: when, who tried what, why, about which record, and what was given."""

    time: str
    sender: str
    act: str
    cause: str
    name: str
    about: Reference | None
    given: str
    transaction: str


@router.get("/")
def home(frame: Framed) -> Response:
    """What this role sees first."""
    if frame.principal.role is Role.REGULATOR:
        return supervision(frame, alert_row, refusal_row)
    role = frame.principal.role
    waiting = tasks(frame)
    if role in (Role.BANK, Role.KEEPER):
        waiting += _silent(frame)
    if may_see(frame.principal):
        waiting += _contradictions(frame)
    found, _ = frame.sight.alerts(None, FIRST)
    rows = [alert_row(frame, alert) for alert in found]
    facilities = sorted(frame.sight.every(Facility), key=lambda each: each.word.holds == 0)
    return frame.page(
        "home.html",
        heading=_heading(frame, waiting, facilities),
        tasks=waiting,
        urgent=any(task.tag.kind == "act" for task in waiting),
        kept=kept(frame)[:FIRST],
        situations=situations(frame) if role is Role.DEPOSITOR else [],
        standing=[
            row for row, alert in zip(rows, found, strict=True) if row.standing and not _decided_by(frame, alert)
        ],
        recent=[row for row in rows if not row.standing][:5],
        facilities=[facility_row(frame, each) for each in facilities[:FIRST]],
        receipts=[receipt_row(frame, each) for each in frame.sight.every(Receipt)[:FIRST]],
        figures=figures(frame),
        searching=role is Role.KEEPER,
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
    heading = frame.say("Acts that the contracts refused") if found else frame.say("No act was refused")
    return frame.page("refusals.html", heading=heading, rows=[refusal_row(frame, each) for each in found], more=more)


def alert_row(frame: Frame, alert: Alert) -> AlertRow:
    """An alert in words."""
    if alert.refusal is not None:
        row = refusal_row(frame, alert.refusal)
        title = frame.say("%(act)s: %(cause)s") % {"act": row.act, "cause": row.cause}
        href, parties = "" if row.about is None else row.about.href, row.sender
    else:
        path = "receipts" if alert.kind is AlertKind.RECEIPT_HOLD else "facilities"
        href = frame.link(f"/{path}/{data_hex(alert.key)}")
        title = _alert_title(frame, alert)
        parties = frame.say(", ").join(frame.name(entity) for entity in alert.entities)
    return AlertRow(
        tag=alert_words(alert.kind.value, frame.say),
        title=title,
        href=href,
        time=frame.moment(alert.at.time),
        block=alert.at.block,
        standing=alert.standing,
        parties=parties,
        refused=alert.refusal is not None,
    )


def refusal_row(frame: Frame, refusal: Refusal) -> RefusalRow:
    """A refused act in words."""
    account = frame.state.snapshot.account(refusal.sender)
    about = next(
        (
            refer(frame, _NAMED[each.name], read_data(each.name, each.value, 32))
            for each in refusal.args
            if each.name in _NAMED and len(each.value) == 66
        ),
        None,
    )
    return RefusalRow(
        time=frame.moment(refusal.at.time),
        sender=frame.say("a stranger") if account is None else frame.name(account.entity),
        act=tried_words(refusal.act, frame.say),
        cause=cause_words(refusal.cause, frame.say) or refusal.cause,
        name=refusal.cause,
        about=about,
        given=", ".join(f"{each.name} {each.value}" for each in refusal.args),
        transaction=data_hex(refusal.tx_hash),
    )


def _alert_title(frame: Frame, alert: Alert) -> str:
    if alert.kind is AlertKind.BREAKER:
        return frame.say("Too many automatic actions: the next ones wait for review")
    if alert.kind is AlertKind.RECEIPT_HOLD:
        return refer(frame, Kind.RECEIPT, alert.key).name
    facility = frame.state.snapshot.one(Facility, alert.key)
    words = "" if facility is None else facility_title(frame, facility)
    if alert.firing is None:
        return words
    told = {"subject": words, "number": alert.firing.rule + 1, "date": day(alert.firing.slot, frame.zone)}
    return frame.say("%(subject)s: rule %(number)d, observed on %(date)s") % told


def _decided_by(frame: Frame, alert: Alert) -> bool:
    """Whether the alert stands among the reader's tasks already."""
    return frame.principal.role is Role.INSURER and alert.kind is AlertKind.OPEN_CLAIM


def _silent(frame: Frame) -> list[Task]:
    """Devices that concern the member and that nothing is heard of, as one thing to look at."""
    silent = silent_devices(frame)
    if not silent:
        return []
    title = frame.count("%d device is silent", "%d devices are silent", len(silent)) % len(silent)
    facts = ((frame.say("Last heard"), silent[0].heard), (frame.say("Device"), silent[0].name))
    return [Task(Tag("warn", frame.say("silent")), title, None, facts, frame.say("See the devices"), "/devices")]


def _contradictions(frame: Frame) -> list[Task]:
    """Contradictions of oracles that others keep, as one thing to look at."""
    kept_ = most_faults(frame.services.oracles.glances())
    if not kept_:
        return []
    title = frame.count("Oracles contradicted themselves %d time", "Oracles contradicted themselves %d times", kept_)
    tag = Tag("act", frame.say("contradiction"))
    return [Task(tag, title % kept_, None, (), frame.say("See the network"), "/network")]


def _heading(frame: Frame, waiting: list[Task], facilities: list[Facility]) -> str:
    role, entity = frame.principal.role, frame.principal.entity
    if role is Role.DEPOSITOR:
        told = _own_credit(frame, [each for each in facilities if each.word.borrower == entity])
        if told:
            return told
    decisions = sum(1 for task in waiting if task.tag.kind == "act")
    if decisions and role is Role.BANK:
        count = len({review.opening.facility for review in open_reviews(frame.sight)}) or decisions
        return frame.count("%d facility needs a decision", "%d facilities need a decision", count) % count
    if decisions and role is Role.INSURER:
        return frame.count("%d decision waits for you", "%d decisions wait for you", decisions) % decisions
    if waiting:
        return frame.count("%d thing waits for you", "%d things wait for you", len(waiting)) % len(waiting)
    return frame.say("Nothing waits for you")


def _own_credit(frame: Frame, facilities: list[Facility]) -> str:
    """What a borrower must know first: a deferred instalment, else a hold."""
    for facility in facilities:
        for ordinal, instalment in enumerate(facility.instalments):
            if instalment.state == InstalmentState.DEFERRED:
                words = {"number": ordinal + 1, "date": day(instalment.due_ms, frame.zone)}
                return frame.say("Instalment %(number)d is deferred to %(date)s") % words
    return frame.say("Your credit is held") if any(each.word.holds for each in facilities) else ""
