"""Drafts for people: what waits, the page that says in words what is signed, signing and sending."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from api.console.access import Sender
from api.console.causes import cause_words
from api.console.faults import detail_words
from api.console.fields import Fact, document_facts, document_name, signed_facts
from api.console.frame import Frame, Framed, frame
from api.console.phrases import Tag, draft_words, effect_words
from api.console.render import FormError
from api.console.tasks import waiting_drafts
from api.drafts import Draft
from api.operations import Operation
from api.problems import ProblemError
from api.v1.drafts import digest_of, party_state
from ledger_node.hexvalues import data_hex

router = APIRouter(include_in_schema=False)
Posted = Annotated[Frame, Depends(frame)]
SHOWN = 100
REFUSALS = ("conflict", "act-refused", "consent-refused", "forbidden", "ledger-unavailable", "signer-unavailable")


@dataclass(frozen=True, slots=True)
class Party:
    """A party of a draft and where it stands."""

    name: str
    tag: Tag
    signed: str
    own: bool


@router.get("/drafts")
def drafts(frame: Framed) -> Response:
    """The member's drafts: those that wait for this person first."""
    waiting = {draft.id for draft in waiting_drafts(frame)}
    found = frame.services.drafting.drafts.of_party(frame.principal.entity, None, SHOWN)
    heading = frame.count("%d draft waits for you", "%d drafts wait for you", len(waiting)) % len(waiting)
    rows = [
        (
            f"/drafts/{data_hex(draft.id)}",
            draft_words(draft.act.value, frame.say),
            frame.name(draft.entity),
            frame.moment(draft.created // 1000),
            _state(frame, draft, draft.id in waiting),
        )
        for draft in sorted(found, key=lambda draft: draft.id not in waiting)
    ]
    return frame.page("drafts.html", heading=heading, rows=rows)


@router.get("/drafts/{draft_id}")
def draft(frame: Framed, draft_id: str) -> Response:
    """What is to be signed, in words; who has signed; what became of it."""
    return _page(frame, digest_of("draft_id", draft_id), [])


@router.post("/drafts/{draft_id}/sign")
def sign(sender: Sender, frame: Posted, draft_id: str, checked: Annotated[str, Form()] = "") -> Response:
    """Sign with the member's key; the second person's call signs where two must agree."""
    id_ = digest_of("draft_id", draft_id)
    if checked != "yes":
        return _page(frame, id_, [FormError(frame.say("Confirm that you have checked what is signed."), "checked")])
    return _tried(frame, id_, lambda: frame.services.drafting.sign(sender, id_))


@router.post("/drafts/{draft_id}/send")
def send(sender: Sender, frame: Posted, draft_id: str) -> Response:
    """Send a complete draft from the member's account."""
    id_ = digest_of("draft_id", draft_id)
    return _tried(frame, id_, lambda: frame.services.operations.submit(sender, id_, None))


def _tried(frame: Frame, id_: bytes, act: Any) -> Response:
    try:
        act()
    except ProblemError as problem:
        if problem.code not in REFUSALS:
            raise
        return _page(frame, id_, [FormError(detail_words(problem, frame.say))])
    return RedirectResponse(f"/drafts/{data_hex(id_)}", 303)


def _page(frame: Frame, id_: bytes, errors: list[FormError]) -> Response:
    drafting, entity = frame.services.drafting, frame.principal.entity
    draft = drafting.visible(frame.principal, id_)
    operation = frame.services.operations.latest(id_)
    act = draft.act.value
    mine = entity in draft.parties and entity not in draft.signatures and operation is None
    agreed = (entity, frame.principal.actor) in draft.approvals
    return frame.page(
        "draft.html",
        422 if errors else 200,
        errors=errors,
        heading=draft_words(act, frame.say),
        draft=draft,
        draft_id=data_hex(id_),
        effect=effect_words(act, frame.say),
        facts=signed_facts(frame, draft),
        documents=list(_documents(frame, draft)),
        parties=[_party(frame, draft, party) for party in draft.parties],
        required=draft.required,
        may_sign=mine and drafting.keyring.holds(entity) and not agreed,
        elsewhere=mine and not drafting.keyring.holds(entity),
        waits_for_second=mine and agreed,
        needs_two=drafting.needs_two(draft.act),
        may_send=draft.signing_order is not None and operation is None and act != "inspection",
        operation=operation,
        outcome=None if operation is None else _outcome(frame, operation),
        typed_data=drafting.typed_data(draft),
    )


def _state(frame: Frame, draft: Draft, waits: bool) -> Tag:
    operation = frame.services.operations.latest(draft.id)
    if operation is not None:
        return _outcome(frame, operation)[0]
    if waits:
        return Tag("act", frame.say("waits for you"))
    if draft.signing_order is not None:
        return Tag("good", frame.say("complete"))
    return Tag("wait", frame.say("waits for others"))


def _outcome(frame: Frame, operation: Operation) -> tuple[Tag, str]:
    sent = operation.sent
    if operation.state == "refused":
        name = "" if sent is None or sent.cause is None else sent.cause.name
        told = cause_words(name, frame.say)
        return Tag("act", frame.say("refused")), f"{told} ({name})" if told else name
    if operation.state == "submitted":
        return Tag("wait", frame.say("sent")), frame.say("It waits for a block. Reload this page in a moment.")
    block = 0 if sent is None or sent.block_number is None else sent.block_number
    words = frame.say("in block %d") % block
    final = operation.state == "final"
    return (Tag("good", frame.say("final")) if final else Tag("warn", frame.say("not yet final"))), words


def _party(frame: Frame, draft: Draft, entity: int) -> Party:
    state = party_state(frame.services.drafting, draft, entity)
    tags = {
        "signed": Tag("good", frame.say("signed")),
        "waiting": Tag("wait", frame.say("not signed yet")),
        "second-person": Tag("warn", frame.say("one of two people agreed")),
    }
    kept = draft.signatures.get(entity)
    signed = "" if kept is None else frame.moment(kept.at // 1000)
    return Party(frame.name(entity), tags[state], signed, entity == frame.principal.entity)


def _documents(frame: Frame, draft: Draft) -> Iterator[tuple[str, list[Fact]]]:
    for name, commitment in draft.documents.items():
        opening = frame.papers.opening(commitment)
        if opening is not None:
            yield document_name(name, frame.say), document_facts(frame, opening.content)
