"""The intake over HTTP: segments and fleets in; checkpoints, proofs, entries and cursors out (docs/formats/log.md)."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from oracle.access import Access
from oracle.admission import next_of
from oracle.batch import Batcher, OneAtATime
from oracle.fleets import FleetBundle, FleetRefused, dump_bundle, fleet_bytes, load_bundle
from oracle.formats.fleet import DEVICE_SIZE
from oracle.formats.reasons import Reason
from oracle.formats.segment import MAX_SEGMENT
from oracle.formats.signed import dump_receipt
from oracle.http_answers import (
    Answer,
    Problem,
    answered,
    check_type,
    data,
    number,
    problem_document,
    read_body,
    signature_of,
    target_of,
    threaded,
    whole,
)
from oracle.ingest import IngestService
from oracle.log import Entry
from oracle.ports import FleetSize
from oracle.refusals import Refusal, Refused

MAX_ENTRIES = 256
MAX_ENTRIES_BYTES = 4 << 20
"""After this many bytes of bodies an answer ends, with at least one entry."""

_SEGMENT_TYPES = ("application/cose", "application/cbor", "application/octet-stream")
_MAX_ENTITY, _MAX_PLACE = 2**32 - 1, 2**53
_STATUS = {Reason.MALFORMED: 400, Reason.OVERSIZED: 413, Reason.OUT_OF_SEQUENCE: 409, Reason.EQUIVOCATION: 409}
_STATUS |= {Reason.BROKEN_CHAIN: 409, Reason.FLEET_UNPROVEN: 409}


@dataclass(frozen=True, slots=True)
class Intake:
    """What the routes work on."""

    service: IngestService
    batcher: Batcher
    access: Access


def intake_routes(intake: Intake) -> list[Route]:
    """The routes, to be mounted at the root of the oracle's application."""
    handlers = _Handlers(intake)
    posts = [
        ("/v1/segments", handlers.post_segment),
        ("/v1/check", handlers.post_check),
        ("/v1/fleets/{entity}", handlers.post_fleet),
    ]
    gets = [
        ("/v1/devices/{device}", handlers.get_device),
        ("/v1/checkpoint", handlers.get_checkpoint),
        ("/v1/inclusion", handlers.get_inclusion),
        ("/v1/consistency", handlers.get_consistency),
        ("/v1/entries", handlers.get_entries),
        ("/v1/refusals", handlers.get_refusals),
        ("/v1/fleets/{entity}", handlers.get_fleet),
    ]
    routes = [Route(path, answered(handler), methods=["POST"]) for path, handler in posts]
    return routes + [Route(path, threaded(handler), methods=["GET"]) for path, handler in gets]


class _Handlers:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._log = intake.service.log
        self._fleets = intake.service.fleets
        self._turn = OneAtATime()

    async def post_segment(self, request: Request) -> Answer:
        check_type(request, *_SEGMENT_TYPES)
        # What is longer is cut while it comes in, and refused as oversized by what was read.
        raw = await read_body(request, MAX_SEGMENT + 1, cut=True)
        outcome = await self._intake.batcher.accept(raw, "https")
        if isinstance(outcome, Refusal):
            return _refusal(outcome)
        return Response(dump_receipt(outcome.receipt), 201 if outcome.fresh else 200, media_type="application/json")

    async def post_check(self, request: Request) -> Answer:
        check_type(request, *_SEGMENT_TYPES)
        raw = await read_body(request, MAX_SEGMENT + 1, cut=True)
        return (await asyncio.to_thread(self._intake.service.examine, raw)).as_json()

    def get_device(self, request: Request) -> Answer:
        device = data("device", request.path_params["device"], DEVICE_SIZE)
        enrolled = self._fleets.find(device)
        if enrolled is None:
            raise Problem("not_found", f"device {data_hex(device)} is in no accepted fleet")
        seq, prev = next_of(enrolled.record, self._log.cursor(device))
        held = self._intake.service.quarantine.equivocation(device, enrolled.record.kid) is not None
        return {
            "device": data_hex(device),
            "nextSeq": seq,
            "prev": data_hex(prev),
            "epochBlockHash": data_hex(self._intake.service.blocks.latest()),
            "quarantined": held,
            "revokedAtMs": enrolled.revoked_at_ms,
        }

    def get_checkpoint(self, request: Request) -> Answer:
        size = self._log.size()
        return PlainTextResponse(self._log.signed_checkpoint(number(request, "size", size, size)))

    def get_inclusion(self, request: Request) -> Answer:
        size = number(request, "size", self._log.size(), self._log.size())
        place = whole("place", request.query_params.get("place", ""), size - 1)
        return {"place": place, "size": size, "proof": _hexes(self._log.inclusion(place, size))}

    def get_consistency(self, request: Request) -> Answer:
        new = number(request, "to", self._log.size(), self._log.size())
        old = number(request, "from", 0, new)
        if not old:
            raise Problem("invalid_parameter", "from: must be a size of at least 1")
        return {"from": old, "to": new, "proof": _hexes(self._log.consistency(old, new))}

    def get_entries(self, request: Request) -> Answer:
        start, limit = number(request, "from", 0, _MAX_PLACE), number(request, "limit", MAX_ENTRIES, MAX_ENTRIES) or 1
        if not signature_of(request):
            leaves = self._log.leaves(start, limit)
            return {"from": start, "entries": [{"leaf": data_hex(leaf)} for leaf in leaves]}
        self._check_oracle(request)
        shown: list[JsonValue] = []
        size = 0
        for entry in self._log.entries(start, limit):
            size += len(entry.raw)
            if shown and size > MAX_ENTRIES_BYTES:
                break
            shown.append(_entry(entry))
        return {"from": start, "entries": shown}

    def get_refusals(self, request: Request) -> Answer:
        after, limit = number(request, "after", 0, _MAX_PLACE), number(request, "limit", MAX_ENTRIES, MAX_ENTRIES) or 1
        return {"refusals": [_refused(each) for each in self._intake.service.quarantine.refused(after, limit)]}

    async def post_fleet(self, request: Request) -> Answer:
        """Reads no more than the fleet that the chain holds can have, and nothing when it is known here."""
        check_type(request, "application/json")
        entity = _entity(request)
        try:
            size = await asyncio.to_thread(self._fleets.wanted, entity)
            if size is not None:
                body = await read_body(request, fleet_bytes(size))
                async with self._turn:
                    return await asyncio.to_thread(self._take_fleet, body, entity, size)
            known = self._fleets.current(entity)
            if known is None:
                raise FleetRefused(Reason.FLEET_UNPROVEN, f"fleet.entity: the chain has no fleet of entity {entity}")
        except FleetRefused as error:
            status = _STATUS.get(error.reason, 422)
            return problem_document(error.reason.value, status, error.reason.meaning, error.detail)
        return _taken(known.bundle)

    def _take_fleet(self, body: bytes, entity: int, size: FleetSize) -> Answer:
        bundle = load_bundle(body, entity, size)
        return _taken(bundle), 201 if self._fleets.accept(bundle) else 200

    def get_fleet(self, request: Request) -> Answer:
        self._check_oracle(request)
        entity = _entity(request)
        known = self._fleets.current(entity)
        if known is None:
            raise Problem("not_found", f"fleet of entity {entity}")
        return Response(dump_bundle(known.bundle), media_type="application/json")

    def _check_oracle(self, request: Request) -> None:
        self._intake.access.oracle(signature_of(request), target_of(request))


def _refusal(refusal: Refusal) -> Response:
    reason = refusal.reason
    more: dict[str, JsonValue] = {"segmentDigest": data_hex(refusal.digest)}
    if refusal.expected_seq is not None:
        more["expectedSeq"] = refusal.expected_seq
    return problem_document(reason.value, _STATUS.get(reason, 422), reason.meaning, refusal.detail, more)


def _entity(request: Request) -> int:
    return whole("entity", request.path_params["entity"], _MAX_ENTITY)


def _taken(bundle: FleetBundle) -> JsonValue:
    fleet = bundle.fleet
    return {"entity": fleet.entity, "epoch": fleet.epoch, "devices": len(fleet.devices)}


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
