"""One oracle put together: its files, its services, its HTTP application, its loops."""

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from ledger_node.canonical_json import JsonValue
from ledger_node.files import make_folder
from ledger_node.monitoring import NEARBY, Counted, Monitor, Readiness, Scrapers
from ledger_node.signing import Signer, SignerError
from oracle.access import Access
from oracle.anchored import AnchoredRounds
from oracle.batch import Batcher
from oracle.clock import Clock
from oracle.covenants import Covenants
from oracle.database import Database
from oracle.execution import ExecutionService
from oracle.figures import Figures
from oracle.firings import FiringStore
from oracle.fleets import Fleets
from oracle.formats.segment import Context
from oracle.formats.signed import log_origin
from oracle.http_answers import Answer, threaded
from oracle.http_intake import Intake, intake_routes
from oracle.http_judgement import Judgement, judgement_routes, place_of
from oracle.ingest import IngestService
from oracle.keys import body_key
from oracle.links import Link
from oracle.log import Log
from oracle.node import NodeChain
from oracle.peers import Peer
from oracle.ports import ChainUnavailable
from oracle.refusals import Quarantine
from oracle.rounds import Pace, RoundService
from oracle.slots import SlotKeeper
from oracle.staleness import silent
from oracle.store import Store
from oracle.telling import Status, figures_of

DATABASE_FILE, BODY_KEY_FILE = "oracle.db", "bodies.key"
SHORTEST_S, LONGEST_S = 0.02, 1.0
"""How long a loop rests when it had something to do, and at most when it has not."""
STOP_S = 3.0
"""For how long a loop may take to stop."""
MOST_TOLD = 10_000
"""Open slots are counted up to here."""
_LOGGER = logging.getLogger("oracle")


class _Loop:
    """Work that is done again and again on a thread of its own; `idle_at` is the size of the log it had done all of."""

    def __init__(self, work: Callable[[], bool]) -> None:
        self.work = work
        self.news = threading.Event()
        self.idle_at = -1


class Oracle:
    """One oracle's services over its directory."""

    def __init__(
        self,
        directory: Path,
        context: Context,
        signer: Signer,
        chain: NodeChain,
        clock: Clock,
        url: str,
        peer_urls: Sequence[str],
        peer_trust: ssl.SSLContext,
        pace: Pace | None = None,
        scrapers: Scrapers = NEARBY,
    ) -> None:
        """Opens or makes the files in `directory`; `url` is where this oracle is reached, `scrapers` read its figures.

        Raises DatabaseError, sqlite3.Error, OSError, SignerError."""
        make_folder(directory, 0o700)
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
        self.anchored = AnchoredRounds(self.store)
        self.peers: list[Peer] = []
        slots = SlotKeeper(self.database, self.log, self._liveness, self.store, signer.address)
        self.slots = slots
        self.rounds = RoundService(signer, chain, self.store, self.anchored, self.log, slots, self.peers, clock, pace)
        self.execution = ExecutionService(signer, chain, self.store, self.anchored, self.firings, clock)
        self.covenants = Covenants(chain, self.store, self._learned)
        self._stop, self._covenants_news = threading.Event(), threading.Event()
        self._covenants_news.set()
        self._place, self._scrapers = place_of(signer, self.origin, url), scrapers
        self.links = [Link(each, peer_trust, self, self.peers) for each in peer_urls]
        self._judging = _Loop(self.judge)
        self._loops = [self._judging, *(_Loop(each.step) for each in self.links)]

    def application(self, died: Callable[[], None]) -> Starlette:
        """The HTTP application; the loops run while it is served, and `died` is called when one of them fails."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            # A link may wait for its peer for long; its thread does not keep the process from ending.
            threads = [threading.Thread(target=self._run, args=(each, died), daemon=True) for each in self._loops]
            for thread in threads:
                thread.start()
            yield
            self._stop.set()
            for loop, thread in zip(self._loops, threads, strict=True):
                loop.news.set()
                await asyncio.to_thread(thread.join, STOP_S)
            self.database.close()

        access = Access(self.origin, self.chain, self.clock)
        intake = Intake(self.ingest, Batcher(self.ingest), access)
        monitor = Monitor(self.readiness, lambda: figures_of(self), self._scrapers)
        figures = Figures(self.database, self.log, self.store, self.anchored, self.firings, self.clock)
        judgement = Judgement(
            place=self._place,
            store=self.store,
            rounds=self.rounds,
            covenants=self.covenants,
            figures=figures,
            access=access,
        )
        routes: list[BaseRoute] = [*judgement_routes(judgement), *intake_routes(intake)]
        routes += [Route("/v1/status", threaded(self._told), methods=["GET"]), *monitor.routes()]
        return Starlette(routes=routes, middleware=[Middleware(Counted, monitor=monitor)], lifespan=lifespan)

    def readiness(self) -> Readiness:
        """Whether the oracle can take segments: its files are open and its node answers."""
        facts: dict[str, JsonValue] = {"size": self.log.size()}
        try:
            self.chain.latest()
        except ChainUnavailable as error:
            return Readiness(False, str(error), facts)
        return Readiness(True, None, facts)

    def _told(self, request: Request) -> Answer:
        del request
        status = self.status()
        return {
            "logSize": status.log_size,
            "openSlots": status.open_slots,
            "pendingFirings": status.pending_firings,
            "silentDevices": status.silent_devices,
            "faults": status.faults,
            "settled": status.idle,
        }

    def status(self) -> Status:
        """How much has been heard and what is under way; see Status."""
        size, slots, firings = self.log.size(), len(self.store.open_slots(MOST_TOLD)), self.firings.pending()
        looked = all(each.idle_at == size for each in self._loops)
        quiet = len(silent(self.rounds.schemas.values(), self.log.arrived_ms, self.clock.now_ms()))
        faults = sum(self.store.fault_counts().values())
        return Status(size, slots, firings, quiet, faults, idle=looked and not slots and not firings)

    def judge(self) -> bool:
        """One step of rounds and rules; whether there was anything to do. Raises ChainUnavailable."""
        if self._covenants_news.is_set():
            self._covenants_news.clear()
            try:
                self.execution.learn()
            except ChainUnavailable:
                self._covenants_news.set()
                raise
        did = self.rounds.step()
        did = self.execution.step() or did
        self.chain.look()
        return did

    def _run(self, loop: _Loop, died: Callable[[], None]) -> None:
        rest = SHORTEST_S
        try:
            while not self._stop.is_set():
                loop.news.wait(rest)
                loop.news.clear()
                if self._stop.is_set():
                    return
                size = self.log.size()
                try:
                    did = loop.work()
                except (ChainUnavailable, SignerError) as error:
                    _LOGGER.warning("%s: %s", loop.work.__name__, error)
                    rest = LONGEST_S
                    continue
                rest = SHORTEST_S if did else min(2 * rest, LONGEST_S)
                loop.idle_at = -1 if did else size
                if did:
                    self._tell(loop)
        finally:
            if not self._stop.is_set():
                died()

    def _tell(self, loop: _Loop) -> None:
        """What one loop did may be work for others: what is reported here, for the peers; what came of them, here."""
        for other in self._loops if loop is self._judging else (self._judging,):
            if other is not loop:
                other.news.set()

    def _learned(self) -> None:
        self.rounds.learn()
        self._covenants_news.set()

    def _liveness(self, device: bytes) -> int:
        enrolled = self.fleets.find(device)
        return 0 if enrolled is None else enrolled.profile.liveness_ms
