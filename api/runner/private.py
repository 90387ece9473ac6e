"""A private stack for one run: the whole product in a temporary folder, on ports of its own, on any chain."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from api.config import ApiSection
from api.founding.enrolment import Funder
from api.founding.found import fund, open_accounts
from api.settings import (
    Settings,
    SettingsError,
    SupervisorSection,
    first_cause,
    is_setting,
    load_settings,
    write_settings,
)
from api.stack import COMMAND, units
from api.supervisor.control import start, stop
from ledger_node.keys import KeyFileError, LocalSigner, load_signer
from ledger_node.ports import HOST, reserved_ports
from ledger_node.settings import LedgerSection
from oracle.settings import OracleSection
from registry.settings import IndexerSection

WEI = 10**18
"""What each account of the stack is given on a chain with fees."""
READY_SECONDS = 600.0
"""A founding waits for blocks of somebody else's chain, and several stacks may start beside each other."""
PORTS = 7
"""What a stack listens at: ledger, indexer, API, four oracles."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A chain that somebody else runs, and who pays there.

    Raises SettingsError for an address or a finality that cannot be.
    """

    rpc: str
    funder: Path | None
    finality: int
    ws: str = ""

    def __post_init__(self) -> None:
        self.section()

    def section(self) -> LedgerSection:
        """The chain as settings name it."""
        try:
            return LedgerSection(engine="external", rpc_url=self.rpc, ws_url=self.ws, finality=self.finality)
        except ValidationError as error:
            raise SettingsError(first_cause(error)) from None


@contextmanager
def private_stack(
    elsewhere: Elsewhere | None = None, prepare: Callable[[Path], None] = lambda home: None
) -> Iterator[tuple[Path, Funder | None]]:
    """The state directory of a running product, which is stopped and removed at the end. Raises ControlError.

    `prepare` may change what lies in it, settings and keys, before anything runs.
    """
    with ExitStack() as stack:
        stack.enter_context(keep_environment_out())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cangdan-")))
        write_settings(_settings(elsewhere, stack.enter_context(reserved_ports(PORTS))), home)
        prepare(home)
        settings = load_settings(home)
        funder = _fund(settings, home, elsewhere) if elsewhere else None
        names = [unit.name for unit in units(settings)]
        stack.callback(stop, home, names, settings.supervisor.stop_seconds)
        start(home, (*COMMAND, "--home", str(home), "up", "--foreground"), lambda report: None)
        yield home, funder


def _settings(elsewhere: Elsewhere | None, ports: Sequence[int]) -> Settings:
    ledger_port, indexer_port, api_port, *oracle_ports = ports
    ledger = elsewhere.section() if elsewhere else LedgerSection(port=ledger_port)
    return Settings(
        ledger=ledger,
        indexer=IndexerSection(port=indexer_port),
        api=ApiSection(
            port=api_port,
            public_url=f"http://{HOST}:{api_port}",
            reads_per_minute=100_000,
            writes_per_minute=100_000,
        ),
        oracles=tuple(OracleSection(name=f"oracle-{n}", port=port) for n, port in enumerate(oracle_ports, start=1)),
        supervisor=SupervisorSection(ready_seconds=READY_SECONDS),
    )


def _fund(settings: Settings, home: Path, elsewhere: Elsewhere) -> Funder | None:
    """Give the operator and the oracles what they need, and return who gives it to members; None where gas is free."""
    if elsewhere.funder is None:
        return None
    payer = _funder(elsewhere.funder)
    accounts = open_accounts(settings)
    outbox_file = home / "keys" / "funder.db"
    everyone = (accounts.operator.address, *accounts.oracles)
    fund(outbox_file, settings.ledger, payer, everyone, WEI)
    return lambda accounts: fund(outbox_file, settings.ledger, payer, accounts, WEI)


def _funder(path: Path) -> LocalSigner:
    """The key in an encrypted key file (its passphrase beside it in .pass), or a key in hexadecimal."""
    if path.stat().st_mode & 0o077:
        raise KeyFileError(f"{path}: is open to group or others; run chmod 600")
    text = path.read_text(encoding="utf-8").strip()
    if text.startswith("{"):
        return load_signer(path, path.with_suffix(".pass"))
    try:
        return LocalSigner(bytes.fromhex(text.removeprefix("0x")))
    except ValueError:
        raise KeyFileError(f"{path}: holds neither an encrypted key nor 32 bytes in hexadecimal") from None


@contextmanager
def keep_environment_out() -> Iterator[None]:
    """Settings of the caller's environment are for its own product, not for a private stack."""
    theirs = {name: value for name, value in os.environ.items() if is_setting(name)}
    for name in theirs:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(theirs)
