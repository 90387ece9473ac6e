"""One oracle as a process: from settings to a served application, until it is told to stop."""

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.deploy import Addresses, AddressesError, load_addresses
from ledger_node.files import make_folder
from ledger_node.keys import KeyFileError
from ledger_node.monitoring import MetricsError, MetricsSection, scrapers
from ledger_node.outbox import GasPolicy, Outbox, OutboxLocked, OutboxMismatch
from ledger_node.recursion import bound_recursion
from ledger_node.remote_signer import RemoteSigner, open_key
from ledger_node.signing import Signer, SignerError
from oracle.app import Oracle
from oracle.clock import SystemClock
from oracle.database import DatabaseError
from oracle.formats.segment import Context
from oracle.node import NodeChain
from oracle.settings import OracleSection
from oracle.tls import TlsError, check_certificate, trusting

OUTBOX_FILE = "outbox.db"
WAIT_S = 0.5
GRACE_S = 5
_LOGGER = logging.getLogger("oracle")


class OracleError(RuntimeError):
    """The oracle cannot start, or had to stop; one line that names the cause."""


@dataclass(frozen=True, slots=True)
class OracleProcess:
    """What one oracle runs from: its section, the others' URLs and authority, its nodes, where the addresses are."""

    section: OracleSection
    peer_urls: tuple[str, ...]
    authority_file: Path
    rpc_urls: tuple[str, ...]
    addresses_file: Path
    finality: int = 0
    metrics: MetricsSection = field(default_factory=MetricsSection)


def serve(process: OracleProcess, pause: Callable[[float], None] = time.sleep) -> None:
    """Serves until SIGTERM or SIGINT; waits for the node and the addresses file. Raises OracleError."""
    section = process.section
    bound_recursion()
    try:
        allowed = scrapers(process.metrics, section.url)
    except MetricsError as error:
        raise OracleError(str(error)) from None
    try:
        signer = open_key(section.key_file, section.signer)
        check_certificate(section.tls_certificate_file, section.tls_key_file)
        peer_trust = trusting(process.authority_file)
        make_folder(section.directory, 0o700)
        if isinstance(signer, RemoteSigner):
            wait_for_signer(signer, pause)
        chain, addresses = _chain(process, signer, pause)
        context = Context(addresses.chain_id, addresses.address("DeviceRegistry"))
        oracle = Oracle(
            section.directory, context, signer, chain, SystemClock(), section.url, process.peer_urls, peer_trust,
            scrapers=allowed,
        )  # fmt: skip
    except (KeyFileError, TlsError, AddressesError, OutboxLocked, OutboxMismatch, DatabaseError, SignerError) as error:
        raise OracleError(str(error)) from None
    failed: list[bool] = []

    def died() -> None:
        failed.append(True)
        server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            oracle.application(died),
            host=section.host,
            port=section.port,
            ssl_certfile=section.tls_certificate_file,
            ssl_keyfile=section.tls_key_file,
            timeout_graceful_shutdown=GRACE_S,
            access_log=False,
            server_header=False,
            log_config=None,
        )
    )
    # uvicorn raises the signal again when it is done; a clean stop then ends with exit code 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run()
    if failed:
        raise OracleError("a loop of the oracle failed; its log says why")


def wait_for_signer(signer: RemoteSigner, pause: Callable[[float], None]) -> None:
    """Until the signer elsewhere answers and has the oracle's key."""
    told = ""
    while True:
        try:
            return signer.check()
        except SignerError as error:
            if str(error) != told:
                _LOGGER.warning("waiting: %s", error)
            told = str(error)
        pause(WAIT_S)


def _chain(process: OracleProcess, signer: Signer, pause: Callable[[float], None]) -> tuple[NodeChain, Addresses]:
    """The node's view, once the contracts are there and the node answers."""
    client, told = ChainClient(process.rpc_urls), False
    while True:
        try:
            addresses = load_addresses(process.addresses_file)
            outbox = Outbox(
                process.section.directory / OUTBOX_FILE,
                client,
                signer,
                policy=GasPolicy.of_chain(client),
                finality=process.finality,
            )
            return NodeChain(client, addresses, outbox, SystemClock(), process.finality), addresses
        except (ChainUnavailable, RpcError) as error:
            cause = str(error)
        except AddressesError as error:
            if process.addresses_file.exists():
                raise
            cause = str(error)
        if not told:
            _LOGGER.warning("waiting: %s", cause)
            told = True
        pause(WAIT_S)
