"""The thread that seals: a block when transactions wait, and one per idle interval."""

import threading
import time
from dataclasses import dataclass

from ledger_node.embedded.chain import EmbeddedChain

_LOOK = 0.5
"""Seconds after which the thread looks whether it shall stop."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`interval`: least seconds between two blocks; `idle`: most seconds without a block, 0 for no empty blocks."""

    interval: float = 0.2
    idle: float = 5.0


DEFAULT_PACE = Pace()


class Sealer(threading.Thread):
    """Seals until it is stopped. An error ends the thread; whoever started it must look whether it is alive."""

    def __init__(self, chain: EmbeddedChain, pace: Pace) -> None:
        super().__init__(name="sealer", daemon=True)
        self._chain = chain
        self._pace = pace
        self._stopping = threading.Event()

    def run(self) -> None:
        """Seal blocks at the pace given."""
        last = time.monotonic()
        while not self._stopping.wait(max(0.0, last + self._pace.interval - time.monotonic())):
            has_work = self._chain.wait_for_work(self._patience(last))
            idle_over = bool(self._pace.idle) and time.monotonic() - last >= self._pace.idle
            if not has_work and not idle_over:
                continue
            last = time.monotonic()
            self._chain.seal(budget=self._pace.interval, empty=idle_over)

    def stop(self) -> None:
        """Finish the block under way and end the thread."""
        self._stopping.set()
        self.join()

    def _patience(self, last: float) -> float:
        if not self._pace.idle:
            return _LOOK
        return min(_LOOK, max(0.0, last + self._pace.idle - time.monotonic()))
