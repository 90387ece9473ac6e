"""The records of the chain over HTTP: each answer names the block it is true at and links to its proof."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.records.proofs import action_bundle, facility_bundle, receipt_bundle
from api.records.reading import AsOf, State, bad_cursor, papers, sight
from api.records.sight import SeenT, place
from api.replies import MAX_PAGE, cursor_of, next_link, place_of, reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.services import services_of
from api.v1.drafts import digest_of
from api.v1.rendering import Json, Renderer
from ledger_node.hexvalues import data_hex
from registry.acts import Contract
from registry.index.answering import Answering, block_answer
from registry.index.pages import CursorError
from registry.items import Claim, Cover, Entity, Facility, Firing, Pledge, Receipt, Review, Round

router = APIRouter(prefix="/v1", tags=["records"])
Reader = Annotated[Principal, scoped(Scope.RECORDS)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
STATE = {"x-proof": "state: the record's word and head in the state of the block, in the bundle of `proof`"}
HISTORY = {"x-proof": "history: all transitions, each covered by the head that the state of the block holds"}
DERIVED = {"x-proof": "derived: computed from records whose own proofs show it"}
BUNDLE = {"x-proof": "state: this is the proof; check it with `cangdan verify`"}
LISTED = {"x-proof": "none: that a list is whole is not proved; each item is proved by its own address"}
INDEXED = {"x-proof": "none: from the index of this service; the transactions named are on the chain"}


class Answer:
    """One request about one block, by one member."""

    def __init__(self, request: Request, principal: Principal, state: AsOf) -> None:
        services = services_of(request)
        self.request, self.state = request, state
        self.sight = sight(principal, state)
        self.papers = papers(request, principal)
        self.shown = Answering(state.snapshot, self.papers.opened)
        self.render = Renderer(self.sight, self.papers, services.members().name_of, services.zone)

    def block(self) -> Json:
        """The block that the answer is true at; its time in seconds, as the header has it."""
        return block_answer(self.state.block, self.state.final)

    def proved(self, data: Json, path: str) -> Response:
        """What a bundle proves, and where the bundle is."""
        proof = f"{path}/proof?as_of_block={self.state.block.number}"
        links = {"proof": proof, "history": f"{path}/history", "summary": f"{path}/summary"}
        return reply(self.request, {"block": self.block(), "data": data, "links": links}, {"proof": proof})

    def one(self, body: Json, proof: str | None = None) -> Response:
        """A single record; `proof` is the address of its bundle."""
        links = {} if proof is None else {"proof": proof}
        return reply(self.request, {**body, "block": self.block(), "proof": proof}, links)

    def page(self, items: list[Json], cursor: str | None) -> Response:
        """A page of a list."""
        return reply(
            self.request, {"items": items, "next": cursor, "block": self.block()}, next_link(self.request, cursor)
        )

    def part(self, kind: type[SeenT], render: Callable[[SeenT], Json], limit: int, cursor: str | None) -> Response:
        """A page of the records of a kind that the member may see, newest first."""
        after = None if cursor is None else place_of(cursor, int, str)
        rest = [each for each in self.sight.every(kind) if after is None or place(each) < after]
        more = cursor_of(place(rest[limit - 1])) if len(rest) > limit else None
        return self.page([render(each) for each in rest[:limit]], more)


@router.get("/blocks/head", summary="The newest indexed block", openapi_extra={"x-proof": "none: a position"})
def head(request: Request, principal: Reader, state: State) -> Response:
    """How far the index is, and whether that block is final."""
    return Answer(request, principal, state).one({})


@router.get("/entities", summary="Legal entities", openapi_extra=LISTED)
def entities(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """All entities of the consortium by number and kind; names of others are told to the regulator only."""
    answer = Answer(request, principal, state)
    try:
        page = state.snapshot.find(Entity, after=cursor, limit=limit)
    except CursorError as error:
        raise bad_cursor(error) from None
    return answer.page([answer.render.entity(entity) for entity in page.items], page.next)


@router.get("/entities/{number}", summary="A legal entity", openapi_extra=STATE)
def entity(request: Request, principal: Reader, state: State, number: int) -> Response:
    """An entity with its status and the number of its accounts."""
    answer = Answer(request, principal, state)
    return answer.one(answer.render.entity(answer.sight.entity(number)))


@router.get("/receipts", summary="Receipts", openapi_extra=LISTED)
def receipts(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """Receipts that the member holds, keeps, or has a pledge of, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Receipt, answer.render.receipt, limit, cursor)


@router.get("/receipts/{receipt_id}", summary="A receipt, as it is proved", openapi_extra=STATE)
def receipt(request: Request, principal: Reader, state: State, receipt_id: str) -> Response:
    """Nothing but what the bundle of `links.proof` proves, in the chain's own units; save it and check both offline."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Receipt, digest_of("receipt_id", receipt_id))
    return answer.proved(answer.shown.receipt(found.id), f"/v1/receipts/{data_hex(found.id)}")


@router.get("/receipts/{receipt_id}/summary", summary="A receipt in words", openapi_extra=DERIVED)
def receipt_summary(request: Request, principal: Reader, state: State, receipt_id: str) -> Response:
    """A receipt with names, its pledges, its holds, and its content where the member was given it."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Receipt, digest_of("receipt_id", receipt_id))
    return answer.one(answer.render.receipt(found), f"/v1/receipts/{data_hex(found.id)}/proof")


@router.get("/receipts/{receipt_id}/proof", summary="The evidence bundle of a receipt", openapi_extra=BUNDLE)
def receipt_proof(request: Request, principal: Reader, state: State, receipt_id: str) -> Response:
    """One file for `cangdan verify`: control, pledges, holds and the whole history at the block."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Receipt, digest_of("receipt_id", receipt_id))
    text = receipt_bundle(services_of(request), state.snapshot, answer.papers, found)
    return _download(text, f"receipt-{data_hex(found.id)[2:14]}-{state.block.number}")


@router.get("/receipts/{receipt_id}/history", summary="A receipt's history", openapi_extra=HISTORY)
def receipt_history(request: Request, principal: Reader, state: State, receipt_id: str) -> Response:
    """Every transition of a receipt, oldest first; its head shows that none is missing."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Receipt, digest_of("receipt_id", receipt_id))
    history = state.snapshot.history(Contract.RECEIPTS, found.id)
    body = {"id": data_hex(found.id), "items": [answer.render.transition(each) for each in history]}
    return answer.one({**body, "head": data_hex(found.head)}, f"/v1/receipts/{data_hex(found.id)}/proof")


@router.get("/pledges", summary="Pledges", openapi_extra=LISTED)
def pledges(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """Pledges that the member gave, took or keeps the goods of, and all of receipts that it sees, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Pledge, answer.render.pledge, limit, cursor)


@router.get("/pledges/{pledge_id}", summary="A pledge", openapi_extra=STATE)
def pledge(request: Request, principal: Reader, state: State, pledge_id: str) -> Response:
    """A pledge; its acts are transitions of its receipt, whose bundle ends for a former pledgee with the release."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Pledge, digest_of("pledge_id", pledge_id))
    proof = f"/v1/receipts/{data_hex(found.terms.receipt)}/proof"
    receipt = state.snapshot.one(Receipt, found.terms.receipt)
    ended = None if receipt is None or answer.sight.sees(receipt) else answer.sight.sight_ended(receipt)
    return answer.one(answer.render.pledge(found), proof if ended is None else f"{proof}?as_of_block={ended}")


@router.get("/facilities", summary="Facilities", openapi_extra=LISTED)
def facilities(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """Facilities that the member lends, borrows, insures or reviews, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Facility, lambda each: _facility(answer, each), limit, cursor)


@router.get("/facilities/{facility_id}", summary="A facility, as it is proved", openapi_extra=STATE)
def facility(request: Request, principal: Reader, state: State, facility_id: str) -> Response:
    """Nothing but what the bundle of `links.proof` proves, in the chain's own units; save it and check both offline."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    return answer.proved(answer.shown.facility(found.id), f"/v1/facilities/{data_hex(found.id)}")


@router.get("/facilities/{facility_id}/proof", summary="The evidence bundle of a facility", openapi_extra=BUNDLE)
def facility_proof(request: Request, principal: Reader, state: State, facility_id: str) -> Response:
    """One file for `cangdan verify`: holds, instalments and the whole history at the block."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    text = facility_bundle(services_of(request), state.snapshot, answer.papers, found)
    return _download(text, f"facility-{data_hex(found.id)[2:14]}-{state.block.number}")


@router.get("/facilities/{facility_id}/summary", summary="A facility with dates and amounts", openapi_extra=DERIVED)
def facility_summary(request: Request, principal: Reader, state: State, facility_id: str) -> Response:
    """A facility with names, holds and instalments, its terms and sums where the member was given them."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    return answer.one(_facility(answer, found), f"/v1/facilities/{data_hex(found.id)}/proof")


@router.get("/facilities/{facility_id}/history", summary="A facility's history", openapi_extra=HISTORY)
def facility_history(request: Request, principal: Reader, state: State, facility_id: str) -> Response:
    """Every transition of a facility, oldest first."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    history = state.snapshot.history(Contract.CREDIT, found.id)
    body = {"id": data_hex(found.id), "items": [answer.render.transition(each) for each in history]}
    return answer.one({**body, "head": data_hex(found.head)}, f"/v1/facilities/{data_hex(found.id)}/proof")


@router.get("/facilities/{facility_id}/actions", summary="What a facility's rules did", openapi_extra=DERIVED)
def actions(request: Request, principal: Reader, state: State, facility_id: str) -> Response:
    """Each firing with its clause, values and thresholds, and what would have had to differ; newest first."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    path = f"/v1/facilities/{data_hex(found.id)}/actions"
    items = [
        {**answer.render.firing(each), "proof": f"{path}/{each.facility_seq}/proof"}
        for each in answer.sight.parts(Firing, facility=found.id)
    ]
    return answer.page(items, None)


@router.get(
    "/facilities/{facility_id}/actions/{seq}/proof", summary="The evidence bundle of an action", openapi_extra=BUNDLE
)
def action_proof(request: Request, principal: Reader, state: State, facility_id: str, seq: int) -> Response:
    """One file for `cangdan verify`: from the readings that devices signed to what the rule did to the facility."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Facility, digest_of("facility_id", facility_id))
    text = action_bundle(services_of(request), state.snapshot, answer.papers, found, seq)
    return _download(text, f"action-{data_hex(found.id)[2:14]}-{seq}-{state.block.number}")


@router.get("/reviews", summary="Reviews", openapi_extra=LISTED)
def reviews(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """Reviews that the member decides on or is concerned by, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Review, answer.render.review, limit, cursor)


@router.get("/reviews/{review_id}", summary="A review", openapi_extra=STATE)
def review(request: Request, principal: Reader, state: State, review_id: str) -> Response:
    """A review with its panel, its deadline and its verdict."""
    answer = Answer(request, principal, state)
    found = answer.sight.one(Review, digest_of("review_id", review_id))
    return answer.one(answer.render.review(found), f"/v1/facilities/{data_hex(found.opening.facility)}/proof")


@router.get("/covers", summary="Insurance covers", openapi_extra=LISTED)
def covers(request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None) -> Response:
    """Covers that the member gives, has, or lends on, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Cover, answer.render.cover, limit, cursor)


@router.get("/covers/{cover_id}", summary="An insurance cover", openapi_extra=STATE)
def cover(request: Request, principal: Reader, state: State, cover_id: str) -> Response:
    """A cover with its claims."""
    answer = Answer(request, principal, state)
    return answer.one(answer.render.cover(answer.sight.one(Cover, digest_of("cover_id", cover_id))))


@router.get("/claims", summary="Claims", openapi_extra=LISTED)
def claims(request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None) -> Response:
    """Claims that rules opened under covers that the member may see, newest first."""
    answer = Answer(request, principal, state)
    return answer.part(Claim, answer.render.claim, limit, cursor)


@router.get("/devices", summary="Fleets of devices", openapi_extra=LISTED)
def devices(request: Request, principal: Reader, state: State) -> Response:
    """The member's own fleet, and the fleets of keepers and borrowers whose goods or plants secure its credit."""
    answer = Answer(request, principal, state)
    return answer.page([answer.render.fleet(fleet) for fleet in answer.sight.fleets()], None)


@router.get("/rounds", summary="Anchored rounds", openapi_extra=LISTED)
def rounds(request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None) -> Response:
    """Rounds of observations by schema and slot, newest first; what was observed stays with its grantees."""
    answer = Answer(request, principal, state)
    try:
        page = state.snapshot.find(Round, after=cursor, limit=limit)
    except CursorError as error:
        raise bad_cursor(error) from None
    return answer.page([answer.render.round(each) for each in page.items], page.next)


@router.get("/alerts", summary="What somebody should look at", openapi_extra=DERIVED)
def alerts(request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None) -> Response:
    """Holds, reviews, deferrals, claims, tripped breakers and refused acts that concern the member, newest first."""
    answer = Answer(request, principal, state)
    try:
        found, more = answer.sight.alerts(cursor, limit)
    except CursorError as error:
        raise bad_cursor(error) from None
    return answer.page([answer.render.alert(alert) for alert in found], more)


@router.get("/refusals", summary="Refused transactions", openapi_extra=INDEXED)
def refusals(
    request: Request, principal: Reader, state: State, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """Transactions mined as refused, with their cause by name: all to the regulator, to others their own."""
    answer = Answer(request, principal, state)
    try:
        found, more = answer.sight.refusals(cursor, limit)
    except CursorError as error:
        raise bad_cursor(error) from None
    return answer.page([answer.render.refusal(refusal) for refusal in found], more)


def _download(text: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.bundle.json"'}
    return Response(text, 200, headers, media_type="application/json")


def _facility(answer: Answer, found: Facility) -> dict[str, Any]:
    return answer.render.facility(found, answer.state.snapshot.history(Contract.CREDIT, found.id))
