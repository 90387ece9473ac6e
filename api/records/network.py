"""The network as this service sees it: who sealed, how final, how its nodes, oracles, index and outboxes do."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from api.problems import ProblemError
from api.records.oracles import OracleGlance
from api.records.reading import AsOf
from api.security.roles import Principal, Scope
from api.services import Services
from ledger_node.chain_values import AnswerError
from ledger_node.client import ChainUnavailable, RpcError
from ledger_node.consensus.turns import Turns, turns
from ledger_node.sending_status import EndpointStatus, OutboxStatus
from registry.index.queries import BlockRef
from registry.index.sealing import last_headers

WINDOW = 240
"""How many of the last blocks are looked at for who sealed them."""


@dataclass(frozen=True, slots=True)
class Network:
    """What is known now. `final` is the newest final block, None while there is none; `silent_seconds` since `head`.

    `node_head` is the newest block that any node told this service, None before one did. `oracles` are the set's as
    far as this service has their addresses; `outboxes` are those that the reader may see.
    """

    head: BlockRef
    final: int | None
    finality: int
    silent_seconds: int
    node_head: int | None
    turns: Turns | None
    endpoints: tuple[EndpointStatus, ...]
    oracles: tuple[OracleGlance, ...]
    outboxes: dict[int, OutboxStatus]

    @property
    def lag(self) -> int | None:
        """How many blocks the index is behind the nodes, None when none has told."""
        return None if self.node_head is None else max(self.node_head - self.head.number, 0)

    @property
    def longest_log(self) -> int:
        """The size of the longest log that an oracle told."""
        return max((each.log_size or 0 for each in self.oracles), default=0)


def may_see(principal: Principal) -> bool:
    """Whether the member watches the network: banks, which run nodes, and the regulator."""
    return Scope.NETWORK in principal.scopes


def network(services: Services, principal: Principal, state: AsOf) -> Network:
    """The network now. Raises ProblemError forbidden for who does not watch it."""
    if not may_see(principal):
        raise ProblemError("forbidden", "the network's health is for banks and the regulator")
    head = state.block
    run = last_headers(state.snapshot, WINDOW)
    outboxes = services.operations.sending.statuses()
    with suppress(ChainUnavailable, RpcError, AnswerError):
        services.client.block_number()
    endpoints = services.client.endpoints()
    return Network(
        head=head,
        final=_final(services, head),
        finality=services.finality,
        silent_seconds=max(services.clock.now_ms() // 1000 - head.time, 0),
        node_head=max((each.head for each in endpoints if each.head is not None), default=None),
        turns=turns(run) if run else None,
        endpoints=endpoints,
        oracles=tuple(services.oracles.glances()),
        outboxes=_shown(outboxes, principal),
    )


def _final(services: Services, head: BlockRef) -> int | None:
    final = min(services.index.final(services.finality), head.number)
    return final if final >= 0 else None


def _shown(outboxes: dict[int, OutboxStatus], principal: Principal) -> dict[int, OutboxStatus]:
    """All to the regulator, its own to another member."""
    seen: Sequence[int] = sorted(outboxes) if principal.is_regulator else (principal.entity,)
    return {entity: outboxes[entity] for entity in seen if entity in outboxes}
