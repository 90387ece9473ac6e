"""Reviews and claims for people: the queue, the facts of one, and the form of the decision."""

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from api.acts.requests import ClaimDecisionRequest, DecisionRequest, Why
from api.console.access import Sender
from api.console.credit import Fired, fired, money
from api.console.faults import detail_words
from api.console.frame import Frame, Framed, frame
from api.console.phrases import action_words, claim_tag, review_tag
from api.console.references import refer
from api.console.render import FormError
from api.console.tasks import evidence_words, firing_of
from api.console.words import day
from api.drafts import Draft
from api.problems import ProblemError
from api.records.papers import Papers
from api.v1.drafts import digest_of
from ledger_node.bindings.constants import ClaimState, ReviewStatus, Verdict
from ledger_node.hexvalues import data_hex
from registry import structs
from registry.documents.terms import REASON_CODE
from registry.items import Claim, Cover, Firing, Kind, Review, claim_id

router = APIRouter(include_in_schema=False)
Posted = Annotated[Frame, Depends(frame)]


@router.get("/reviews")
def reviews(frame: Framed) -> Response:
    """The review queue: open ones first, by deadline."""
    found = sorted(frame.sight.every(Review), key=lambda each: (each.word.status, each.word.deadline))
    waiting = sum(1 for each in found if each.word.status == ReviewStatus.OPEN)
    heading = frame.count("%d review is open", "%d reviews are open", waiting) % waiting
    rows = [
        (
            frame.link(f"/reviews/{data_hex(each.id)}"),
            frame.say("Rule %(number)d: %(action)s")
            % {"number": each.opening.rule + 1, "action": action_words(each.opening.action, frame.say)},
            frame.moment(each.opened.time),
            frame.moment(each.word.deadline),
            review_tag(each.word.status, each.word.verdict, frame.say),
        )
        for each in found
    ]
    claims = [
        (
            frame.link(f"/claims/{data_hex(each.cover)}/{each.opening.claim}"),
            frame.say("Claim %d") % (each.opening.claim + 1),
            frame.moment(each.opened.time),
            claim_tag(each.state, frame.say),
        )
        for each in frame.sight.every(Claim)
    ]
    return frame.page("reviews.html", heading=heading, rows=rows, claims=claims)


@router.get("/reviews/{review_id}")
def review(frame: Framed, review_id: str) -> Response:
    """One review with its facts and, for its panel, the form."""
    return _review_page(frame, digest_of("review_id", review_id), [], {})


@router.post("/reviews/{review_id}")
def decide_review(
    sender: Sender,
    frame: Posted,
    review_id: str,
    verdict: Annotated[str, Form()] = "",
    code: Annotated[str, Form(max_length=32)] = "",
    text: Annotated[str, Form(max_length=20_000)] = "",
    inspection: Annotated[str, Form(max_length=66)] = "",
) -> Response:
    """Draft the decision, then show it to be checked and signed."""
    id_ = digest_of("review_id", review_id)
    given = {"verdict": verdict, "code": code, "text": text, "inspection": inspection}
    errors = _reason_errors(frame, code, text)
    if verdict not in ("clear", "uphold"):
        errors.insert(0, FormError(frame.say("Choose a verdict."), "verdict-clear"))
    if errors:
        return _review_page(frame, id_, errors, given)
    body = DecisionRequest.model_validate(
        {
            "act": "decision",
            "review": data_hex(id_),
            "verdict": verdict,
            "reason": Why(code=code, text=text),
            "inspection": data_hex(digest_of("inspection", inspection)) if inspection else None,
        }
    )
    return _drafted(frame, body, lambda error: _review_page(frame, id_, [error], given))


@router.get("/claims/{cover_id}/{number}")
def claim(frame: Framed, cover_id: str, number: int) -> Response:
    """One claim with the readings that opened it and, for the insurer, the form."""
    return _claim_page(frame, digest_of("cover_id", cover_id), number, [], {})


@router.post("/claims/{cover_id}/{number}")
def decide_claim(
    sender: Sender,
    frame: Posted,
    cover_id: str,
    number: int,
    verdict: Annotated[str, Form()] = "",
    code: Annotated[str, Form(max_length=32)] = "",
    text: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Draft the decision, then show it to be checked and signed."""
    cover = digest_of("cover_id", cover_id)
    given = {"verdict": verdict, "code": code, "text": text}
    errors = _reason_errors(frame, code, text)
    if verdict not in ("accept", "reject"):
        errors.insert(0, FormError(frame.say("Choose a verdict."), "verdict-accept"))
    if errors:
        return _claim_page(frame, cover, number, errors, given)
    body = ClaimDecisionRequest.model_validate(
        {
            "act": "claim-decision",
            "cover": data_hex(cover),
            "claim": number,
            "verdict": verdict,
            "reason": Why(code=code, text=text),
        }
    )
    return _drafted(frame, body, lambda error: _claim_page(frame, cover, number, [error], given))


def _drafted(
    frame: Frame, body: DecisionRequest | ClaimDecisionRequest, again: Callable[[FormError], Response]
) -> Response:
    try:
        draft = frame.services.drafting.create(frame.principal, body)
    except ProblemError as problem:
        if problem.code not in ("invalid-request", "forbidden"):
            raise
        return again(FormError(detail_words(problem, frame.say)))
    return RedirectResponse(f"/drafts/{data_hex(draft.id)}", 303)


def _reason_errors(frame: Frame, code: str, text: str) -> list[FormError]:
    errors = []
    if not re.fullmatch(REASON_CODE, code):
        errors.append(FormError(frame.say("Reason code: capital letters, digits and _, such as RECOUNTED."), "code"))
    if not text.strip():
        errors.append(FormError(frame.say("Say why, in words that the others will read."), "text"))
    return errors


def _review_page(frame: Frame, id_: bytes, errors: list[FormError], given: dict[str, str]) -> Response:
    found = frame.sight.one(Review, id_)
    members = frame.sight.members_of(found.word.panel)
    mine = frame.principal.entity in members and not frame.state.past
    decidable = found.word.status == ReviewStatus.OPEN or found.word.verdict == Verdict.UPHOLD
    return frame.page(
        "review.html",
        422 if errors else 200,
        errors=errors,
        heading=_review_heading(frame, found),
        review=found,
        about=refer(frame, Kind.FACILITY, found.opening.facility),
        review_tag=review_tag(found.word.status, found.word.verdict, frame.say),
        members=[frame.name(entity) for entity in members],
        fired=_firing_of(frame, found.opening.facility, found.opening.facility_seq),
        inspections=_inspections(frame, found),
        reason=None if found.outcome is None else frame.papers.reason(found.outcome.decision.reason),
        may_decide=mine and decidable,
        given=given,
    )


def _review_heading(frame: Frame, review: Review) -> str:
    name = refer(frame, Kind.FACILITY, review.opening.facility).name
    if review.word.status == ReviewStatus.OPEN:
        words = frame.say("%(credit)s: decide about rule %(rule)d by %(time)s")
    elif review.word.verdict == Verdict.CLEAR:
        words = frame.say("%(credit)s: what rule %(rule)d did is cleared")
    else:
        words = frame.say("%(credit)s: what rule %(rule)d did is upheld")
    time = frame.moment(review.word.deadline)
    return words % {"credit": name, "rule": review.opening.rule + 1, "time": time}


def _claim_heading(frame: Frame, claim: Claim) -> str:
    told = {
        "number": claim.opening.claim + 1,
        "credit": refer(frame, Kind.FACILITY, claim.opening.facility).name,
        "date": day(claim.opening.slot, frame.zone),
    }
    return frame.say("Claim %(number)d on %(credit)s, observed on %(date)s") % told


def _claim_page(frame: Frame, cover: bytes, number: int, errors: list[FormError], given: dict[str, str]) -> Response:
    found: Claim = frame.sight.one(Claim, claim_id(cover, number))
    under = frame.sight.one(Cover, cover)
    terms = frame.papers.cover_terms(under.terms.terms_hash)
    undecided = found.state == ClaimState.OPEN
    return frame.page(
        "claim.html",
        422 if errors else 200,
        errors=errors,
        heading=_claim_heading(frame, found),
        claim=found,
        about=refer(frame, Kind.FACILITY, found.opening.facility),
        claim_tag=claim_tag(found.state, frame.say),
        cover=under,
        terms=terms,
        sum=None if terms is None else money(frame, terms.sum),
        evidence=evidence_words(frame, found),
        fired=None if (match := firing_of(frame, found)) is None else fired(frame, match),
        reason=None if found.decision is None else frame.papers.reason(found.decision.reason),
        may_decide=undecided and under.word.insurer == frame.principal.entity and not frame.state.past,
        given=given,
    )


def _firing_of(frame: Frame, facility: bytes, seq: int) -> Fired | None:
    for each in frame.sight.parts(Firing, facility=facility):
        if each.facility_seq == seq:
            return fired(frame, each)
    return None


def _inspections(frame: Frame, review: Review) -> list[tuple[str, str]]:
    """Signed inspections of the review's facility that were taken after it was opened: id and words."""
    drafts, papers = frame.services.drafting.drafts, frame.papers
    found = [draft for draft in drafts.inspections(review.opening.facility) if draft.signing_order is not None]
    return [(data_hex(draft.id), _finding(papers, draft)) for draft in found if _newer(draft, review)]


def _newer(draft: Draft, review: Review) -> bool:
    return isinstance(draft.consent, structs.Inspection) and draft.consent.taken_at > review.opened.time * 1000


def _finding(papers: Papers, draft: Draft) -> str:
    assert isinstance(draft.consent, structs.Inspection)
    result = papers.inspection(draft.consent.result_hash)
    return data_hex(draft.id)[:10] if result is None else f"{result.taken_at}: {result.finding}"
