"""The judgement over HTTP: covenants in; reports, proposals and rounds between oracles; figures to those who may read
them (docs/formats/oracle-api.md)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.routing import Route

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from oracle.access import Access, Reader
from oracle.agreement import Fault
from oracle.batch import OneAtATime
from oracle.covenants import CovenantRefused, Covenants
from oracle.figures import Figures
from oracle.formats import covenant as covenants
from oracle.formats import wire
from oracle.formats.fields import Fields, objects
from oracle.formats.report import proposal_from_json, report_to_json
from oracle.formats.segment import MAX_TIME_MS
from oracle.formats.signed import place_text
from oracle.http_answers import (
    Answer,
    Problem,
    answered,
    data,
    number,
    read_body,
    signature_of,
    target_of,
    threaded,
    whole,
)
from oracle.rounds import RoundService
from oracle.store import Store

MAX_BODY = 8 << 20
MAX_PROPOSALS = 256
REPORTS_PAGE = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Who answers here: the oracle's address, the name of its log, the URL at which it says that it is reached."""

    address: bytes
    origin: str
    url: str
    signature: bytes


def place_of(signer: Signer, origin: str, url: str) -> Place:
    """The place that an oracle signs for."""
    return Place(signer.address, origin, url, signer.sign_text(place_text(origin, url)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the routes work on."""

    place: Place
    store: Store
    rounds: RoundService
    covenants: Covenants
    figures: Figures
    access: Access


def judgement_routes(judgement: Judgement) -> list[Route]:
    """The routes, to be mounted at the root of the oracle's application."""
    handlers = _Handlers(judgement)
    gets: list[tuple[str, Callable[[Request], Answer]]] = [
        ("/v1/oracle", handlers.get_oracle),
        ("/v1/covenants", handlers.get_facilities),
        ("/v1/covenants/{facility}", handlers.get_covenant),
        ("/v1/reports", handlers.get_reports),
        ("/v1/rounds/{schema}/{slot}", handlers.get_round),
        ("/v1/proposals/{schema}/{slot}", handlers.get_proposal),
        ("/v1/observations", handlers.get_observations),
        ("/v1/segments", handlers.get_segments),
        ("/v1/devices/{device}/state", handlers.get_device_state),
        ("/v1/silent", handlers.get_silent),
        ("/v1/fleets/{entity}/{epoch}", handlers.get_fleet),
        ("/v1/firings/{facility}", handlers.get_firings),
        ("/v1/faults", handlers.get_faults),
    ]
    posts = [("/v1/covenants", handlers.post_covenant), ("/v1/proposals", handlers.post_proposals)]
    routes = [Route(path, threaded(handler), methods=["GET"]) for path, handler in gets]
    return routes + [Route(path, answered(handler), methods=["POST"]) for path, handler in posts]


class _Handlers:
    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        self._figures = judgement.figures
        self._turn = OneAtATime()

    def get_oracle(self, request: Request) -> Answer:
        place = self._judgement.place
        address, signature = data_hex(place.address), data_hex(place.signature)
        return {"address": address, "origin": place.origin, "url": place.url, "signature": signature}

    # --- covenants ----------------------------------------------------------------------------------------------------

    async def post_covenant(self, request: Request) -> Answer:
        body = await read_body(request, MAX_BODY)
        async with self._turn:
            return await asyncio.to_thread(self._take_covenant, body)

    def _take_covenant(self, body: bytes) -> Answer:
        covenant = covenants.from_json(canonical_json.loads(body))
        try:
            facility, fresh = self._judgement.covenants.accept(covenant)
        except CovenantRefused as error:
            raise Problem(error.code, str(error)) from None
        told: JsonValue = {"facility": data_hex(facility), "schemas": [data_hex(each.id) for each in covenant.schemas]}
        return told, 201 if fresh else 200

    def get_facilities(self, request: Request) -> Answer:
        self._check_oracle(request)
        return {"facilities": [data_hex(each) for each in self._judgement.covenants.known]}

    def get_covenant(self, request: Request) -> Answer:
        covenant = self._covenant(request)
        return covenants.to_json(covenant)

    def get_firings(self, request: Request) -> Answer:
        covenant = self._covenant(request)
        return {"firings": self._figures.firings(_digest(request, "facility"), covenant)}

    def _covenant(self, request: Request) -> covenants.Covenant:
        reader, facility = self._reader(request), _digest(request, "facility")
        covenant = self._judgement.covenants.known.get(facility)
        if covenant is None or not reader.may_read(covenant):
            raise Problem("not_found", f"covenant {data_hex(facility)}")
        return covenant

    # --- between oracles ----------------------------------------------------------------------------------------------

    def get_reports(self, request: Request) -> Answer:
        self._check_oracle(request)
        after = number(request, "after", 0, MAX_TIME_MS)
        last, reports = self._judgement.store.own_reports(after, REPORTS_PAGE)
        return {"next": last, "reports": [report_to_json(each) for each in reports]}

    async def post_proposals(self, request: Request) -> Answer:
        await asyncio.to_thread(self._check_oracle, request)
        body = await read_body(request, MAX_BODY)
        return await asyncio.to_thread(self._answer_proposals, body)

    def _answer_proposals(self, body: bytes) -> Answer:
        fields = Fields(wire.load(body), "body")
        proposals = [proposal_from_json(each) for each in objects(fields, "proposals", MAX_PROPOSALS)]
        fields.end()
        answers = self._judgement.rounds.answer(proposals)
        return {"answers": [_answer(each) for each in answers]}

    def get_proposal(self, request: Request) -> Answer:
        self._check_oracle(request)
        return self._figures.proposal(_digest(request, "schema"), _slot(request))

    # --- figures ------------------------------------------------------------------------------------------------------

    def get_round(self, request: Request) -> Answer:
        schema = self._schema(request, request.path_params["schema"])
        return self._figures.round(schema, _slot(request))

    def get_observations(self, request: Request) -> Answer:
        schema = self._schema(request, request.query_params.get("schema", ""))
        return self._figures.observations(schema, *_span(request))

    def get_segments(self, request: Request) -> Answer:
        device = self._device(request, request.query_params.get("device", ""))
        return self._figures.segments(device, *_span(request), number(request, "after", 0, MAX_TIME_MS))

    def get_device_state(self, request: Request) -> Answer:
        return self._figures.device(self._device(request, request.path_params["device"]))

    def get_silent(self, request: Request) -> Answer:
        return self._figures.silent(self._reader(request).watched(self._judgement.covenants.known))

    def get_fleet(self, request: Request) -> Answer:
        entity, epoch = (whole(name, request.path_params[name], MAX_TIME_MS) for name in ("entity", "epoch"))
        if entity not in self._reader(request).fleets(self._judgement.covenants.known):
            raise Problem("not_found", f"fleet of entity {entity}")
        return self._figures.fleet(entity, epoch)

    def get_faults(self, request: Request) -> Answer:
        return self._figures.faults()

    # --- readers ------------------------------------------------------------------------------------------------------

    def _reader(self, request: Request) -> Reader:
        return self._judgement.access.reader(signature_of(request), target_of(request))

    def _check_oracle(self, request: Request) -> None:
        self._judgement.access.oracle(signature_of(request), target_of(request))

    def _schema(self, request: Request, text: str) -> bytes:
        schema = data("schema", text, 32)
        if schema not in self._reader(request).schemas(self._judgement.covenants.known):
            raise Problem("not_found", f"schema {data_hex(schema)}")
        return schema

    def _device(self, request: Request, text: str) -> bytes:
        device = data("device", text, 16)
        if device not in self._reader(request).devices(self._judgement.covenants.known):
            raise Problem("not_found", f"device {data_hex(device)}")
        return device


def _answer(answer: bytes | Fault) -> JsonValue:
    return {"signature": data_hex(answer)} if isinstance(answer, bytes) else {"fault": answer.value}


def _digest(request: Request, name: str) -> bytes:
    return data(name, request.path_params[name], 32)


def _slot(request: Request) -> int:
    return whole("slot", request.path_params["slot"], MAX_TIME_MS)


def _span(request: Request) -> tuple[int, int]:
    return number(request, "from", 0, MAX_TIME_MS), number(request, "to", MAX_TIME_MS, MAX_TIME_MS)
