"""What waits for a person: consents, decisions, things to send. The first thing that each role sees."""

from dataclasses import dataclass

from api.console.frame import Frame
from api.console.phrases import Tag, draft_words
from api.console.words import moment
from api.drafts import Draft
from api.records.sight import Sight
from api.v1.drafts import party_state
from ledger_node.hexvalues import data_hex
from registry.items import Claim, Cover, Review

RECENT = 200


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: what, about what, until when, where."""

    tag: Tag
    title: str
    detail: str
    href: str


def tasks(frame: Frame) -> list[Task]:
    """All that waits for the member, what decides most first."""
    found = [_review_task(frame, review) for review in open_reviews(frame.sight)]
    found += [_claim_task(frame, claim) for claim in open_claims(frame.sight)]
    return found + [_draft_task(frame, draft) for draft in waiting_drafts(frame)]


def open_reviews(sight: Sight) -> list[Review]:
    """Open reviews that the member sits on."""
    mine = sight.principal.entity
    return [
        review
        for review in sight.every(Review)
        if review.word.status == 1 and mine in sight.members_of(review.word.panel)
    ]


def open_claims(sight: Sight) -> list[Claim]:
    """Open claims that the member decides on."""
    own = {cover.id for cover in sight.every(Cover) if cover.word.insurer == sight.principal.entity}
    return [claim for claim in sight.every(Claim) if claim.state == 1 and claim.cover in own]


def waiting_drafts(frame: Frame) -> list[Draft]:
    """Drafts that wait for this person to sign, or, complete, to be sent."""
    drafting, entity = frame.services.drafting, frame.principal.entity
    recent = drafting.drafts.of_party(entity, None, RECENT)
    return [draft for draft in recent if _waits(frame, draft, entity)]


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
    by = moment(review.word.deadline, frame.zone)
    return Task(
        Tag("act", frame.say("decide")),
        frame.say("Decide the review of rule %d") % (review.opening.rule + 1),
        frame.say("decide by %s") % by,
        frame.link(f"/reviews/{data_hex(review.id)}"),
    )


def _claim_task(frame: Frame, claim: Claim) -> Task:
    return Task(
        Tag("act", frame.say("decide")),
        frame.say("Decide claim %d") % (claim.opening.claim + 1),
        frame.say("opened %s") % frame.moment(claim.opened.time),
        frame.link(f"/claims/{data_hex(claim.cover)}/{claim.opening.claim}"),
    )


def _draft_task(frame: Frame, draft: Draft) -> Task:
    complete = draft.signing_order is not None
    tag = Tag("wait", frame.say("send") if complete else frame.say("sign"))
    detail = frame.say("drafted by %s") % frame.name(draft.entity)
    return Task(tag, draft_words(draft.act.value, frame.say), detail, f"/drafts/{data_hex(draft.id)}")
