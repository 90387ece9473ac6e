"""How many blocks are asked for at once: half after a refusal, twice after requests that went well. Pure."""

import threading

FIRST, MOST = 16, 128
HEAVY = 5_000
"""Logs in one page from which on pages become smaller: what waits to be written must not fill the memory."""
_NEEDED, _MOST_NEEDED = 2, 256


class PageSize:
    """The size of pages, in blocks, and of batches, in requests; for several threads.

    It grows after some full pages that went well: after twice as many each time that the node had refused one, so
    that a node's limit is found and then seldom touched.
    """

    def __init__(self, most: int = MOST) -> None:
        """`most` is never exceeded."""
        self._most = most
        self._now = min(FIRST, most)
        self._needed, self._went = _NEEDED, 0
        self._lock = threading.Lock()

    @property
    def now(self) -> int:
        """How many blocks to ask for."""
        return self._now

    def refused(self, asked: int) -> None:
        """So many were too many; several threads that asked for the same count as one."""
        with self._lock:
            half = max(asked // 2, 1)
            if half < self._now:
                self._now = half
                self._needed, self._went = min(self._needed * 2, _MOST_NEEDED), 0

    def went(self, asked: int, logs: int) -> None:
        """So many were answered, with so many logs in all."""
        with self._lock:
            if asked < self._now:
                return
            if logs > HEAVY:
                self._now = max(self._now // 2, 1)
            elif logs * 2 <= HEAVY:
                self._went += 1
                if self._went >= self._needed:
                    self._now, self._went = min(self._now * 2, self._most), 0
