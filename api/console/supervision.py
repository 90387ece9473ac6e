"""The regulator's first page: the hour's abnormal events, refused acts, exposure, health, and the replay."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from api.console.frame import Frame
from api.console.phrases import Tag
from api.console.replays import replay_words
from api.records.oracles import most_faults
from ledger_node.bindings.constants import ClaimState, PledgeStatus
from registry.index.alerts import Alert
from registry.index.refusals import DOUBLE_PLEDGE_CAUSES, Refusal
from registry.items import Claim, Entity, Facility, Receipt, Round

FIRST = 20
HOUR = 3600
ROUNDS = 50
LATE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one lender has out, as far as structure tells: no amounts."""

    lender: str
    facilities: int
    held: int
    deferred: int
    draws: int
    receipts: int
    claims: int


@dataclass(frozen=True, slots=True)
class OracleHealth:
    """One oracle: its place in the set, how many of the last rounds it signed, and what that says."""

    number: int
    signed: int
    rounds: int
    tag: Tag


def supervision(
    frame: Frame, alert_row: Callable[[Frame, Alert], Any], refusal_row: Callable[[Frame, Refusal], Any]
) -> Response:
    """The page, with rows made by those who make them for the other pages."""
    found, _ = frame.sight.alerts(None, FIRST)
    refused, _ = frame.sight.refusals(None, FIRST)
    since = frame.state.block.time - HOUR
    recent = [alert for alert in found if alert.at.time >= since]
    heading = frame.count("%d abnormal event in the last hour", "%d abnormal events in the last hour", len(recent))
    return frame.page(
        "regulator.html",
        heading=heading % len(recent),
        rows=[alert_row(frame, alert) for alert in recent],
        earlier=[alert_row(frame, alert) for alert in found if alert.at.time < since],
        doubles=[refusal_row(frame, each) for each in refused if each.cause in DOUBLE_PLEDGE_CAUSES],
        refused=[refusal_row(frame, each) for each in refused if each.cause not in DOUBLE_PLEDGE_CAUSES],
        exposures=_exposures(frame),
        health=_health(frame),
        oracles=_oracles(frame),
        oracle_set=frame.state.snapshot.oracles(),
        replay=replay_words(frame),
    )


def _exposures(frame: Frame) -> list[Exposure]:
    facilities = frame.sight.every(Facility)
    claims = Counter(claim.opening.facility for claim in frame.sight.every(Claim) if claim.state == ClaimState.OPEN)
    pledged = Counter(
        pledge.word.pledgee
        for receipt in frame.sight.every(Receipt)
        for pledge in frame.sight.pledges_of(receipt)
        if pledge.word.status == PledgeStatus.LIVE
    )
    lenders = Counter(each.word.lender for each in facilities)
    lenders.update(dict.fromkeys(pledged, 0))
    return [
        Exposure(
            frame.name(lender),
            count,
            sum(1 for each in facilities if each.word.lender == lender and each.word.holds),
            sum(each.word.deferred for each in facilities if each.word.lender == lender),
            sum(each.word.draws for each in facilities if each.word.lender == lender),
            pledged[lender],
            sum(claims[each.id] for each in facilities if each.word.lender == lender),
        )
        for lender, count in lenders.most_common()
    ]


def _health(frame: Frame) -> list[tuple[str, str, Tag]]:
    """The chain, the index and the oracles' rounds: a name, what is known, and what it says."""
    block = frame.services.index.head()
    assert block is not None
    behind = frame.services.clock.now_ms() // 1000 - block.time
    late = Tag("warn", frame.say("late")) if behind > LATE_SECONDS else Tag("good", frame.say("fresh"))
    rounds = frame.state.snapshot.find(Round, limit=1).items
    last = frame.say("none so far") if not rounds else frame.moment(rounds[0].anchored.time)
    entities = frame.state.snapshot.count(Entity)
    kept = most_faults(frame.services.oracles.glances())
    none = Tag("good", frame.say("none"))
    return [
        (frame.say("Last block of this index"), f"{block.number:,} · {frame.moment(block.time)}", late),
        (frame.say("Last round anchored"), last, Tag("good" if rounds else "unknown", frame.say("on the chain"))),
        (frame.say("Entities"), str(entities), Tag("good", frame.say("on the chain"))),
        (frame.say("Contradictions kept"), str(kept), Tag("act", frame.say("see Network")) if kept else none),
    ]


def _oracles(frame: Frame) -> list[OracleHealth]:
    """Who signed the last rounds of the set in force; f + 1 signatures are enough, so not all sign each."""
    found = frame.state.snapshot.oracles()
    if found is None:
        return []
    rounds = [each for each in frame.state.snapshot.find(Round, limit=ROUNDS).items if each.epoch == found.epoch]
    health = []
    for place in range(len(found.members)):
        signed = sum(1 for each in rounds if each.mask >> place & 1)
        tag = Tag("good", frame.say("signs")) if signed else Tag("warn", frame.say("no signature"))
        health.append(OracleHealth(place + 1, signed, len(rounds), tag))
    return health
