"""One oracle put together: its files, its services, its HTTP application, its loops."""

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from ledger_node.hexvalues import data_hex
from oracle.access import Access
from oracle.batch import Batcher
from oracle.clock import Clock
from oracle.covenants import Covenants
from oracle.database import Database
from oracle.execution import ExecutionService
from oracle.figures import Figures
from oracle.firings import FiringStore
from oracle.fleets import Fleets
from oracle.formats.segment import Context
from oracle.formats.signed import Signer, log_origin
from oracle.http_intake import Intake, intake_routes
from oracle.http_judgement import Judgement, judgement_routes
from oracle.http_peer import HttpPeer, ask_address
from oracle.ingest import IngestService
from oracle.keys import body_key
from oracle.log import Log
from oracle.node import NodeChain
from oracle.peers import Peer
from oracle.ports import ChainUnavailable
from oracle.pull import PeerFault, Puller
from oracle.refusals import Quarantine
from oracle.rounds import Pace, RoundService
from oracle.slots import SlotKeeper
from oracle.store import Store

DATABASE_FILE, BODY_KEY_FILE = "oracle.db", "bodies.key"
SHORTEST_S, LONGEST_S = 0.02, 1.0
"""How long a loop rests when it had something to do, and at most when it has not."""
PEER_TIMEOUT_S = 10.0
MOST_TOLD = 10_000
"""Open slots are counted up to here."""
_LOGGER = logging.getLogger("oracle")


@dataclass(frozen=True, slots=True)
class Status:
    """Entries in the log, reported slots that are not anchored, rules that fired and are not settled on the chain.

    `settled`: at this size of the log there was nothing left to do; a peer's log may still be ahead.
    """

    log_size: int
    open_slots: int
    pending_firings: int
    settled: bool


class Oracle:
    """One oracle's services over its directory."""

    def __init__(
        self,
        directory: Path,
        context: Context,
        signer: Signer,
        chain: NodeChain,
        clock: Clock,
        peer_urls: Sequence[str],
        peer_trust: ssl.SSLContext,
        pace: Pace | None = None,
    ) -> None:
        """Opens or makes the files in `directory`. Raises DatabaseError, sqlite3.Error, OSError."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.context, self.signer, self.chain, self.clock = context, signer, chain, clock
        self.origin = log_origin(context, signer.address)
        self.database = Database(directory / DATABASE_FILE, self.origin)
        self.log = Log(self.database, self.origin, signer, body_key(directory / BODY_KEY_FILE))
        self.fleets = Fleets(self.database, chain, clock)
        self.quarantine = Quarantine(self.database, self.log)
        self.ingest = IngestService(
            context, self.database, self.log, self.quarantine, self.fleets, chain, signer, clock
        )
        self.store = Store(self.database, self.log)
        self.firings = FiringStore(self.store)
        self._unknown, self._peer_trust = list(peer_urls), peer_trust
        self._peers: list[Peer] = []
        self._pullers: list[Puller] = []
        slots = SlotKeeper(self.database, self.log, self._liveness, self.store, signer.address)
        self.rounds = RoundService(signer, chain, self.store, self.log, slots, self._peers, clock, pace)
        self.execution = ExecutionService(signer, chain, self.store, self.firings, clock)
        self.covenants = Covenants(chain, self.store, self._learned)
        self._stop, self._news = threading.Event(), threading.Event()
        self._news.set()
        self._rested: dict[str, int] = {}

    def application(self, died: Callable[[], None]) -> Starlette:
        """The HTTP application; the loops run while it is served, and `died` is called when one of them fails."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            loops = [threading.Thread(target=self._loop, args=(work, died)) for work in (self.judge, self.pull)]
            for loop in loops:
                loop.start()
            yield
            self._stop.set()
            for loop in loops:
                await asyncio.to_thread(loop.join)
            self.database.close()

        intake = Intake(self.ingest, Batcher(self.ingest), self.chain, self.clock, self.ready)
        figures = Figures(self.chain, self.database, self.log, self.store, self.firings)
        judgement = Judgement(
            address=self.signer.address,
            origin=self.origin,
            store=self.store,
            rounds=self.rounds,
            covenants=self.covenants,
            figures=figures,
            access=Access(self.origin, self.chain, self.clock),
        )
        routes: list[BaseRoute] = [*judgement_routes(judgement), *intake_routes(intake)]
        routes.append(Route("/v1/status", self._told, methods=["GET"]))
        return Starlette(routes=routes, lifespan=lifespan)

    def ready(self) -> bool:
        """Whether the oracle can take segments: its files are open and its node answers."""
        try:
            self.chain.latest()
        except ChainUnavailable:
            return False
        return True

    async def _told(self, request: Request) -> JSONResponse:
        del request
        status = await asyncio.to_thread(self.status)
        return JSONResponse(
            {
                "logSize": status.log_size,
                "openSlots": status.open_slots,
                "pendingFirings": status.pending_firings,
                "settled": status.settled,
            }
        )

    def status(self) -> Status:
        """How much has been heard and what is under way; see Status."""
        size, slots, firings = self.log.size(), len(self.store.open_slots(MOST_TOLD)), self.firings.pending()
        rested = all(self._rested.get(work.__name__) == size for work in (self.judge, self.pull))
        return Status(size, slots, firings, settled=rested and not slots and not firings)

    def judge(self) -> bool:
        """One step of rounds and rules; whether there was anything to do. Raises ChainUnavailable."""
        if self._news.is_set():
            self._news.clear()
            try:
                self.execution.learn()
            except ChainUnavailable:
                self._news.set()
                raise
        did = self.rounds.step()
        did = self.execution.step() or did
        self.chain.look()
        return did

    def pull(self) -> bool:
        """Reads the other oracles' logs once; whether there was anything new. Raises ChainUnavailable."""
        self._join()
        did = False
        for puller in self._pullers:
            try:
                did = puller.pull().fresh > 0 or did
            except PeerFault as error:
                _LOGGER.debug("pull: %s", error)
        return did

    def _join(self) -> None:
        """Takes up peers that answer now."""
        for url in tuple(self._unknown):
            client = httpx.Client(base_url=url, timeout=PEER_TIMEOUT_S, verify=self._peer_trust)
            address = ask_address(client)
            if address is None or address == self.signer.address or not self.chain.is_oracle(address):
                client.close()
                continue
            self._unknown.remove(url)
            self._pullers.append(Puller(self.ingest, self.database, client, address, self.signer, self.clock))
            self._peers.append(HttpPeer(client, address, self.context, self.signer, self.clock))
            _LOGGER.info("peer %s at %s", data_hex(address), url)

    def _loop(self, work: Callable[[], bool], died: Callable[[], None]) -> None:
        rest = SHORTEST_S
        try:
            while not self._stop.wait(rest):
                size = self.log.size()
                try:
                    did = work()
                    rest = SHORTEST_S if did else min(2 * rest, LONGEST_S)
                    self._rested[work.__name__] = -1 if did else size
                except ChainUnavailable as error:
                    _LOGGER.warning("%s: %s", work.__name__, error)
                    rest = LONGEST_S
        finally:
            if not self._stop.is_set():
                died()

    def _learned(self) -> None:
        self.rounds.learn()
        self._news.set()

    def _liveness(self, device: bytes) -> int:
        enrolled = self.fleets.find(device)
        return 0 if enrolled is None else enrolled.profile.liveness_ms
