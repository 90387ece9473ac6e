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


class Oracles:
    """The oracles of the settings, found when they are first asked."""

    def __init__(self, urls: Sequence[str], authority_file: Path, context: Context, clock: Clock) -> None:
        self._urls = tuple(urls)
        self._authority_file = authority_file
        self._context = context
        self._clock = clock
        self._known: dict[str, tuple[bytes, httpx.Client]] = {}
        self._lock = threading.Lock()

    def as_member(self, signer: Signer) -> OracleReader:
        """What oracles show to the member. Raises ProblemError when none of them answers."""
        endpoints = [OracleEndpoint(address, client) for address, client in self._reached()]
        if not endpoints:
            raise ProblemError("oracles-unavailable", "no oracle answers")
        return OracleReader(endpoints, self._context, signer, self._clock.now_ms)

    def _reached(self) -> list[tuple[bytes, httpx.Client]]:
        with self._lock:
            for url in self._urls:
                if url not in self._known:
                    self._find(url)
            return list(self._known.values())

    def _find(self, url: str) -> None:
        try:
            client = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, verify=trusting(self._authority_file))
        except TlsError:
            return
        address = ask_address(client)
        if address is None:
            client.close()
            return
        self._known[url] = (address, client)
