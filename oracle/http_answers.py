"""What the routes of an oracle share: reading requests within bounds, answering in JSON, and problem documents.

Errors are RFC 9457 with a `code`: a reason of the published list (oracle.formats.reasons), or one of `CODES`.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import HexError, read_data
from ledger_node.signing import SignerError
from oracle.access import AccessRefused
from oracle.batch import Overloaded
from oracle.figures import UnknownHere
from oracle.formats import wire
from oracle.formats.fields import FieldError
from oracle.ports import ChainUnavailable

BODY_S = 30.0
"""For how long a body may come in."""
CODES = {
    "invalid_parameter": (400, "a parameter breaks its rule"),
    "invalid_body": (422, "the body breaks its format"),
    "too_slow": (408, "the body did not come in time"),
    "too_large": (413, "the body is too large"),
    "unsupported_media_type": (415, "this content type is not taken"),
    "not_granted": (403, "the request is signed by nobody who may do this"),
    "not_found": (404, "nothing is known under this name"),
    "facility_unknown": (404, "no final block holds the facility of this covenant"),
    "roots_differ": (409, "the facility holds other roots than the covenant"),
    "overloaded": (503, "too much waits; nothing was decided, send it again"),
    "chain_unavailable": (503, "the node does not answer; nothing was decided, send it again"),
    "signer_unavailable": (503, "the oracle cannot sign now; send the same again"),
}
_LOGGER = logging.getLogger("oracle")
_NUMBER = re.compile(r"0\Z|[1-9][0-9]{0,15}\Z")

Answer = Response | JsonValue | tuple[JsonValue, int]
"""What a handler gives: a response, or JSON with its status, 200 when none is named."""


class Problem(Exception):
    """An answer that is an error: a code of `CODES` and a detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def threaded(handler: Callable[[Request], Answer]) -> Callable[[Request], Awaitable[Response]]:
    """A route out of a handler that reads the database or asks the node, which must not hold up the event loop."""

    async def answer(request: Request) -> Answer:
        return await asyncio.to_thread(handler, request)

    return answered(answer)


def answered(handler: Callable[[Request], Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
    """A route out of a handler: its answer, or the problem document of what it raises."""

    async def answer(request: Request) -> Response:
        try:
            told = await handler(request)
        except Problem as error:
            return problem(error.code, error.detail)
        except UnknownHere as error:
            return problem("not_found", str(error))
        except AccessRefused as error:
            return problem("not_granted", str(error))
        except (FieldError, JsonError) as error:
            return problem("invalid_body", str(error))
        except Overloaded as error:
            return problem("overloaded", str(error))
        except ChainUnavailable as error:
            return problem("chain_unavailable", str(error))
        except SignerError as error:
            # Where the signer is concerns nobody who asks.
            _LOGGER.warning("%s", error)
            return problem("signer_unavailable", "what is to be answered must be signed")
        if isinstance(told, Response):
            return told
        value, status = told if isinstance(told, tuple) else (told, 200)
        return Response(wire.dump(value), status, media_type="application/json")

    return answer


def problem(code: str, detail: str) -> Response:
    """The problem document of a code of `CODES`."""
    return problem_document(code, *CODES[code], detail)


def problem_document(
    code: str, status: int, title: str, detail: str, more: dict[str, JsonValue] | None = None
) -> Response:
    """A problem document (RFC 9457); `more` has members of its own."""
    body: dict[str, JsonValue] = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail}
    headers = {"Retry-After": "1"} if status == 503 else None
    text = canonical_json.dumps({**body, "code": code, **(more or {})})
    return Response(text, status, headers, media_type="application/problem+json")


# --- what comes in ----------------------------------------------------------------------------------------------------


async def read_body(request: Request, limit: int, *, cut: bool = False) -> bytes:
    """The body, of at most `limit` bytes; with `cut` what follows them is not read. Raises Problem."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                body += part
                if cut and len(body) >= limit:
                    return bytes(body[:limit])
                if len(body) > limit:
                    raise Problem("too_large", f"at most {limit} bytes are taken")
    except TimeoutError:
        raise Problem("too_slow", f"a body must come in within {BODY_S:.0f} s") from None
    return bytes(body)


def check_type(request: Request, *allowed: str) -> None:
    """Raises Problem unless the content type is one of those allowed."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given not in allowed:
        raise Problem("unsupported_media_type", f"Content-Type: must be one of {', '.join(allowed)}")


def target_of(request: Request) -> str:
    """Path and query as they stand in the request, which a signed request names."""
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["path"]
    return f"{path}?{query}" if query else path


def signature_of(request: Request) -> str:
    """The Authorization header, empty when there is none."""
    return request.headers.get("authorization", "")


def whole(name: str, text: str, highest: int) -> int:
    """A whole number of a parameter. Raises Problem."""
    if not _NUMBER.match(text) or int(text) > highest:
        raise Problem("invalid_parameter", f"{name}: must be a whole number from 0 to {highest}")
    return int(text)


def number(request: Request, name: str, default: int, highest: int) -> int:
    """A whole number of the query, `default` when it is not there. Raises Problem."""
    text = request.query_params.get(name)
    return default if text is None else whole(name, text, highest)


def data(name: str, text: str, size: int) -> bytes:
    """The bytes of a parameter in hexadecimal. Raises Problem."""
    try:
        return read_data(name, text, size)
    except HexError as error:
        raise Problem("invalid_parameter", str(error)) from None
