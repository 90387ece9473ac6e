"""What devices measure, over HTTP: only to readers of a covenant, asked of the oracles with the member's own key."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request, Response

from api.problems import FieldError, ProblemError
from api.records.figures import OracleReader
from api.replies import reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.services import services_of
from api.times import milliseconds, rfc3339
from api.v1.drafts import digest_of
from ledger_node.hexvalues import HexError, data_hex, read_data
from oracle.formats import covenant as covenants
from oracle.formats.observation import round_id
from registry.evidence.gather import EvidenceMissing

router = APIRouter(prefix="/v1", tags=["measurements"])
T = TypeVar("T")
Asker = Annotated[Principal, scoped(Scope.READINGS)]
OF_ORACLES = "derived: each is a leaf of the anchored round named; an action's bundle proves those it rests on"
FROM_ORACLE = "none: as an oracle of the consortium says; its log is proved at the oracle itself"


@router.get(
    "/facilities/{facility_id}/covenant",
    summary="A facility's covenant",
    openapi_extra={"x-proof": "derived: its roots are those of the facility, its id the digest of both parties"},
)
def covenant(request: Request, principal: Asker, facility_id: str) -> Response:
    """Rules with their words, instalments and schemas, for the lender, the borrower and the grantees."""
    id_ = digest_of("facility_id", facility_id)
    found = _granted(lambda reader: reader.covenant(id_), request, principal)
    body = covenants.to_json(found)
    return reply(request, {"covenant": body})


@router.get("/observations", summary="Agreed observations", openapi_extra={"x-proof": OF_ORACLES})
def observations(
    request: Request,
    principal: Asker,
    schema: str,
    start: Annotated[str, Query(alias="from", description="RFC 3339: the first slot")],
    end: Annotated[str, Query(alias="to", description="RFC 3339: before this slot")],
) -> Response:
    """The oracles' agreed values of a schema in a span of event time, oldest first; values are whole numbers."""
    services = services_of(request)
    id_ = digest_of("schema", schema)
    first, last = _time("from", start), _time("to", end)
    found = _granted(lambda reader: reader.observations(id_, first, last), request, principal)
    items = [
        {
            "slot": rfc3339(each.slot, services.zone),
            "subject": data_hex(each.subject),
            "metric": data_hex(each.metric),
            "value": str(each.value),
            "flag": int(each.flag),
            "readings": each.count,
            "sources": data_hex(each.sources),
            "round": data_hex(round_id(each.schema, each.slot)),
        }
        for each in found
    ]
    return reply(request, {"items": items, "next": None})


@router.get("/devices/{device_id}", summary="How far a device's stream goes", openapi_extra={"x-proof": FROM_ORACLE})
def device(request: Request, principal: Asker, device_id: str) -> Response:
    """The last number and times heard, and what of it was refused."""
    services = services_of(request)
    try:
        id_ = read_data("device_id", device_id, 16)
    except HexError as error:
        raise _wrong("device_id", str(error).partition(": ")[2]) from None
    state = _granted(lambda reader: reader.device(id_), request, principal)

    def time(at: int | None) -> str | None:
        return None if at is None else rfc3339(at, services.zone)

    refusals = [
        {"reason": each.reason, "count": each.count, "last": rfc3339(each.last_ms, services.zone)}
        for each in state.refusals
    ]
    body = {
        "device": device_id,
        "seq": state.seq,
        "lastEvent": time(state.last_event_ms),
        "lastHeard": time(state.last_seen_ms),
        "quarantined": state.quarantined,
        "refusals": refusals,
    }
    return reply(request, body)


def _granted(read: Callable[[OracleReader], T], request: Request, principal: Principal) -> T:
    """What the member may read at the oracles. Raises ProblemError not-granted for all else."""
    services = services_of(request)
    reader = services.oracles.as_member(services.drafting.keyring.signer(principal.entity))
    try:
        return read(reader)
    except EvidenceMissing as error:
        raise ProblemError("not-granted", str(error)) from None


def _time(name: str, text: str) -> int:
    try:
        return milliseconds(text)
    except ValueError as error:
        raise _wrong(name, str(error)) from None


def _wrong(name: str, rule: str) -> ProblemError:
    return ProblemError("invalid-request", f"{name}: {rule}", [FieldError(rule, parameter=name)])
