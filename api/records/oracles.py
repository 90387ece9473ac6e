"""The oracles as a member of this process reads them: each request signed by the member's own account."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.problems import ProblemError
from api.records.figures import KeptCovenants, OracleReader
from ledger_node.signing import Signer
from oracle.clock import Clock
from oracle.http_peer import ask_address
from oracle.tls import TlsError, trusting
from registry.evidence.oracle_port import OracleEndpoint
from registry.transitions import Deployment

_TIMEOUT_SECONDS = 10.0
GLANCE_SECONDS = 1.0
"""How long a page waits for an oracle when what it asks is not the page's own matter."""
GLANCE_EVERY_SECONDS = 5.0
_COUNTS = ("logSize", "openSlots", "pendingFirings", "silentDevices", "faults")


@dataclass(frozen=True, slots=True)
class OracleGlance:
    """One oracle of the settings, by its place there: what it told of itself, None when it did not answer.

    `faults` are contradictions of other oracles that it keeps. `heard_ms` is when a silent one last answered this
    service, None for never and for one that answers.
    """

    number: int
    heard_ms: int | None
    log_size: int | None
    open_slots: int | None
    waiting_firings: int | None
    silent_devices: int | None
    faults: int | None

    @property
    def answers(self) -> bool:
        """Whether it told anything."""
        return self.log_size is not None


def most_faults(glances: Sequence[OracleGlance]) -> int:
    """How many contradictions of oracles the one keeps that keeps most: each keeps those that it saw itself."""
    return max((each.faults or 0 for each in glances), default=0)


class Oracles:
    """The oracles of the settings, found when they are first asked."""

    def __init__(self, urls: Sequence[str], authority_file: Path, deployment: Deployment, clock: Clock) -> None:
        self._urls = tuple(urls)
        self._authority_file = authority_file
        self._deployment = deployment
        self._clock = clock
        self._known: dict[tuple[str, float], tuple[bytes, httpx.Client]] = {}
        self._covenants = KeptCovenants()
        self._lock = threading.Lock()
        self._heard: dict[str, int] = {}
        self._glances: tuple[float, tuple[OracleGlance, ...]] = (float("-inf"), ())

    def as_member(self, signer: Signer, patience: float = _TIMEOUT_SECONDS) -> OracleReader:
        """What oracles show to the member, each asked for `patience` seconds. Raises ProblemError when none answers."""
        endpoints = [OracleEndpoint(address, client) for address, client in self._reached(patience)]
        if not endpoints:
            raise ProblemError("oracles-unavailable", "no oracle answers")
        return OracleReader(endpoints, self._deployment, signer, self._clock.now_ms, self._covenants)

    def glances(self) -> tuple[OracleGlance, ...]:
        """How each oracle of the settings does, asked side by side and at most every few seconds."""
        with self._lock:
            asked, known = self._glances
        if time.monotonic() - asked < GLANCE_EVERY_SECONDS:
            return known
        with ThreadPoolExecutor(max(len(self._urls), 1)) as pool:
            found = tuple(pool.map(self._glance, range(1, len(self._urls) + 1), self._urls))
        with self._lock:
            self._glances = (time.monotonic(), found)
        return found

    def _glance(self, number: int, url: str) -> OracleGlance:
        try:
            with httpx.Client(base_url=url, timeout=GLANCE_SECONDS, verify=trusting(self._authority_file)) as client:
                told = client.get("/v1/status").raise_for_status().json()
            counts = [int(told[name]) for name in _COUNTS]
        except (httpx.HTTPError, TlsError, ValueError, KeyError, TypeError):
            return OracleGlance(number, self._heard.get(url), None, None, None, None, None)
        self._heard[url] = self._clock.now_ms()
        return OracleGlance(number, None, *counts)

    def _reached(self, patience: float) -> list[tuple[bytes, httpx.Client]]:
        with self._lock:
            for url in self._urls:
                if (url, patience) not in self._known:
                    self._find(url, patience)
            return [found for (_, given), found in self._known.items() if given == patience]

    def _find(self, url: str, patience: float) -> None:
        try:
            client = httpx.Client(base_url=url, timeout=patience, verify=trusting(self._authority_file))
        except TlsError:
            return
        address = ask_address(client)
        if address is None:
            client.close()
            return
        self._known[url, patience] = (address, client)
