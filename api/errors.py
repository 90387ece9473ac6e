"""Turning faults into answers: problem documents for programs, a plain page for people."""

import logging
from collections.abc import Sequence
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.acts.kinds import Act
from api.keyring import unsigned
from api.problems import MEDIA_TYPE, FieldError, ProblemError, document, pointer
from ledger_node.signing import SignerError

LOG = logging.getLogger("cangdan.api")
_ACTS = frozenset(act.value for act in Act)
"""Pydantic puts the name of the chosen model before the path of a draft's field."""
_HTTP_CODES = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}
_COME_BACK = (429, 503)
"""Refusals that time mends: they say after how many seconds to come back."""
PROGRAM_PATHS = ("/v1/", "/oauth2/", "/.well-known/")


def install(app: FastAPI) -> None:
    """Make every fault of the application a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(SignerError, _on_unsigned)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


def respond(request: Request, problem: ProblemError) -> Response:
    """The answer to a refused request."""
    if problem.kind.status in _COME_BACK:
        problem.headers.setdefault("Retry-After", "5")
    if not request.url.path.startswith(PROGRAM_PATHS) and "page" in request.app.state.error_pages:
        page: Response = request.app.state.error_pages["page"](request, problem)
        return page
    body = document(problem, request.url.path, correlation_id.get())
    return JSONResponse(body, problem.kind.status, dict(problem.headers), media_type=MEDIA_TYPE)


def field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """Pydantic's errors as pointers into the body or names of parameters; values are never repeated."""
    result: list[FieldError] = []
    for error in errors:
        place, *path = error["loc"]
        detail = str(error["msg"]).removeprefix("Value error, ")
        if place == "body":
            steps = [] if error["type"] == "json_invalid" else path[1:] if path[:1] and path[0] in _ACTS else path
            result.append(FieldError(detail, pointer=pointer(steps)))
        else:
            result.append(FieldError(detail, parameter=".".join(str(step) for step in path)))
    return result


def _on_problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, ProblemError)
    return respond(request, fault)


def _on_unsigned(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, SignerError)
    return respond(request, unsigned(fault))


def _on_invalid(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    found = field_errors(fault.errors())
    if any(error["type"] == "json_invalid" for error in fault.errors()):
        return respond(request, ProblemError("malformed-request", "the body is not JSON", found))
    first = found[0]
    place = first.pointer if first.pointer is not None else first.parameter
    return respond(request, ProblemError("invalid-request", f"{place}: {first.detail}", found))


def _on_http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    code = _HTTP_CODES.get(fault.status_code, "malformed-request")
    return respond(request, ProblemError(code, str(fault.detail), headers=fault.headers or {}))


def _on_fault(request: Request, fault: Exception) -> Response:
    LOG.error("fault %s on %s", type(fault).__name__, getattr(request.scope.get("route"), "path", "-"))
    return respond(request, ProblemError("internal", "the request id leads to the log entry"))
