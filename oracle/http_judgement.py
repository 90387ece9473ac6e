"""The judgement over HTTP: covenants in; reports, proposals and rounds between oracles; figures to those who may read
them (docs/formats/oracle-api.md). Errors are problem documents (RFC 9457) with a `code` of `CODES`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import HexError, data_hex, read_data
from oracle.access import Access, AccessRefused, Reader
from oracle.agreement import Fault
from oracle.covenants import CovenantRefused, Covenants
from oracle.figures import Figures, UnknownHere
from oracle.formats import covenant as covenants
from oracle.formats import wire
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.report import proposal_from_json, report_to_json
from oracle.formats.segment import MAX_TIME_MS
from oracle.ports import ChainUnavailable
from oracle.rounds import RoundService
from oracle.store import Store

MAX_BODY = 8 << 20
MAX_PROPOSALS = 256
REPORTS_PAGE = 200
CODES = {
    "invalid_parameter": (400, "a parameter breaks its rule"),
    "invalid_body": (422, "the body breaks its format"),
    "too_large": (413, "the body is too large"),
    "not_granted": (403, "the request is signed by nobody who may read this"),
    "not_found": (404, "nothing is known under this name"),
    "facility_unknown": (404, "no final block holds the facility of this covenant"),
    "roots_differ": (409, "the facility holds other roots than the covenant"),
    "chain_unavailable": (503, "the node does not answer; nothing was decided, send it again"),
}


class Problem(Exception):
    """An answer that is an error: a code of `CODES` and a detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the routes work on."""

    address: bytes
    origin: str
    store: Store
    rounds: RoundService
    covenants: Covenants
    figures: Figures
    access: Access


Handler = Callable[[Request], JsonValue | tuple[JsonValue, int]]


def judgement_routes(judgement: Judgement) -> list[Route]:
    """The routes, to be mounted at the root of the oracle's application."""
    handlers = _Handlers(judgement)
    gets: list[tuple[str, Handler]] = [
        ("/v1/oracle", handlers.get_oracle),
        ("/v1/covenants/{facility}", handlers.get_covenant),
        ("/v1/reports", handlers.get_reports),
        ("/v1/rounds/{schema}/{slot}", handlers.get_round),
        ("/v1/proposals/{schema}/{slot}", handlers.get_proposal),
        ("/v1/observations", handlers.get_observations),
        ("/v1/segments", handlers.get_segments),
        ("/v1/devices/{device}/state", handlers.get_device_state),
        ("/v1/fleets/{entity}/{epoch}", handlers.get_fleet),
        ("/v1/firings/{facility}", handlers.get_firings),
        ("/v1/faults", handlers.get_faults),
    ]
    posts = [("/v1/covenants", handlers.post_covenant), ("/v1/proposals", handlers.post_proposals)]
    routes = [Route(path, _get(handler), methods=["GET"]) for path, handler in gets]
    return routes + [Route(path, _post(handler), methods=["POST"]) for path, handler in posts]


class _Handlers:
    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        self._figures = judgement.figures

    def get_oracle(self, request: Request) -> JsonValue:
        return {"address": data_hex(self._judgement.address), "origin": self._judgement.origin}

    # --- covenants ----------------------------------------------------------------------------------------------------

    def post_covenant(self, body: bytes) -> tuple[JsonValue, int]:
        covenant = covenants.from_json(canonical_json.loads(body))
        try:
            facility, fresh = self._judgement.covenants.accept(covenant)
        except CovenantRefused as error:
            raise Problem(error.code, str(error)) from None
        told: JsonValue = {"facility": data_hex(facility), "schemas": [data_hex(each.id) for each in covenant.schemas]}
        return told, 201 if fresh else 200

    def get_covenant(self, request: Request) -> JsonValue:
        covenant = self._covenant(request)
        return covenants.to_json(covenant)

    def get_firings(self, request: Request) -> JsonValue:
        covenant = self._covenant(request)
        return {"firings": self._figures.firings(_digest(request, "facility"), covenant)}

    def _covenant(self, request: Request) -> covenants.Covenant:
        reader, facility = self._reader(request), _digest(request, "facility")
        covenant = self._judgement.covenants.known.get(facility)
        if covenant is None or not reader.may_read(covenant):
            raise Problem("not_found", f"covenant {data_hex(facility)}")
        return covenant

    # --- between oracles ----------------------------------------------------------------------------------------------

    def get_reports(self, request: Request) -> JsonValue:
        self._oracle(request)
        last, reports = self._judgement.store.own_reports(_number(request, "after", 0), REPORTS_PAGE)
        return {"next": last, "reports": [report_to_json(each) for each in reports]}

    def post_proposals(self, body: bytes) -> tuple[JsonValue, int]:
        fields = Fields(wire.load(body), "body")
        proposals = [proposal_from_json(each) for each in objects(fields, "proposals", MAX_PROPOSALS)]
        fields.end()
        answers = self._judgement.rounds.answer(proposals)
        return {"answers": [_answer(each) for each in answers]}, 200

    def get_proposal(self, request: Request) -> JsonValue:
        self._oracle(request)
        return self._figures.proposal(_digest(request, "schema"), _slot(request))

    # --- figures ------------------------------------------------------------------------------------------------------

    def get_round(self, request: Request) -> JsonValue:
        schema = self._schema(request, request.path_params["schema"])
        return self._figures.round(schema, _slot(request))

    def get_observations(self, request: Request) -> JsonValue:
        schema = self._schema(request, request.query_params.get("schema", ""))
        start, end = _number(request, "from", 0), _number(request, "to", MAX_TIME_MS)
        return self._figures.observations(schema, start, end)

    def get_segments(self, request: Request) -> JsonValue:
        device = self._device(request, request.query_params.get("device", ""))
        start, end = _number(request, "from", 0), _number(request, "to", MAX_TIME_MS)
        return self._figures.segments(device, start, end, _number(request, "after", 0))

    def get_device_state(self, request: Request) -> JsonValue:
        return self._figures.device(self._device(request, request.path_params["device"]))

    def get_fleet(self, request: Request) -> JsonValue:
        entity, epoch = _whole(request.path_params["entity"], "entity"), _whole(request.path_params["epoch"], "epoch")
        if entity not in self._reader(request).fleets(self._judgement.covenants.known):
            raise Problem("not_found", f"fleet of entity {entity}")
        return self._figures.fleet(entity, epoch)

    def get_faults(self, request: Request) -> JsonValue:
        return self._figures.faults()

    # --- readers ------------------------------------------------------------------------------------------------------

    def _reader(self, request: Request) -> Reader:
        query = request.url.query
        target = request.url.path + (f"?{query}" if query else "")
        return self._judgement.access.reader(request.headers.get("authorization", ""), target)

    def _oracle(self, request: Request) -> None:
        if self._reader(request).entity is not None:
            raise Problem("not_granted", "only oracles read this")

    def _schema(self, request: Request, text: str) -> bytes:
        schema = _data("schema", text, 32)
        if schema not in self._reader(request).schemas(self._judgement.covenants.known):
            raise Problem("not_found", f"schema {data_hex(schema)}")
        return schema

    def _device(self, request: Request, text: str) -> bytes:
        device = _data("device", text, 16)
        if device not in self._reader(request).devices(self._judgement.covenants.known):
            raise Problem("not_found", f"device {data_hex(device)}")
        return device


def _get(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await asyncio.to_thread(_guarded, lambda: handler(request))

    return answer


def _post(handler: Callable[[bytes], tuple[JsonValue, int]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return problem("too_large", f"at most {MAX_BODY} bytes are taken")
        return await asyncio.to_thread(_guarded, lambda: handler(bytes(body)))

    return answer


def _guarded(work: Callable[[], JsonValue | tuple[JsonValue, int]]) -> Response:
    try:
        told = work()
    except Problem as error:
        return problem(error.code, error.detail)
    except UnknownHere as error:
        return problem("not_found", str(error))
    except AccessRefused as error:
        return problem("not_granted", str(error))
    except (FieldError, JsonError) as error:
        return problem("invalid_body", str(error))
    except ChainUnavailable as error:
        return problem("chain_unavailable", str(error))
    value, status = told if isinstance(told, tuple) else (told, 200)
    return Response(wire.dump(value), status, media_type="application/json")


def problem(code: str, detail: str) -> Response:
    """The problem document of a code."""
    status, title = CODES[code]
    body: JsonValue = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail, "code": code}
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(canonical_json.dumps(body), status, headers, media_type="application/problem+json")


def _answer(answer: bytes | Fault) -> JsonValue:
    return {"signature": data_hex(answer)} if isinstance(answer, bytes) else {"fault": answer.value}


def _data(name: str, text: str, size: int) -> bytes:
    try:
        return read_data(name, text, size)
    except HexError as error:
        raise Problem("invalid_parameter", str(error)) from None


def _digest(request: Request, name: str) -> bytes:
    return _data(name, request.path_params[name], 32)


def _slot(request: Request) -> int:
    return _whole(request.path_params["slot"], "slot")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    return default if text is None else _whole(text, name)


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > MAX_TIME_MS:
        raise Problem("invalid_parameter", f"{name}: must be a whole number from 0 to {MAX_TIME_MS}")
    return int(text)
