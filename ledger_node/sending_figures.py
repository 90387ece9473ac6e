"""The figures of a client's nodes and of outboxes (docs/formats/metrics.md). Pure."""

from collections.abc import Iterable, Iterator

from ledger_node.figures import Figure, Kind
from ledger_node.hexvalues import address_hex
from ledger_node.sending_status import EndpointStatus, OutboxStatus

_HEALTHY = Kind("node_healthy", "1 when the node would be asked now, else 0.", ("node",))
_HEAD = Kind("node_block_number", "The newest block that the node told.", ("node",))
_LAG = Kind("node_lag_blocks", "How many blocks it is behind the best of the nodes.", ("node",))
_REQUESTS = Kind("node_requests_total", "Requests to the node.", ("node",))
_FAILURES = Kind("node_failures_total", "Requests that it did not answer well.", ("node",))
_PENDING = Kind("outbox_pending_acts", "Acts that are not settled.", ("account",))
_OLDEST = Kind("outbox_oldest_pending_seconds", "The age of the oldest of them; 0: none.", ("account",))
_BUMPED = Kind("outbox_bumped_acts", "Of them, acts that were signed again with a higher fee.", ("account",))
_DROPPED = Kind("outbox_dropped_acts", "Of them, acts that a node forgot and that were sent again.", ("account",))
_REPLACED = Kind("outbox_replaced_acts", "Acts whose nonce another transaction took.", ("account",))
_REFUSED = Kind("outbox_refused_acts", "Acts that failed.", ("account",))


def node_figures(nodes: Iterable[EndpointStatus]) -> Iterator[Figure]:
    """Nodes are numbered as in the settings, from 1."""
    for number, each in enumerate(nodes, 1):
        node = str(number)
        yield _HEALTHY.is_(each.healthy, node)
        if each.head is not None:
            yield _HEAD.is_(each.head, node)
        yield _LAG.is_(each.lag, node)
        yield _REQUESTS.is_(each.requests, node)
        yield _FAILURES.is_(each.failures, node)


def outbox_figures(outboxes: Iterable[OutboxStatus]) -> Iterator[Figure]:
    """Outboxes by the address of their account."""
    for each in outboxes:
        account = address_hex(each.address)
        yield _PENDING.is_(each.pending, account)
        yield _OLDEST.is_(each.oldest_seconds, account)
        yield _BUMPED.is_(each.bumped, account)
        yield _DROPPED.is_(each.dropped, account)
        yield _REPLACED.is_(each.replaced, account)
        yield _REFUSED.is_(each.refused, account)
