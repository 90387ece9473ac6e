"""What the handlers work with, made once for the process and handed to them by the application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from starlette.requests import HTTPConnection

from api.config import ApiSection
from api.drafting import Drafting
from api.members import Members
from api.operations import Operations
from api.records.oracles import Oracles
from api.security.limits import RequestLimits
from api.security.sessions import Sessions
from api.security.tokens import Tokens
from api.webhooks.hooks import Hooks
from ledger_node.client import ChainClient
from ledger_node.trust import PinnedBlock, Trust
from oracle.clock import Clock
from registry.index.queries import Index


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one API process."""

    section: ApiSection
    members: Callable[[], Members]
    engine: Engine
    presence: IO[bytes]
    clock: Clock
    sessions: Sessions
    tokens: Tokens
    limits: RequestLimits
    answer_key: bytes
    webhooks: Hooks
    drafting: Drafting
    operations: Operations
    index: Index
    client: ChainClient
    oracles: Oracles
    trust: Callable[[PinnedBlock], Trust]
    finality: int

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are written."""
        return ZoneInfo(self.section.time_zone)


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", connection.app.state.services)
