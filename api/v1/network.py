"""How the network does: for banks and the regulator."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from api.records.network import Network, network
from api.records.reading import as_of
from api.replies import reply
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.services import services_of
from api.times import rfc3339
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.sending_status import OutboxStatus

router = APIRouter(prefix="/v1", tags=["supervision"])


@router.get(
    "/network",
    summary="Sealers, finality, nodes, oracles, index and outboxes",
    openapi_extra={
        "x-proof": "none: sealers are read from headers by this service; cangdan chain verify-headers checks them; "
        "the rest is what it sees of its own nodes, oracles, index and outboxes"
    },
)
def tell(request: Request, principal: Annotated[Principal, scoped(Scope.NETWORK)]) -> Response:
    """Who sealed the last 240 blocks and missed turns, what is final, and how nodes, oracles, index and outboxes do.

    Outboxes are the member's own, and all of this service to the regulator. Nodes are numbered as in the settings of
    the service, never named by address.
    """
    services = services_of(request)
    found = network(services, principal, as_of(request, None, None))
    return reply(request, _json(found, services.zone))


def _json(found: Network, zone: Any) -> dict[str, Any]:
    head = found.head
    return {
        "block": {
            "number": head.number,
            "hash": data_hex(head.hash),
            "time": rfc3339(head.time * 1000, zone),
            "final": found.finality == 0,
        },
        "finality": {"depth": found.finality, "finalBlock": found.final, "silentSeconds": found.silent_seconds},
        "index": {"block": head.number, "nodeBlock": found.node_head, "lag": found.lag},
        "sealing": _sealing(found),
        "nodes": [
            {
                "number": number,
                "healthy": each.healthy,
                "current": each.current,
                "block": each.head,
                "lag": each.lag,
                "requests": each.requests,
                "failures": each.failures,
            }
            for number, each in enumerate(found.endpoints, 1)
        ],
        "oracles": [
            {
                "number": each.number,
                "answers": each.answers,
                "heard": None if each.heard_ms is None else rfc3339(each.heard_ms, zone),
                "logSize": each.log_size,
                "behind": None if each.log_size is None else found.longest_log - each.log_size,
                "openSlots": each.open_slots,
                "waitingFirings": each.waiting_firings,
                "silentDevices": each.silent_devices,
                "faults": each.faults,
            }
            for each in found.oracles
        ],
        "outboxes": [_outbox(entity, each) for entity, each in found.outboxes.items()],
    }


def _outbox(entity: int, each: OutboxStatus) -> dict[str, Any]:
    return {
        "entity": entity,
        "address": address_hex(each.address),
        "pending": each.pending,
        "oldestSeconds": int(each.oldest_seconds),
        "bumped": each.bumped,
        "dropped": each.dropped,
        "replaced": each.replaced,
        "refused": each.refused,
        "settled": each.settled,
    }


def _sealing(found: Network) -> dict[str, Any] | None:
    told = found.turns
    if told is None:
        return None
    return {
        "consensus": None if told.consensus is None else told.consensus.value,
        "from": told.first,
        "to": told.last,
        "members": told.members,
        "late": told.late,
        "unread": told.unread,
        "sealers": [
            {
                "address": address_hex(each.address),
                "blocks": each.blocks,
                "last": each.last,
                "seals": each.seals,
                "missed": each.missed,
            }
            for each in told.sealers
        ],
    }
