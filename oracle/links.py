"""The other oracles at their URLs: each is listened to on a thread of its own, so that none holds up another."""

import logging
import ssl
from typing import Protocol

import httpx

from ledger_node.canonical_json import JsonError
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from oracle.anchored import AnchoredRounds
from oracle.clock import Clock
from oracle.covenants import CovenantRefused, Covenants
from oracle.database import Database
from oracle.formats import covenant as covenants
from oracle.formats import wire
from oracle.formats.fields import FieldError, Fields
from oracle.formats.segment import Context
from oracle.http_peer import MAX_ANSWER, HttpPeer, PeerClient, ask_address
from oracle.ingest import IngestService
from oracle.peers import Peer, PeerUnavailable
from oracle.ports import Members
from oracle.pull import Puller, PullState
from oracle.rounds import RoundService

TIMEOUT_S = 10.0
MAX_FACILITIES = 4096
COVENANTS_EVERY_MS = 60_000
_LOGGER = logging.getLogger("oracle")


class Home(Protocol):
    """What a link works for: the oracle it belongs to."""

    context: Context
    signer: Signer
    clock: Clock
    database: Database
    ingest: IngestService
    rounds: RoundService
    anchored: AnchoredRounds
    covenants: Covenants

    @property
    def chain(self) -> Members:
        """Who is an oracle."""
        ...


class Link:
    """Another oracle at a URL, from when it first answers and is, or was, of the set."""

    def __init__(self, url: str, trust: ssl.SSLContext, home: Home, peers: list[Peer]) -> None:
        """`peers` gets the oracle as long as it is known."""
        self._url = url
        self._home = home
        self._peers = peers
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S, verify=trust)
        self._puller: Puller | None = None
        self._peer: HttpPeer | None = None
        self._asking: PeerClient | None = None
        self._covenants_ms = 0

    def step(self) -> bool:
        """Reads the peer's log, covenants, reports and rounds once; whether there was anything new.

        Raises ChainUnavailable, SignerError."""
        if self._puller is None or self._peer is None or self._asking is None:
            return self._join()
        try:
            pulled = self._puller.pull()
            learned = self._learn(self._asking)
            heard = self._home.rounds.hear(self._peer)
        except PeerUnavailable as error:
            _LOGGER.debug("%s: %s", self._url, error)
            self._leave_another()
            return False
        return pulled.fresh > 0 or pulled.state is PullState.MORE or learned or heard

    def _join(self) -> bool:
        home, address = self._home, ask_address(self._client)
        if address is None or address == home.signer.address:
            return False
        # One that left the set still has what only it was told.
        if not home.chain.is_oracle(address) and not home.anchored.was_oracle(address):
            return False
        self._asking = PeerClient(self._client, address, home.context, home.signer, home.clock)
        self._puller = Puller(home.ingest, home.database, self._asking, home.clock)
        self._peer = HttpPeer(self._asking)
        self._peers.append(self._peer)
        _LOGGER.info("peer %s at %s", data_hex(address), self._url)
        return True

    def _leave_another(self) -> None:
        """Forgets the oracle when another one is reached at the URL now."""
        address = ask_address(self._client)
        if self._peer is not None and address is not None and address != self._peer.address:
            self._peers.remove(self._peer)
            self._puller = self._peer = self._asking = None

    def _learn(self, peer: PeerClient) -> bool:
        """Takes covenants that the peer has and this oracle has not: so one that joins the set learns them all."""
        now_ms, known = self._home.clock.now_ms(), self._home.covenants
        if now_ms - self._covenants_ms < COVENANTS_EVERY_MS:
            return False
        self._covenants_ms = now_ms
        learned = False
        try:
            for facility in _facilities(peer):
                if facility in known.known:
                    continue
                text = peer.ask(f"/v1/covenants/{data_hex(facility)}", MAX_ANSWER)
                if text is not None:
                    learned = known.accept(covenants.from_json(wire.load(text)))[1] or learned
        except (JsonError, FieldError, CovenantRefused) as error:
            raise PeerUnavailable(f"covenants: {error}") from None
        return learned


def _facilities(peer: PeerClient) -> list[bytes]:
    text = peer.ask("/v1/covenants", MAX_ANSWER)
    if text is None:
        return []
    fields = Fields(wire.load(text), "answer")
    members = fields.items("facilities", MAX_FACILITIES)
    fields.end()
    return [Fields({"facility": each}, "answer").data("facility", 32) for each in members]
