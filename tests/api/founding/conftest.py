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
from ledger_node.remote_signer import open_key
from ledger_node.settings import SignerSection
from ledger_node.signing import Signer


@dataclass(frozen=True, slots=True)
class Founded:
    """A consortium on a ledger of its own."""

    home: Path
    settings: Settings
    client: ChainClient
    addresses: Addresses
    opened: tuple[str, ...]
    """The names of the key files that the founding opened, one for each time."""

    def operator(self) -> Operator:
        return open_operator(self.settings, self.client, self.addresses)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    home = tmp_path_factory.mktemp("consortium")
    with running_ledger(home / "ledger") as running:
        settings, opened = on(running.http, home), list[str]()

        def noted(key_file: Path, elsewhere: SignerSection | None = None) -> Signer:
            opened.append(key_file.name)
            return open_key(key_file, elsewhere)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("api.founding.found.open_key", noted)
            addresses = found(settings).addresses
        yield Founded(home, settings, ChainClient(running.http), addresses, tuple(opened))


def on(url: str, home: Path) -> Settings:
    """The settings of a state directory whose chain is at that address."""
    variable = "CANGDAN_LEDGER__RPC_URL"
    os.environ[variable] = url
    try:
        return load_settings(home)
    finally:
        del os.environ[variable]
