"""Operations over HTTP: send a complete draft, see what became of it."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.idempotency import IdempotentRoute
from api.operations import Operation
from api.replies import reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.sending import cause_json
from api.services import Services, services_of
from api.times import rfc3339
from api.v1.drafts import digest_of, expect_draft
from api.v1.views import CauseView, OperationView, SubmitBody
from ledger_node.hexvalues import data_hex

router = APIRouter(prefix="/v1", tags=["operations"], route_class=IdempotentRoute)
Sender = Annotated[Principal, scoped(Scope.OPERATIONS)]


@router.post(
    "/drafts/{draft_id}/submit", status_code=202, response_model=OperationView, summary="Send a complete draft"
)
def submit(request: Request, principal: Sender, draft_id: str, body: SubmitBody) -> Response:
    """Sends the act with its consents from the member's own account; follow the operation in Location.

    With If-Match it is refused when the draft has changed since it was read.
    """
    services = services_of(request)
    id_ = digest_of("draft_id", draft_id)
    expect_draft(request, services, principal, id_)
    operation = services.operations.submit(principal, id_, body.fixed_gas)
    response = reply(request, view(services, operation), status=202)
    response.headers["Location"] = f"/v1/operations/{operation.id}"
    return response


@router.get(
    "/operations/{operation_id}",
    response_model=OperationView,
    summary="How far an operation is",
    openapi_extra={"x-proof": "none: follow its transaction; what it changed is proved with the record it changed"},
)
def read(request: Request, principal: Sender, operation_id: str) -> Response:
    """submitted, included, final, or refused with the contract's error by name."""
    services = services_of(request)
    return reply(request, view(services, services.operations.visible(principal, operation_id)))


def view(services: Services, operation: Operation) -> OperationView:
    """An operation as JSON."""
    sent = operation.sent
    return OperationView(
        id=operation.id,
        draft=data_hex(operation.draft),
        state=operation.state,
        submitted_at=rfc3339(operation.submitted, services.zone),
        transaction=None if sent is None else data_hex(sent.transaction_hash),
        block=None if sent is None else sent.block_number,
        gas_used=None if sent is None or sent.gas_used is None else str(sent.gas_used),
        cause=None if sent is None or sent.cause is None else CauseView.model_validate(cause_json(sent.cause)),
    )
