"""The newest block of the index, for all live streams of a process: one thread hears of changes while one is open.

PostgreSQL tells of each change, also of those that other processes see; of SQLite the file's version is looked at.
"""

import asyncio
import threading
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from registry.index.listening import listener_of
from registry.index.queries import BlockRef, Index

_WAIT_SECONDS = 1.0
"""So often the thread looks whether it is still wanted."""


class HeadWatch:
    """What the newest indexed block is, and whoever waits for the next one. For several threads and loops."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._readers = 0
        self._thread: threading.Thread | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self.head: BlockRef | None = None
        """The newest indexed block, None while it is not known."""

    def open(self) -> None:
        """One more reads; `close` takes it back."""
        with self._lock:
            self._readers += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="index-watch", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """One reads no longer; with the last one the listening ends."""
        with self._lock:
            self._readers -= 1

    async def changed(self, seen: bytes, seconds: float) -> None:
        """Returns when the newest block is another one than that of hash `seen`, or after so many seconds."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.head is not None and self.head.hash != seen:
                return
            self._waiting.add(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter
        finally:
            with self._lock:
                self._waiting.discard(waiter)

    def _watch(self) -> None:
        listener = listener_of(self._index)
        try:
            while self._wanted():
                if listener.wait(_WAIT_SECONDS):
                    with suppress(SQLAlchemyError):
                        self._spread(self._index.head())
        finally:
            listener.close()

    def _wanted(self) -> bool:
        with self._lock:
            if self._readers == 0:
                # What it hears no longer must not be taken for the newest by whoever comes next.
                self._thread = self.head = None
            return self._readers > 0

    def _spread(self, head: BlockRef | None) -> None:
        with self._lock:
            self.head = head
            waiting, self._waiting = self._waiting, set()
        for each in waiting:
            with suppress(RuntimeError):  # its loop has ended
                each.get_loop().call_soon_threadsafe(_release, each)


def _release(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
