"""Gathers segments that arrive at the same time, so that they share one commit to the disk."""

import asyncio
from collections import deque

from oracle.ingest import Arrival, IngestService, Outcome

MAX_BATCH = 256
MAX_WAITING = 4096
"""How many segments may wait; beyond it the sender is told to come again."""
MOST_AT_THE_DOOR = 8


class Overloaded(RuntimeError):
    """Too many wait; nothing was done with this one."""


class Batcher:
    """Hands what waits to the ingest service in a thread, one batch at a time, in the order of arrival.

    The next batch gathers while one is written, so that no timer is needed. Belongs to one event loop.
    """

    def __init__(self, service: IngestService) -> None:
        self._service = service
        self._waiting: deque[tuple[Arrival, asyncio.Future[Outcome]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def accept(self, raw: bytes, source: str) -> Outcome:
        """The outcome, once it is on the disk. Raises Overloaded, and what IngestService.accept_many raises."""
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} segments wait")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((Arrival(raw, source), future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            work = asyncio.to_thread(self._service.accept_many, [arrival for arrival, _ in batch])
            (result,) = await asyncio.gather(work, return_exceptions=True)
            for place, (_, future) in enumerate(batch):
                if future.done():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result[place])


class OneAtATime:
    """Lets one by one do what costs much; while `MOST_AT_THE_DOOR` wait, the next is told to come again."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> None:
        if self._waiting >= MOST_AT_THE_DOOR:
            raise Overloaded(f"{MOST_AT_THE_DOOR} others wait")
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
