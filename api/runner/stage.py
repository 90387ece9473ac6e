"""Where a pack is played: a running product, as its public interfaces and its operator's keys reach it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.founding.enrolment import Enrolment, Funder
from api.founding.found import open_operator
from api.founding.operator import Operator
from api.settings import Settings, load_settings
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, load_addresses
from ledger_node.finality import newest_final
from oracle.tls import trusting

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A running product. `api` is an HTTP client whose base address is the API's."""

    home: Path
    settings: Settings
    addresses: Addresses
    chain: ChainClient
    operator: Operator
    enrolment: Enrolment
    api: httpx.Client
    devices: httpx.Client

    @property
    def oracle_urls(self) -> list[str]:
        """Where devices reach the oracles."""
        return [oracle.url for oracle in self.settings.oracles]

    def final_block(self) -> int:
        """The number of the newest block that is final."""
        return max(0, newest_final(self.chain.block_number(), self.settings.ledger.finality))


@contextmanager
def open_stage(home: Path, funder: Funder | None = None) -> Iterator[Stage]:
    """The running product of a state directory; `funder` pays for new accounts on a chain with fees."""
    settings = load_settings(home)
    addresses = load_addresses(settings.contracts.addresses_file)
    chain = ChainClient(settings.ledger.rpc_url)
    operator = open_operator(settings, chain, addresses)
    try:
        with (
            httpx.Client(base_url=settings.api.public_url, timeout=_TIMEOUT_SECONDS) as api,
            httpx.Client(timeout=_TIMEOUT_SECONDS, verify=trusting(settings.tls.authority_file)) as devices,
        ):
            enrolment = Enrolment(home, settings.api.members_file, operator, funder)
            yield Stage(home, settings, addresses, chain, operator, enrolment, api, devices)
    finally:
        operator.outbox.close()
