"""What waits for a person: decisions, consents, things to send. One action each; what each role sees first."""

from dataclasses import dataclass

from api.acts.kinds import Act
from api.console.credit import money, outstanding
from api.console.frame import Frame
from api.console.phrases import Tag, draft_words
from api.console.references import Reference, facility_title, refer
from api.console.words import day
from api.drafts import Draft
from api.records.sight import Sight
from api.v1.drafts import party_state
from ledger_node.bindings.constants import ClaimState, ReviewStatus
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from oracle.formats.rule import Action
from registry.consents import message
from registry.items import Claim, Cover, Facility, Firing, Kind, Review

RECENT = 200
_ABOUT = {
    "facility": Kind.FACILITY, "subject": Kind.FACILITY, "review": Kind.REVIEW, "cover": Kind.COVER,
    "receipt": Kind.RECEIPT, "pledge": Kind.PLEDGE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: what, about which record, what one must know of it, and where the one action is."""

    tag: Tag
    title: str
    about: Reference | None
    facts: tuple[tuple[str, str], ...]
    action: str
    href: str
    evidence: str = ""


def tasks(frame: Frame) -> list[Task]:
    """All that waits for the member, what decides most first."""
    found = [_review_task(frame, review) for review in open_reviews(frame.sight)]
    found += [_claim_task(frame, claim) for claim in open_claims(frame.sight)]
    return found + [_draft_task(frame, draft) for draft in waiting_drafts(frame)]


def open_reviews(sight: Sight) -> list[Review]:
    """Open reviews that the member sits on, the nearest deadline first."""
    mine = sight.principal.entity
    found = [
        review
        for review in sight.every(Review)
        if review.word.status == ReviewStatus.OPEN and mine in sight.members_of(review.word.panel)
    ]
    return sorted(found, key=lambda review: review.word.deadline)


def open_claims(sight: Sight) -> list[Claim]:
    """Open claims that the member decides on, the oldest first."""
    own = {cover.id for cover in sight.every(Cover) if cover.word.insurer == sight.principal.entity}
    return [claim for claim in reversed(sight.every(Claim)) if claim.state == ClaimState.OPEN and claim.cover in own]


def waiting_drafts(frame: Frame) -> list[Draft]:
    """Drafts that wait for this person to sign, or, complete, to be sent."""
    drafting, entity = frame.services.drafting, frame.principal.entity
    recent = drafting.drafts.of_party(entity, None, RECENT)
    return [draft for draft in recent if _waits(frame, draft, entity)]


def kept(frame: Frame) -> list[Task]:
    """The member's own drafts that wait for others, and an inspector's signed inspections; nothing to do about them."""
    drafting, entity = frame.services.drafting, frame.principal.entity
    waiting = {draft.id for draft in waiting_drafts(frame)}
    found = []
    for draft in drafting.drafts.of_party(entity, None, RECENT):
        own = draft.entity == entity and draft.id not in waiting
        signed = draft.act is Act.INSPECTION and draft.signing_order is not None
        if own and (signed or draft.signing_order is None) and frame.services.operations.latest(draft.id) is None:
            found.append(_kept(frame, draft, signed))
    return found


def _kept(frame: Frame, draft: Draft, signed: bool) -> Task:
    say = frame.say
    tag = Tag("good", say("signed")) if signed else Tag("wait", say("waits for others"))
    missing = say(", ").join(frame.name(each) for each in draft.missing)
    facts = [(say("Drafted"), frame.moment(draft.created // 1000))]
    facts += [(say("Still to sign"), missing)] if missing else []
    commitment = draft.documents.get("result")
    result = None if commitment is None else frame.papers.inspection(commitment)
    facts += [(say("Finding"), result.finding)] if result is not None else []
    href = f"/drafts/{data_hex(draft.id)}"
    return Task(tag, draft_words(draft.act.value, say), about(frame, draft), tuple(facts), say("See"), href)


def firing_of(frame: Frame, claim: Claim) -> Firing | None:
    """What opened a claim: the firing whose evidence the claim names."""
    found = frame.sight.parts(Firing, facility=claim.opening.facility)
    return next((each for each in found if keccak256(each.firing) == claim.opening.evidence), None)


def _waits(frame: Frame, draft: Draft, entity: int) -> bool:
    if frame.services.operations.latest(draft.id) is not None:
        return False
    if draft.signing_order is not None:
        return draft.entity == entity and draft.act.value != "inspection"
    if entity not in draft.parties or entity in draft.signatures:
        return False
    state = party_state(frame.services.drafting, draft, entity)
    return state == "waiting" or (entity, frame.principal.actor) not in draft.approvals


def _review_task(frame: Frame, review: Review) -> Task:
    say, opening = frame.say, review.opening
    facility = frame.state.snapshot.one(Facility, opening.facility)
    words = {"rule": opening.rule + 1, "credit": "" if facility is None else facility_title(frame, facility)}
    held = opening.action == Action.HOLD
    title = say("Rule %(rule)d holds: %(credit)s") if held else say("Rule %(rule)d asks for a review: %(credit)s")
    owed = None if facility is None else outstanding(frame, facility)
    amount = say("not given to you") if owed is None else money(frame, owed)
    return Task(
        Tag("act", say("decide")),
        title % words,
        None,
        (
            (say("Amount held") if held else say("Amount at stake"), amount),
            (say("Since"), f"{frame.moment(review.opened.time)} · {say('block')} {review.opened.block}"),
            (say("Decide by"), frame.moment(review.word.deadline)),
        ),
        say("Decide"),
        frame.link(f"/reviews/{data_hex(review.id)}"),
        frame.link(f"/facilities/{data_hex(opening.facility)}") + f"#action-{opening.facility_seq}",
    )


def _claim_task(frame: Frame, claim: Claim) -> Task:
    say = frame.say
    cover = frame.state.snapshot.one(Cover, claim.cover)
    terms = None if cover is None else frame.papers.cover_terms(cover.terms.terms_hash)
    fired = firing_of(frame, claim)
    seq = "" if fired is None else f"#action-{fired.facility_seq}"
    return Task(
        Tag("act", say("decide")),
        say("Claim %(number)d: observed on %(date)s")
        % {"number": claim.opening.claim + 1, "date": day(claim.opening.slot, frame.zone)},
        refer(frame, Kind.FACILITY, claim.opening.facility),
        (
            (say("Sum insured"), say("not given to you") if terms is None else money(frame, terms.sum)),
            (say("Opened"), f"{frame.moment(claim.opened.time)} · {say('block')} {claim.opened.block}"),
            (say("Evidence"), evidence_words(frame, claim)),
        ),
        say("Decide"),
        frame.link(f"/claims/{data_hex(claim.cover)}/{claim.opening.claim}"),
        frame.link(f"/facilities/{data_hex(claim.opening.facility)}") + seq if seq else "",
    )


def evidence_words(frame: Frame, claim: Claim) -> str:
    """Whether all that a claim rests on is before the reader, else what is missing."""
    fired = firing_of(frame, claim)
    if fired is None:
        return frame.say("the observations are missing")
    cover = frame.state.snapshot.one(Cover, claim.cover)
    if cover is None or frame.papers.cover_terms(cover.terms.terms_hash) is None:
        return frame.say("the cover's terms are missing")
    return frame.say("complete: rule, observations and the cover's terms")


def _draft_task(frame: Frame, draft: Draft) -> Task:
    say = frame.say
    complete = draft.signing_order is not None
    waits_second = any(party == frame.principal.entity for party, _ in draft.approvals)
    action = say("Send") if complete else say("Check as second person") if waits_second else say("Check and sign")
    tag = Tag("wait", say("send") if complete else say("sign"))
    facts = [(say("Drafted by"), f"{frame.name(draft.entity)}, {frame.moment(draft.created // 1000)}")]
    commitment = draft.documents.get("amount")
    amount = None if commitment is None else frame.papers.amount(commitment)
    if amount is not None:
        facts.insert(0, (say("Amount"), money(frame, amount)))
    title = draft_words(draft.act.value, say)
    return Task(tag, title, about(frame, draft), tuple(facts), action, f"/drafts/{data_hex(draft.id)}")


def about(frame: Frame, draft: Draft) -> Reference | None:
    """The record that a draft is about, None where it makes one."""
    signed = message(draft.consent)
    for name, kind in _ABOUT.items():
        value = signed.get(name)
        if isinstance(value, bytes) and any(value):
            return refer(frame, kind, value)
    return None
