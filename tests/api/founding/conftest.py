import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.founding.found import found, open_operator
from api.founding.operator import Operator
from api.settings import Settings, load_settings
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses
from ledger_node.embedded.launch import running_ledger


@dataclass(frozen=True, slots=True)
class Founded:
    """A consortium on a ledger of its own."""

    home: Path
    settings: Settings
    client: ChainClient
    addresses: Addresses

    def operator(self) -> Operator:
        return open_operator(self.settings, self.client, self.addresses)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    home = tmp_path_factory.mktemp("consortium")
    with running_ledger(home / "ledger") as running:
        settings = on(running.http, home)
        yield Founded(home, settings, ChainClient(running.http), found(settings).addresses)


def on(url: str, home: Path) -> Settings:
    """The settings of a state directory whose chain is at that address."""
    variable = "CANGDAN_LEDGER__RPC_URL"
    os.environ[variable] = url
    try:
        return load_settings(home)
    finally:
        del os.environ[variable]
