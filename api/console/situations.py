"""For a borrower, in plain words: what a rule did to its credit, why, what ends it, and what still works."""

from dataclasses import dataclass

from api.console.credit import Fired, fired, payments
from api.console.frame import Frame
from api.console.references import Reference, refer
from api.records.papers import Agreed
from ledger_node.bindings.constants import InstalmentState
from ledger_node.hexvalues import data_hex
from oracle.formats.rule import Action
from registry import structs
from registry.acts import Contract
from registry.items import Facility, Firing, Kind, Review


@dataclass(frozen=True, slots=True)
class Situation:
    """One thing that a rule did and that stands."""

    title: str
    about: Reference
    why: str
    seen: list[str]
    cure: str
    works: str
    details: str
    devices: str


def situations(frame: Frame) -> list[Situation]:
    """All that stands against the member's own credit, holds first."""
    own = [each for each in frame.sight.every(Facility) if each.word.borrower == frame.principal.entity]
    return [found for each in own for found in _holds(frame, each)] + [
        found for each in own for found in _deferrals(frame, each)
    ]


def _holds(frame: Frame, facility: Facility) -> list[Situation]:
    found = []
    for hold in facility.holds:
        review = frame.state.snapshot.one(Review, hold.firing.target)
        panel = () if review is None else frame.sight.members_of(review.word.panel)
        words = {
            "panel": ", ".join(frame.name(each) for each in panel),
            "date": "–" if review is None else frame.moment(review.word.deadline),
            "since": frame.moment(hold.since.time),
        }
        cure = frame.say(
            "%(panel)s decide until %(date)s. They can end the hold on an inspection that is taken after %(since)s: "
            "ask the inspector for one now."
        )
        works = frame.say("You can repay, add goods and have pledged goods released. You cannot draw money.")
        title = frame.say("Your credit is held since %s") % words["since"]
        found.append(_situation(frame, facility, hold.firing, title, cure % words, works))
    return found


def _deferrals(frame: Frame, facility: Facility) -> list[Situation]:
    planned = payments(frame, facility)
    found = []
    for ordinal, instalment in enumerate(facility.instalments):
        if instalment.state != InstalmentState.DEFERRED:
            continue
        words = {"number": ordinal + 1, "date": planned[ordinal].deferred, "before": planned[ordinal].due or "–"}
        title = frame.say("Instalment %(number)d is due on %(date)s instead of %(before)s") % words
        cure = frame.say(
            "You need do nothing: nothing of it is due before %(date)s. "
            "It ends when you pay the instalment, then or earlier."
        )
        works = frame.say("You can draw up to the limit, repay, add goods and have pledged goods released.")
        if facility.word.holds:
            works = frame.say("You can repay, add goods and have pledged goods released. You cannot draw money.")
        firing = _deferring(facility, ordinal, frame)
        found.append(_situation(frame, facility, firing, title, cure % words, works))
    return found


def _deferring(facility: Facility, ordinal: int, frame: Frame) -> structs.Firing | None:
    """The act of the history that deferred an instalment."""
    for each in reversed(frame.state.snapshot.history(Contract.CREDIT, facility.id)):
        _, act = each.transition.read()
        if not isinstance(act, structs.Firing) or act.action != Action.DEFER:
            continue
        if int.from_bytes(act.target, "big") == ordinal:
            return act
    return None


def _situation(
    frame: Frame, facility: Facility, firing: structs.Firing | None, title: str, cure: str, works: str
) -> Situation:
    rule = None if firing is None else firing.rule
    told = _told(frame, facility, firing)
    link = frame.link(f"/facilities/{data_hex(facility.id)}")
    agreed = next((each for each in frame.papers.rules(facility) if each.rule.index == rule), None)
    return Situation(
        title=title,
        about=refer(frame, Kind.FACILITY, facility.id),
        why=_why(frame, agreed, told),
        seen=[] if told is None else [_seen(frame, told, at) for at in range(len(told.conditions))],
        cure=cure,
        works=works,
        details=link if told is None else f"{link}#action-{told.seq}",
        devices=f"/devices?facility={data_hex(facility.id)}",
    )


def _told(frame: Frame, facility: Facility, firing: structs.Firing | None) -> Fired | None:
    found = frame.sight.parts(Firing, facility=facility.id)
    match = next((each for each in found if firing is not None and each.rule_leaf == firing.rule_leaf), None)
    return None if match is None else fired(frame, match)


def _why(frame: Frame, agreed: Agreed | None, told: Fired | None) -> str:
    if agreed is not None and agreed.clause is not None:
        words = {"number": agreed.clause.number, "text": agreed.clause.text}
        return frame.say("You agreed in clause %(number)s: %(text)s") % words
    return frame.say("A rule of your agreement fired.") if told is None else told.clause


def _seen(frame: Frame, told: Fired, at: int) -> str:
    condition = told.conditions[at]
    values = "; ".join(f"{time}: {value}" for time, value, _ in condition.values[-7:])
    return frame.say("Observed (%(rule)s): %(values)s") % {"rule": condition.rule, "values": values}
