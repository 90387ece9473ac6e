"""What the API's process tells of itself: whether it is ready, and its figures (docs/formats/metrics.md)."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from api.live import Streams
from api.services import Services
from ledger_node.figures import Figure, Kind
from ledger_node.monitoring import Monitor, Readiness, Scrapers
from ledger_node.sending_figures import node_figures, outbox_figures

_BLOCK = Kind("api_index_block_number", "The last block of the index that the API reads.")
_TIME = Kind("api_index_block_timestamp_seconds", "When that block was sealed, in seconds since 1970.")
_STREAMS = Kind("api_live_streams", "Open live streams.")
_DELIVERIES = Kind("api_waiting_deliveries", "Deliveries of webhooks that are due or will be tried again.")


def monitor_of(services: Services, streams: Streams, allowed: Scrapers) -> Monitor:
    """The monitor of one API process."""
    return Monitor(lambda: readiness(services), lambda: _figures(services, streams), allowed)


def readiness(services: Services) -> Readiness:
    """Ready once the index can be read and has a block; a node that does not answer only makes writes wait."""
    try:
        head = services.index.head()
    except SQLAlchemyError:
        return Readiness(False, "the index's database cannot be read", {"block": None})
    if head is None:
        return Readiness(False, "the index has no block yet", {"block": None})
    return Readiness(True, None, {"block": head.number})


def _figures(services: Services, streams: Streams) -> Iterator[Figure]:
    try:
        head = services.index.head()
    except SQLAlchemyError:
        head = None
    if head is not None:
        yield _BLOCK.is_(head.number)
        yield _TIME.is_(head.time)
    yield _STREAMS.is_(streams.open)
    yield _DELIVERIES.is_(services.webhooks.deliveries.waiting())
    yield from node_figures(services.client.endpoints())
    yield from outbox_figures(services.operations.sending.statuses().values())
