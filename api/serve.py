"""The API as a process: its parts from the settings, the server, the care for what is on its way."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import Chain, create_app, make_services
from api.keyring import Keyring
from api.live import Streams
from api.records.oracles import Oracles
from api.sending import Outboxes, Sending
from api.settings import Settings
from api.webhooks.courier import Courier, courier_of
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, load_addresses
from ledger_node.monitoring import scrapers
from ledger_node.recursion import bound_recursion
from ledger_node.trust import PinnedBlock, Trust
from ledger_node.trust_export import export_trust
from oracle.clock import SystemClock
from registry.deployment import deployment_of
from registry.index.database import connect
from registry.index.queries import Index


def application(settings: Settings) -> FastAPI:
    """The application of these settings.

    Raises AddressesError, GoodsKeyError, MembersError, MetricsError, ValueError for files that are wrong.
    """
    addresses = load_addresses(settings.contracts.addresses_file)
    client = ChainClient(settings.ledger.rpc_urls)
    outboxes: list[Outboxes] = []

    def sending(keyring: Keyring) -> Sending:
        folder = Path(settings.api.directory) / "outboxes"
        made = Outboxes(folder, client, keyring, addresses.address, settings.ledger.finality)
        outboxes.append(made)
        return made

    deployment = deployment_of(addresses)
    chain = Chain(
        deployment=deployment,
        index=Index(connect(settings.indexer.database_url)),
        client=client,
        oracles=Oracles(
            [each.url for each in settings.oracles], settings.tls.authority_file, deployment, SystemClock()
        ),
        trust=_believing(settings, client, addresses),
        sending=sending,
        finality=settings.ledger.finality,
        goods_key_hash=addresses.goods_key_hash,
    )
    services = make_services(settings.api, chain)
    allowed = scrapers(settings.metrics, settings.api.public_url)
    return create_app(services, _caring(outboxes, courier_of(services)), allowed)


def serve(settings: Settings) -> None:
    """Serve until stopped."""
    app = application(settings)
    bound_recursion()
    config = uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    _Server(config, app.state.streams).run()


class _Server(uvicorn.Server):
    """Ends the live streams as soon as it is asked to stop: it waits for what is open."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal."""
        self._streams.stopping = True
        super().handle_exit(sig, frame)


def _caring(outboxes: list[Outboxes], courier: Courier) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Outboxes and the courier of webhooks run beside the application, and end with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads = [threading.Thread(target=each.run, daemon=True) for each in outboxes]
        for thread in threads:
            thread.start()
        async with courier.beside():
            yield
        for each in outboxes:
            each.stop()
        for thread in threads:
            thread.join(5)

    return lifespan


def _believing(settings: Settings, client: ChainClient, addresses: Addresses) -> Callable[[PinnedBlock], Trust]:
    """What this service believes when it checks a proof: its embedded ledger's seal, else what its own node shows."""
    known: list[Trust] = []

    def trust(block: PinnedBlock) -> Trust:
        if settings.ledger.engine != "embedded":
            return export_trust(client, addresses, (block.number,))
        if not known:
            known.append(export_trust(client, addresses))
        return known[0]

    return trust
