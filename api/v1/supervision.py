"""What the regulator alone reads: the log of what this service itself refused."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.replies import MAX_PAGE, cursor_of, next_link, place_of, reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.services import services_of
from ledger_node.hexvalues import address_hex, data_hex

router = APIRouter(prefix="/v1", tags=["supervision"])


@router.get(
    "/refused-steps",
    summary="What this service refused",
    openapi_extra={
        "x-proof": "none: not on the chain; chained and signed by this service, so that it cannot be shortened"
    },
)
def refused_steps(
    request: Request,
    principal: Annotated[Principal, scoped(Scope.SUPERVISION)],
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: str | None = None,
) -> Response:
    """Drafts, consents and sendings that this service refused, oldest first, each with the signed head up to it."""
    log = services_of(request).drafting.refusals
    after = place_of(cursor, int)[0] if cursor else -1
    found = log.page(after, limit + 1)
    more = cursor_of([found[limit - 1].number]) if len(found) > limit else None
    items = [
        {"entry": each.content, "head": data_hex(each.head), "signature": data_hex(each.signature)}
        for each in found[:limit]
    ]
    return reply(
        request, {"key": address_hex(log.signer.address), "items": items, "next": more}, next_link(request, more)
    )
