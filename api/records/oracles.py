"""The oracles as a member of this process reads them: each request signed by the member's own account."""

import threading
from collections.abc import Sequence
from pathlib import Path

import httpx

from api.problems import ProblemError
from api.records.figures import OracleReader
from ledger_node.keys import Signer
from oracle.clock import Clock
from oracle.formats.segment import Context
from oracle.http_peer import ask_address
from oracle.tls import TlsError, trusting
from registry.evidence.oracle_port import OracleEndpoint

_TIMEOUT_SECONDS = 10.0
GLANCE_SECONDS = 1.0
"""How long a page waits for an oracle when what it asks is not the page's own matter."""


class Oracles:
    """The oracles of the settings, found when they are first asked."""

    def __init__(self, urls: Sequence[str], authority_file: Path, context: Context, clock: Clock) -> None:
        self._urls = tuple(urls)
        self._authority_file = authority_file
        self._context = context
        self._clock = clock
        self._known: dict[tuple[str, float], tuple[bytes, httpx.Client]] = {}
        self._lock = threading.Lock()

    def as_member(self, signer: Signer, patience: float = _TIMEOUT_SECONDS) -> OracleReader:
        """What oracles show to the member, each asked for `patience` seconds. Raises ProblemError when none answers."""
        endpoints = [OracleEndpoint(address, client) for address, client in self._reached(patience)]
        if not endpoints:
            raise ProblemError("oracles-unavailable", "no oracle answers")
        return OracleReader(endpoints, self._context, signer, self._clock.now_ms)

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
