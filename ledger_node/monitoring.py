"""What every process tells of itself over HTTP: /live, /ready with the cause, /metrics (docs/formats/metrics.md)."""

import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from anyio import to_thread
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger_node.canonical_json import JsonValue
from ledger_node.figures import PREFIX, Figure, Kind, exposed
from ledger_node.settings import is_this_machine

LIVE, READY, METRICS = "/live", "/ready", "/metrics"
PATHS = (LIVE, READY, METRICS)
READY_NOW = Kind("ready", "1 when the process can be used, as /ready says, else 0.")
LEAST_TOKEN = 32
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetricsError(ValueError):
    """The settings of the metrics cannot be used; the text names the field and the rule."""


class MetricsSection(BaseModel):
    """Who may read /metrics of the processes of this member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_file: Path | None = Field(
        default=None,
        description="the bearer token, at least 32 characters, that a scraper must send; without: this machine only",
    )


@dataclass(frozen=True, slots=True)
class Scrapers:
    """Who may read /metrics: whoever sends `token`; without one, who asks from this machine, if `nearby` may."""

    token: bytes | None = field(default=None, repr=False)
    nearby: bool = True

    def refusal(self, request: Request) -> Response | None:
        """The answer to whoever may not; None to others."""
        if self.token is not None:
            sent = request.headers.get("authorization", "").encode()
            if hmac.compare_digest(sent, b"Bearer " + self.token):
                return None
            words = "metrics: send the bearer token of metrics.token_file\n"
            return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
        if self.nearby and _from_here(request):
            return None
        return PlainTextResponse("metrics: set metrics.token_file to read them from elsewhere\n", 403)


NEARBY = Scrapers()
"""Whoever asks from this machine."""


def scrapers(section: MetricsSection, url: str) -> Scrapers:
    """Who may read the metrics of a process that is reached at `url`.

    One that others reach shows nothing without a token: what asks it from this machine may be its own proxy.
    Raises MetricsError for a token file that cannot be used.
    """
    if section.token_file is None:
        return Scrapers(None, is_this_machine(urlsplit(url).hostname or ""))
    try:
        token = section.token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MetricsError(
            f"metrics.token_file: {error.strerror if isinstance(error, OSError) else 'must be ASCII'}"
        ) from None
    if len(token) < LEAST_TOKEN or any(not "!" <= each <= "~" for each in token):
        raise MetricsError(f"metrics.token_file: must hold one word of at least {LEAST_TOKEN} characters")
    return Scrapers(token.encode())


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can be used. `cause` says why not, or what it waits for; `facts` stand beside it."""

    ready: bool
    cause: str | None = None
    facts: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))


class Monitor:
    """One process: whether it is ready, its figures of now, and what it counts of its requests."""

    def __init__(
        self, ready: Callable[[], Readiness], figures: Callable[[], Iterable[Figure]], allowed: Scrapers = NEARBY
    ) -> None:
        """`ready` and `figures` are called in a thread for each question."""
        self._ready, self._figures = ready, figures
        self._allowed = allowed
        self._kept = CollectorRegistry()
        ProcessCollector(registry=self._kept)
        self.requests = Counter(
            f"{PREFIX}http_requests", "Requests answered.", ("method", "route", "status"), registry=self._kept
        )
        self.seconds = Histogram(
            f"{PREFIX}http_request_seconds",
            "Time until an answer begins.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._kept,
        )

    def routes(self) -> list[Route]:
        """/live, /ready and /metrics."""
        handlers = ((LIVE, self._tell_live), (READY, self._tell_ready), (METRICS, self._tell_metrics))
        return [Route(path, handler, methods=["GET"]) for path, handler in handlers]

    async def _tell_live(self, request: Request) -> Response:
        del request
        return JSONResponse({"live": True})

    async def _tell_ready(self, request: Request) -> Response:
        del request
        told = await to_thread.run_sync(self._ready)
        return JSONResponse({"ready": told.ready, "cause": told.cause, **told.facts}, 200 if told.ready else 503)

    async def _tell_metrics(self, request: Request) -> Response:
        refusal = self._allowed.refusal(request)
        if refusal is not None:
            return refusal
        text = await to_thread.run_sync(self._exposed)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    def _exposed(self) -> bytes:
        return exposed(self._kept, [READY_NOW.is_(self._ready().ready), *self._figures()])


class Counted:
    """Counts the requests to an application by method, route and status; the three of the monitor leave no trace."""

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it once its answer begins."""
        if scope["type"] != "http" or scope["path"] in PATHS:
            await self._app(scope, receive, send)
            return
        started, told = time.perf_counter(), False
        root = scope.get("root_path", "")
        method = scope["method"] if scope["method"] in _METHODS else "other"

        def count(status: int) -> None:
            route = _route(scope, root)
            self._monitor.requests.labels(method, route, str(status)).inc()
            self._monitor.seconds.labels(method, route).observe(time.perf_counter() - started)

        async def seen(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start" and not told:
                told = True
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            if not told:
                count(500)


def _route(scope: Scope, root: str) -> str:
    """The pattern that a request came in by, never what it named; "-" for a path that has none."""
    if scope.get("root_path", "") != root:
        return str(scope["root_path"])
    return getattr(scope.get("route"), "path", "-")


def _from_here(request: Request) -> bool:
    """Whether a request comes from this machine itself, by its name for itself, and through nobody else."""
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    peer = "" if request.client is None else request.client.host
    return is_this_machine(peer) and is_this_machine(name) and not any(each in request.headers for each in _FORWARDED)
