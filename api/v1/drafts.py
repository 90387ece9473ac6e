"""Drafts over HTTP: make one, read it, consent to it."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response

from api.acts.requests import DraftRequest
from api.drafting import Drafting
from api.drafts import Draft
from api.idempotency import IdempotentRoute
from api.problems import FieldError, ProblemError
from api.replies import MAX_PAGE, cursor_of, expect, next_link, place_of, reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.services import Services, services_of
from api.times import rfc3339
from api.v1.views import ConsentBody, DocumentView, DraftList, DraftView, PartyView
from ledger_node.hexvalues import HexError, address_hex, data_hex, read_data

router = APIRouter(prefix="/v1", tags=["drafts"], route_class=IdempotentRoute)
Drafter = Annotated[Principal, scoped(Scope.DRAFTS)]
Consenter = Annotated[Principal, scoped(Scope.CONSENTS)]
_NOT_ON_CHAIN = "none: a draft is not on the chain; its signatures verify against typedData"


@router.post("/drafts", status_code=201, response_model=DraftView, summary="Draft an act")
def create(request: Request, principal: Drafter, body: Annotated[DraftRequest, Body()]) -> Response:
    """The digest that the parties sign, its typed data, and who must sign. Nothing is sent to the chain."""
    services = services_of(request)
    draft = services.drafting.create(principal, body)
    response = reply(request, view(services, principal, draft), status=201)
    response.headers["Location"] = f"/v1/drafts/{data_hex(draft.id)}"
    return response


@router.get(
    "/drafts", response_model=DraftList, summary="The member's drafts", openapi_extra={"x-proof": _NOT_ON_CHAIN}
)
def list_drafts(
    request: Request,
    principal: Drafter,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: str | None = None,
) -> Response:
    """Drafts that the member made or is a party of, newest first."""
    services = services_of(request)
    before = place_of(cursor, int, str) if cursor else None
    found = services.drafting.drafts.of_party(principal.entity, before, limit + 1)
    more = cursor_of([found[limit - 1].created, data_hex(found[limit - 1].id)]) if len(found) > limit else None
    page = DraftList(items=[view(services, principal, draft) for draft in found[:limit]], next=more)
    return reply(request, page, next_link(request, more))


@router.get("/drafts/{draft_id}", response_model=DraftView, summary="A draft", openapi_extra={"x-proof": _NOT_ON_CHAIN})
def read(request: Request, principal: Drafter, draft_id: str) -> Response:
    """A draft with its typed data, the parties' consents, and the documents that the member was given."""
    services = services_of(request)
    draft = services.drafting.visible(principal, digest_of("draft_id", draft_id))
    return reply(request, view(services, principal, draft))


@router.post("/drafts/{draft_id}/consents", response_model=DraftView, summary="Consent to a draft")
def consent(request: Request, principal: Consenter, draft_id: str, body: ConsentBody) -> Response:
    """Hand in a 64-byte signature (EIP-2098) of the draft's id, or let the member's own key sign it.

    With If-Match it is refused when the draft has changed since it was read.
    """
    services = services_of(request)
    id_ = digest_of("draft_id", draft_id)
    expect_draft(request, services, principal, id_)
    if body.sign == (body.signature is not None):
        detail = "either sign or signature"
        raise ProblemError("invalid-request", f"body: {detail}", [FieldError(detail, pointer="#/signature")])
    if body.sign:
        draft = services.drafting.sign(principal, id_)
    else:
        entity = principal.entity if body.entity is None else body.entity
        draft = services.drafting.hand_in(principal, id_, entity, _signature(body.signature))
    return reply(request, view(services, principal, draft))


def view(services: Services, principal: Principal, draft: Draft) -> DraftView:
    """A draft as one of its parties sees it."""
    zone = services.zone
    documents = {}
    for name, commitment in draft.documents.items():
        opening = services.drafting.shelves.opening(principal.entity, commitment)
        documents[name] = DocumentView(
            commitment=data_hex(commitment),
            salt=None if opening is None else data_hex(opening.salt),
            content=None if opening is None else opening.content,
        )
    operation = services.operations.latest(draft.id)
    waiting = "gathering" if draft.signing_order is None else "complete"
    return DraftView(
        id=data_hex(draft.id),
        act=draft.act.value,
        state=waiting if operation is None else "sent",
        drafted_by=draft.entity,
        drafted_at=rfc3339(draft.created, zone),
        required=draft.required,
        parties=[_party(services, draft, entity) for entity in draft.parties],
        typed_data=services.drafting.typed_data(draft),
        documents=documents,
        extras=dict(draft.extras),
        operation=None if operation is None else operation.id,
    )


def expect_draft(request: Request, services: Services, principal: Principal, id_: bytes) -> None:
    """Compare If-Match, when it is sent, with the draft as it stands. Raises ProblemError precondition-failed.

    It need not be sent: the id says what is signed, and the contracts say who must have signed.
    """
    if "if-match" in request.headers:
        expect(request, view(services, principal, services.drafting.visible(principal, id_)), required=False)


def digest_of(name: str, text: str) -> bytes:
    """The 32 bytes of a path or query parameter. Raises ProblemError that names it."""
    try:
        return read_data(name, text, 32)
    except HexError as error:
        rule = str(error).partition(": ")[2]
        raise ProblemError("invalid-request", str(error), [FieldError(rule, parameter=name)]) from None


def _party(services: Services, draft: Draft, entity: int) -> PartyView:
    signature = draft.signatures.get(entity)
    return PartyView(
        entity=entity,
        name=services.members().name_of(entity),
        state=party_state(services.drafting, draft, entity),
        signed_at=None if signature is None else rfc3339(signature.at, services.zone),
        account=None if signature is None else address_hex(signature.signer),
    )


def party_state(drafting: Drafting, draft: Draft, entity: int) -> str:
    """Where a party stands: waiting, second-person, signed."""
    if entity in draft.signatures:
        return "signed"
    agreed = any(party == entity for party, _ in draft.approvals)
    return "second-person" if agreed and drafting.needs_two(draft.act) else "waiting"


def _signature(text: str | None) -> bytes:
    try:
        return read_data("signature", text)
    except HexError as error:
        rule = str(error).partition(": ")[2]
        raise ProblemError("consent-refused", str(error), [FieldError(rule, pointer="#/signature")]) from None
