"""How sending stands, as values for pages and metrics: the outbox of one key, and the nodes that are asked. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """The outbox of one account as its file has it.

    `pending` acts are not settled, `oldest_seconds` is the age of the oldest of them (0 when there is none), `bumped`
    of them were signed again with a higher fee, `dropped` were forgotten by a node and sent again. `replaced` counts
    all acts whose nonce another transaction took, `refused` all that failed, `settled` all that are done with.
    """

    address: bytes
    pending: int
    oldest_seconds: float
    bumped: int
    dropped: int
    replaced: int
    refused: int
    settled: int
    next_nonce: int | None


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """One node as its client sees it; `name` is scheme, host and port of its address, and (2) after
    them where another node has the same.

    `healthy`: the client would ask it now. `head` is the newest block it told, None before it has; `lag` how many
    blocks that is behind the best of the client's nodes. `last_error` is a few words, empty when its last answer was
    good. `requests` and `failures` count since the client was made; `current` says that reads go to it.
    """

    name: str
    healthy: bool
    current: bool
    head: int | None
    lag: int
    last_error: str
    requests: int
    failures: int
