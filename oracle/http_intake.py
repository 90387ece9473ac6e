"""The intake over HTTP: segments and fleets in; checkpoints, proofs, entries and cursors out (docs/formats/log.md).

Errors are problem documents (RFC 9457) whose `code` is a reason of the published list, or one of `_CODES`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import HexError, data_hex, read_data
from oracle.admission import next_of
from oracle.batch import Batcher, Overloaded
from oracle.clock import Clock
from oracle.fleets import FleetRefused, dump_bundle, load_bundle
from oracle.formats.fleet import DEVICE_SIZE
from oracle.formats.reasons import Reason
from oracle.formats.requests import Scheme, requester
from oracle.formats.segment import MAX_SEGMENT
from oracle.formats.signed import NoteRefused, dump_receipt
from oracle.ingest import IngestService
from oracle.log import Entry
from oracle.ports import ChainUnavailable, OracleSet
from oracle.refusals import Refusal, Refused

MAX_FLEET_BYTES = 64 << 20
MAX_ENTRIES = 256
MAX_ENTRIES_BYTES = 4 << 20
"""After this many bytes of bodies an answer ends, with at least one entry."""

_SEGMENT_TYPES = ("application/cose", "application/cbor", "application/octet-stream")
_NUMBER = re.compile(r"0\Z|[1-9][0-9]{0,15}\Z")
_STATUS = {Reason.MALFORMED: 400, Reason.OVERSIZED: 413, Reason.OUT_OF_SEQUENCE: 409, Reason.EQUIVOCATION: 409}
_STATUS |= {Reason.BROKEN_CHAIN: 409, Reason.FLEET_UNPROVEN: 409}
_CODES = {
    "invalid_parameter": (400, "a parameter breaks its rule"),
    "unsupported_media_type": (415, "this content type is not taken"),
    "too_large": (413, "the body is too large"),
    "not_an_oracle": (403, "only an oracle of the consortium, by a signed request, may read bodies"),
    "not_found": (404, "nothing is known under this name"),
    "overloaded": (503, "too much waits to be written; nothing was decided, send it again"),
    "chain_unavailable": (503, "the node does not answer; nothing was decided, send it again"),
}


class _Problem(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Intake:
    """What the routes work on. `ready` says whether the oracle can take segments now."""

    service: IngestService
    batcher: Batcher
    oracles: OracleSet
    clock: Clock
    ready: Callable[[], bool]


def intake_routes(intake: Intake) -> list[Route]:
    """The routes, to be mounted at the root of the oracle's application."""
    handlers = _Handlers(intake)
    posts = [
        ("/v1/segments", handlers.post_segment),
        ("/v1/check", handlers.post_check),
        ("/v1/fleets", handlers.post_fleet),
    ]
    gets = [
        ("/v1/devices/{device}", handlers.get_device),
        ("/v1/checkpoint", handlers.get_checkpoint),
        ("/v1/inclusion", handlers.get_inclusion),
        ("/v1/consistency", handlers.get_consistency),
        ("/v1/entries", handlers.get_entries),
        ("/v1/refusals", handlers.get_refusals),
        ("/v1/fleets", handlers.get_fleets),
        ("/ready", handlers.get_ready),
    ]
    routes = [Route(path, _guarded(handler), methods=["POST"]) for path, handler in posts]
    return routes + [Route(path, _guarded(_threaded(handler)), methods=["GET"]) for path, handler in gets]


class _Handlers:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._log = intake.service.log

    async def post_segment(self, request: Request) -> Response:
        _check_type(request, _SEGMENT_TYPES)
        # What is longer is cut while it comes in, and refused as oversized by what was read.
        raw = await _body(request, MAX_SEGMENT + 1)
        outcome = await self._intake.batcher.accept(raw, "https")
        if isinstance(outcome, Refusal):
            return _refusal(outcome)
        return Response(dump_receipt(outcome.receipt), 201 if outcome.fresh else 200, media_type="application/json")

    async def post_check(self, request: Request) -> Response:
        _check_type(request, _SEGMENT_TYPES)
        raw = await _body(request, MAX_SEGMENT + 1)
        return _json((await asyncio.to_thread(self._intake.service.examine, raw)).as_json())

    def get_device(self, request: Request) -> Response:
        try:
            device = read_data("device", request.path_params["device"], DEVICE_SIZE)
        except HexError as error:
            raise _Problem("invalid_parameter", str(error)) from None
        enrolled = self._intake.service.fleets.find(device)
        if enrolled is None:
            raise _Problem("not_found", f"device {data_hex(device)} is in no accepted fleet")
        seq, prev = next_of(enrolled.record, self._log.cursor(device))
        held = self._intake.service.quarantine.equivocation(device, enrolled.record.kid) is not None
        return _json(
            {
                "device": data_hex(device),
                "nextSeq": seq,
                "prev": data_hex(prev),
                "epochBlockHash": data_hex(self._intake.service.blocks.latest()),
                "quarantined": held,
                "revokedAtMs": enrolled.revoked_at_ms,
            }
        )

    def get_checkpoint(self, request: Request) -> Response:
        size = _number(request, "size", None, self._log.size())
        return PlainTextResponse(self._log.signed_checkpoint(size))

    def get_inclusion(self, request: Request) -> Response:
        size = _number(request, "size", self._log.size(), self._log.size())
        place = _number(request, "place", None, (size or 0) - 1)
        if place is None or size is None:
            raise _Problem("invalid_parameter", "place: is missing")
        return _json({"place": place, "size": size, "proof": _hexes(self._log.inclusion(place, size))})

    def get_consistency(self, request: Request) -> Response:
        new = _number(request, "to", self._log.size(), self._log.size())
        old = _number(request, "from", None, new or 0)
        if not old or new is None:
            raise _Problem("invalid_parameter", "from: must be a size of at least 1")
        return _json({"from": old, "to": new, "proof": _hexes(self._log.consistency(old, new))})

    def get_entries(self, request: Request) -> Response:
        start = _number(request, "from", 0, 2**53) or 0
        limit = _number(request, "limit", MAX_ENTRIES, MAX_ENTRIES) or 1
        if "authorization" not in request.headers:
            leaves = self._log.leaves(start, limit)
            return _json({"from": start, "entries": [{"leaf": data_hex(leaf)} for leaf in leaves]})
        self._check_oracle(request)
        shown: list[JsonValue] = []
        size = 0
        for entry in self._log.entries(start, limit):
            size += len(entry.raw)
            if shown and size > MAX_ENTRIES_BYTES:
                break
            shown.append(_entry(entry))
        return _json({"from": start, "entries": shown})

    def get_refusals(self, request: Request) -> Response:
        after = _number(request, "after", 0, 2**53) or 0
        limit = _number(request, "limit", MAX_ENTRIES, MAX_ENTRIES) or 1
        return _json({"refusals": [_refused(each) for each in self._intake.service.quarantine.refused(after, limit)]})

    async def post_fleet(self, request: Request) -> Response:
        _check_type(request, ("application/json",))
        body = await _body(request, MAX_FLEET_BYTES + 1)
        if len(body) > MAX_FLEET_BYTES:
            raise _Problem("too_large", f"a fleet has at most {MAX_FLEET_BYTES} bytes")
        try:
            bundle = await asyncio.to_thread(load_bundle, body)
            fresh = await asyncio.to_thread(self._intake.service.fleets.accept, bundle)
        except FleetRefused as error:
            return _problem(error.reason.value, _STATUS.get(error.reason, 422), error.reason.meaning, error.detail)
        fleet = bundle.fleet
        told: JsonValue = {"entity": fleet.entity, "epoch": fleet.epoch, "devices": len(fleet.devices)}
        return _json(told, 201 if fresh else 200)

    def get_fleets(self, request: Request) -> Response:
        self._check_oracle(request)
        bundles = [dump_bundle(each) for each in self._intake.service.fleets.newest()]
        return Response(b'{"fleets":[' + b",".join(bundles) + b"]}", media_type="application/json")

    def get_ready(self, request: Request) -> Response:
        ready = self._intake.ready()
        return _json({"ready": ready, "size": self._log.size()}, 200 if ready else 503)

    def _check_oracle(self, request: Request) -> None:
        """A request signed by an oracle of the set, at about this time, for this log, path and query."""
        query = request.url.query
        target, header = request.url.path + (f"?{query}" if query else ""), request.headers.get("authorization", "")
        try:
            address = requester(header, (Scheme.ORACLE,), self._log.origin, target, self._intake.clock.now_ms())
        except NoteRefused as error:
            raise _Problem("not_an_oracle", str(error)) from None
        if not self._intake.oracles.is_oracle(address):
            raise _Problem("not_an_oracle", f"{data_hex(address)} is not in the oracle set")


def _threaded(handler: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Reading the database or asking the node must not hold up the event loop."""

    async def answer(request: Request) -> Response:
        return await asyncio.to_thread(handler, request)

    return answer


def _guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _Problem as problem:
            status, title = _CODES[problem.code]
            return _problem(problem.code, status, title, problem.detail)
        except (Overloaded, ChainUnavailable) as error:
            code = "overloaded" if isinstance(error, Overloaded) else "chain_unavailable"
            return _problem(code, *_CODES[code], str(error), headers={"Retry-After": "1"})

    return answer


def _refusal(refusal: Refusal) -> Response:
    reason = refusal.reason
    more: dict[str, JsonValue] = {"segmentDigest": data_hex(refusal.digest)}
    if refusal.expected_seq is not None:
        more["expectedSeq"] = refusal.expected_seq
    return _problem(reason.value, _STATUS.get(reason, 422), reason.meaning, refusal.detail, more)


def _problem(
    code: str,
    status: int,
    title: str,
    detail: str,
    more: dict[str, JsonValue] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body: dict[str, JsonValue] = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail}
    text = canonical_json.dumps({**body, "code": code, **(more or {})})
    return Response(text, status, headers, media_type="application/problem+json")


def _json(value: JsonValue, status: int = 200) -> Response:
    return Response(canonical_json.dumps(value), status, media_type="application/json")


async def _body(request: Request, limit: int) -> bytes:
    """The body, cut at `limit` bytes; what follows is not read."""
    body = bytearray()
    async for part in request.stream():
        body += part[: limit - len(body)]
        if len(body) >= limit:
            break
    return bytes(body)


def _check_type(request: Request, allowed: tuple[str, ...]) -> None:
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given not in allowed:
        raise _Problem("unsupported_media_type", f"Content-Type: must be one of {', '.join(allowed)}")


def _number(request: Request, name: str, default: int | None, highest: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.match(text) or int(text) > highest:
        raise _Problem("invalid_parameter", f"{name}: must be a whole number from 0 to {highest}")
    return int(text)


def _hexes(hashes: list[bytes]) -> JsonValue:
    return [data_hex(each) for each in hashes]


def _entry(entry: Entry) -> JsonValue:
    return {
        "leaf": data_hex(entry.leaf),
        "salt": data_hex(entry.salt),
        "arrivedMs": entry.position.arrived_ms,
        "segment": data_hex(entry.raw),
    }


def _refused(refused: Refused) -> JsonValue:
    return {
        "id": refused.id,
        "reason": refused.reason.value,
        "detail": refused.detail,
        "digest": data_hex(refused.digest),
        "size": refused.size,
        "source": refused.source,
        "device": None if refused.device is None else data_hex(refused.device),
        "firstMs": refused.first_ms,
        "lastMs": refused.last_ms,
        "count": refused.count,
    }
