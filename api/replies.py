"""Answers to reads: entity tags, conditional requests, links, opaque cursors."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from api.problems import FieldError, ProblemError
from ledger_node.hashing import sha256

Place = Sequence[int | str]
"""Where in an order a page ends."""
MAX_PAGE = 200


def reply(
    request: Request, body: BaseModel | Mapping[str, Any], links: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """The JSON answer to a read, or 304 when the asker has it already; `links` by relation."""
    text = _text(body)
    tag = _tag(text)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if links:
        headers["Link"] = ", ".join(f'<{target}>; rel="{relation}"' for relation, target in links.items())
    if request.method in ("GET", "HEAD") and _tags(request.headers.get("if-none-match", "")) & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(text, status, headers, media_type="application/json")


def expect(request: Request, body: BaseModel | Mapping[str, Any], *, required: bool) -> None:
    """Compare If-Match with what a read would answer now. Raises ProblemError precondition-failed, -required."""
    header = request.headers.get("if-match")
    if header is None:
        if required:
            rule = "send the ETag of the state that you decided on"
            raise ProblemError("precondition-required", f"If-Match: {rule}")
        return
    given = {tag.strip() for tag in header.split(",")}
    if not given & {tag_of(body), "*"}:
        raise changed()


def tag_of(body: BaseModel | Mapping[str, Any]) -> str:
    """The entity tag that a read of this answer has."""
    return _tag(_text(body))


def changed() -> ProblemError:
    """The refusal of a write that rests on a state that is no more."""
    rule = "the resource has changed since; read it again"
    return ProblemError("precondition-failed", f"If-Match: {rule}")


def cursor_of(place: Place) -> str:
    """The opaque cursor that a next page starts from."""
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode().rstrip("=")


def place_of(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place that a cursor names. Raises ProblemError for a text that is no cursor of this list."""
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        place = None
    if not isinstance(place, list) or [type(each) for each in place] != list(kinds):
        detail = "is not a cursor of this list"
        raise ProblemError("invalid-request", f"cursor: {detail}", [FieldError(detail, parameter="cursor")])
    return tuple(place)


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The link to the next page, with the other parameters kept."""
    if cursor is None:
        return {}
    url = request.url.include_query_params(cursor=cursor)
    return {"next": f"{url.path}?{url.query}"}


def _text(body: BaseModel | Mapping[str, Any]) -> bytes:
    plain = body.model_dump(mode="json", by_alias=True) if isinstance(body, BaseModel) else dict(body)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


def _tag(text: bytes) -> str:
    return f'"{sha256(text).hex()[:32]}"'


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
