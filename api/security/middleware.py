"""What every answer carries (headers of safety, request id) and what every request leaves: one line without secrets."""

import json
import logging
import time

from asgi_correlation_id import correlation_id
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.security.trace import read_trace
from ledger_node.monitoring import PATHS

ACCESS_LOG = logging.getLogger("cangdan.api.access")
MAX_BODY = 4 * 1024 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Frame-Options": "DENY",
}


class SafetyHeaders:
    """Adds the headers of safety to each answer; answers are not cached unless they say so themselves."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and put the headers on its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                own_file = scope["path"].startswith(("/static/", "/docs-files/"))
                headers.setdefault("Cache-Control", "no-cache" if own_file else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class BodyLimit:
    """Refuses a request whose body has more than MAX_BODY bytes, as soon as it is told or read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        read = int(told) if told.isdecimal() and int(told) > MAX_BODY else 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise HTTPException(413, f"a body may have at most {MAX_BODY} bytes")
            return message

        await self._app(scope, counted, send)


class AccessLog:
    """One JSON line a request: method, route (never the query or the body), status, time, actor, request id, trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line; looks of whoever watches the process leave none."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        trace = read_trace(Headers(scope=scope).get("traceparent"))

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if trace is not None:
                    MutableHeaders(scope=message)["traceparent"] = trace.header
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            line = {
                "method": scope["method"],
                "route": getattr(scope.get("route"), "path", "-"),
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                "actor": scope.get("state", {}).get("actor"),
                "requestId": correlation_id.get(),
                **({} if trace is None else {"traceId": trace.trace, "spanId": trace.span}),
            }
            ACCESS_LOG.info(json.dumps(line))
