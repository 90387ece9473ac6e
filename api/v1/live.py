"""The live stream over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.live import EventStream, read_place, tell
from api.problems import ProblemError
from api.security.access import bearer_or_session, scoped
from api.security.roles import Principal, Scope
from api.services import services_of

router = APIRouter(prefix="/v1", tags=["live"])
_STREAM = {
    "x-proof": "none: what is told is proved at its link",
    "responses": {"200": {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
}


@router.get("/live", summary="What happens, as it happens", openapi_extra=_STREAM, response_class=StreamingResponse)
async def live(
    request: Request,
    principal: Annotated[Principal, scoped(Scope.RECORDS)],
    after: Annotated[str | None, Query(description="the id of the last event that the reader has")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Server-sent events: `news` (as webhooks tell it, final or not), `block` (the newest one), `beat` every 15 s.

    `reset`: the chain stepped back, read again. Without a place it begins now. It ends after ten minutes: come back.
    """
    services = services_of(request)
    text = last_event_id or after
    place = None if text is None else read_place(text)

    async def still() -> bool:
        try:
            await run_in_threadpool(bearer_or_session, request)
        except ProblemError:
            return False
        return True

    streams = request.app.state.streams
    streams.enter(principal.actor)
    return EventStream(tell(services, streams, principal, place, still), lambda: streams.leave(principal.actor))
