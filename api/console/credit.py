"""Facilities for people: the list, and the page of one: instalments on a line, the rule that fired, holds, proof."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.frame import Frame, Framed
from api.console.goods import Event
from api.console.phrases import (
    Tag,
    act_words,
    action_words,
    comparison,
    evidence_kind,
    facility_tag,
    instalment_tag,
    pledge_tag,
)
from api.console.proofs import facility_panel
from api.console.references import facility_title, refer
from api.console.words import amount, day, decimal, moment
from api.problems import ProblemError
from api.records.oracles import GLANCE_SECONDS
from api.v1.drafts import digest_of
from ledger_node.bindings.constants import FacilityStatus, InstalmentState
from ledger_node.hexvalues import data_hex
from oracle.formats.metric import Metric
from oracle.rules import ConditionExplained, explain
from registry.acts import Contract
from registry.documents.fields import Money
from registry.evidence.gather import EvidenceMissing
from registry.firings import decode_firing
from registry.index.queries import Recorded
from registry.items import Facility, Firing, Kind, Pledge

router = APIRouter(include_in_schema=False)
_PLACES: dict[int, str] = {InstalmentState.PAID: "paid", InstalmentState.DEFERRED: "deferred"}


@dataclass(frozen=True, slots=True)
class Row:
    """A facility in a list."""

    href: str
    title: str
    parties: str
    limit: str
    drawn: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Payment:
    """An instalment on the time line; `place`: paid, deferred, next or later."""

    ordinal: int
    place: str
    tag: Tag
    amount: str
    due: str
    deferred: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A condition of a rule that fired, in words."""

    kind: str
    rule: str
    values: list[tuple[str, str, int]]
    instead: str


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired, in words."""

    seq: int
    number: int
    action: str
    clause_number: str
    clause: str
    at: str
    span: str
    conditions: list[Compared]
    proof: str


@router.get("/facilities")
def facilities(frame: Framed) -> Response:
    """The member's facilities, held ones first."""
    found = sorted(frame.sight.every(Facility), key=lambda each: each.word.holds == 0)
    held = sum(1 for each in found if each.word.holds)
    heading = frame.count("%d facility", "%d facilities", len(found)) % len(found)
    if held:
        heading = frame.say("%(all)s, %(held)d of them held") % {"all": heading, "held": held}
    return frame.page("facilities.html", heading=heading, rows=[row_of(frame, each) for each in found])


@router.get("/facilities/{facility_id}")
def facility(frame: Framed, facility_id: str) -> Response:
    """One facility."""
    found = frame.sight.one(Facility, digest_of("facility_id", facility_id))
    history = frame.state.snapshot.history(Contract.CREDIT, found.id)
    terms, sums = frame.papers.facility_terms(found), frame.papers.sums(found, history)
    firings = [fired(frame, each) for each in frame.sight.parts(Firing, facility=found.id)]
    pledges = [
        (refer(frame, Kind.RECEIPT, each.terms.receipt), pledge_tag(each.word.status, frame.say))
        for each in frame.sight.parts(Pledge, facility=found.id)
    ]
    return frame.page(
        "facility.html",
        heading=_heading(frame, found),
        consequence=_consequence(frame, found),
        facility=found,
        terms=terms,
        limit=None if terms is None else money(frame, terms.limit),
        rate=None if terms is None else f"{terms.rate_bps / 100:.2f} %",
        drawn=None if sums is None else money(frame, sums[0]),
        repaid=None if sums is None else money(frame, sums[1]),
        facility_tag=facility_tag(found.word.status, found.word.holds != 0, frame.say),
        payments=payments(frame, found),
        holds=[(hold, action_words(hold.firing.action, frame.say)) for hold in found.holds],
        firings=firings,
        agreed=[
            (each.rule.index + 1, action_words(each.rule.action, frame.say), each.clause)
            for each in frame.papers.rules(found)
        ],
        pledges=pledges,
        reads=frame.services.drafting.keyring.holds(frame.principal.entity) and bool(frame.papers.rules(found)),
        events=events(frame, history),
        panel=facility_panel(frame, found),
    )


def row_of(frame: Frame, facility: Facility) -> Row:
    """A facility in a list."""
    terms = frame.papers.facility_terms(facility)
    sums = frame.papers.sums(facility, frame.state.snapshot.history(Contract.CREDIT, facility.id))
    word = facility.word
    unknown = frame.say("not given to you")
    return Row(
        href=frame.link(f"/facilities/{data_hex(facility.id)}"),
        title=facility_title(frame, facility),
        parties=f"{frame.name(word.lender)} → {frame.name(word.borrower)}",
        limit=unknown if terms is None else money(frame, terms.limit),
        drawn=unknown if sums is None else money(frame, sums[0]),
        tag=facility_tag(word.status, word.holds != 0, frame.say),
    )


def money(frame: Frame, value: Money) -> str:
    """An amount in the reader's language."""
    return amount(value.minor, value.currency, frame.language)


def outstanding(frame: Frame, facility: Facility) -> Money | None:
    """What was drawn and not repaid; None when terms or an amount were not given to the member."""
    sums = frame.papers.sums(facility, frame.state.snapshot.history(Contract.CREDIT, facility.id))
    return None if sums is None else Money(minor=max(sums[0].minor - sums[1].minor, 0), currency=sums[0].currency)


def payments(frame: Frame, facility: Facility) -> list[Payment]:
    """The instalments as a time line."""
    planned = {each.ordinal: each for each in frame.papers.schedule(facility)}
    rows: list[Payment] = []
    next_seen = False
    for ordinal, instalment in enumerate(facility.instalments):
        plan = planned.get(ordinal)
        place = _PLACES.get(instalment.state, "later" if next_seen else "next")
        next_seen = next_seen or place == "next"
        rows.append(
            Payment(
                ordinal=ordinal + 1,
                place=place,
                tag=instalment_tag(instalment.state, frame.say),
                amount="" if plan is None or plan.amount is None else money(frame, plan.amount),
                due="" if plan is None else day(plan.due, frame.zone),
                deferred=day(instalment.due_ms, frame.zone) if instalment.due_ms else "",
            )
        )
    return rows


def fired(frame: Frame, firing: Firing) -> Fired:
    """A rule that fired: clause, values, thresholds, and what would have had to differ."""
    told = explain(decode_firing(firing.firing))
    clause = frame.papers.clause(told.clause)
    first, last = (moment(slot // 1000, frame.zone) for slot in (told.first_slot, told.last_slot))
    metrics = known_metrics(frame, firing.facility)
    return Fired(
        seq=firing.facility_seq,
        number=told.rule + 1,
        action=action_words(told.action, frame.say),
        clause_number="" if clause is None else clause.number,
        clause=frame.say("The clause's words were not given to you.") if clause is None else clause.text,
        at=frame.moment(firing.at.time),
        span=first if first == last else f"{first} – {last}",
        conditions=[_compared(frame, each, metrics.get(each.condition.metric)) for each in told.conditions],
        proof=f"/v1/facilities/{data_hex(firing.facility)}/actions/{firing.facility_seq}/proof",
    )


def known_metrics(frame: Frame, facility: bytes) -> dict[bytes, Metric]:
    """The metrics of a facility's covenant by id, as far as the member may read it and an oracle answers soon."""
    if facility not in frame.metrics:
        frame.metrics[facility] = {}
        try:
            signer = frame.services.drafting.keyring.signer(frame.principal.entity)
            covenant = frame.services.oracles.as_member(signer, GLANCE_SECONDS).covenant(facility)
        except (ProblemError, EvidenceMissing):
            return {}
        frame.metrics[facility] = {each.id: each for schema in covenant.schemas for each in schema.metrics}
    return frame.metrics[facility]


def events(frame: Frame, history: tuple[Recorded, ...]) -> list[Event]:
    """A facility's history, newest first."""
    return [
        Event(
            frame.moment(each.transition.at.time),
            act_words("facility", each.transition.read()[0], frame.say),
            each.transition.at.block,
            data_hex(each.tx_hash),
            {},
        )
        for each in reversed(history)
    ]


def _compared(frame: Frame, told: ConditionExplained, metric: Metric | None) -> Compared:
    """A condition in words; without its metric, which the covenant names, values are whole numbers as on the chain."""
    condition, nearest = told.condition, told.nearest
    exp10 = 0 if metric is None else metric.exp10

    def write(value: int) -> str:
        return decimal(value, exp10, frame.language)

    words = {
        "comparison": comparison(condition.comparator, frame.say),
        "threshold": write(condition.threshold),
        "count": condition.count,
        "name": frame.say("value") if metric is None else metric.name,
    }
    once = frame.say("%(name)s %(comparison)s %(threshold)s")
    often = frame.say("%(name)s %(comparison)s %(threshold)s, %(count)d times running")
    instead = {
        "instead": write(nearest.instead),
        "value": write(nearest.value),
        "time": moment(nearest.slot // 1000, frame.zone),
    }
    return Compared(
        kind=evidence_kind(condition.kind, frame.say),
        rule=(once if condition.count == 1 else often) % words,
        values=[(moment(seen.slot // 1000, frame.zone), write(seen.value), seen.count) for seen in told.run],
        instead=frame.say("It would not have fired with %(instead)s instead of %(value)s at %(time)s.") % instead,
    )


def _heading(frame: Frame, facility: Facility) -> str:
    deferred = [payment for payment in payments(frame, facility) if payment.place == "deferred"]
    if facility.word.holds:
        first = frame.say("Credit to %s is held") % frame.name(facility.word.borrower)
    elif facility.word.status == FacilityStatus.CLOSED:
        first = frame.say("Credit to %s is closed") % frame.name(facility.word.borrower)
    else:
        first = frame.say("Credit to %s is open") % frame.name(facility.word.borrower)
    if deferred:
        late = frame.say("instalment %(number)d deferred to %(date)s")
        return f"{first}; {late % {'number': deferred[-1].ordinal, 'date': deferred[-1].deferred}}"
    return first


def _consequence(frame: Frame, facility: Facility) -> str:
    if facility.word.holds:
        return frame.say(
            "Nothing can be drawn. Repayment, release and added collateral still work. "
            "The review that opened with the hold can clear it, on an inspection taken after it."
        )
    return frame.say("Money can be drawn up to the limit.") if facility.word.status == FacilityStatus.OPEN else ""
