"""The cables between the signers: TCP proxies on loopback, which can hold back what crosses a split."""

import asyncio
import threading
from collections.abc import Collection
from contextlib import suppress

HOST = "127.0.0.1"
_CHUNK = 65_536


class Links:
    """One proxy for each ordered pair of nodes. What one side sends during a split arrives when it is healed.

    Held back rather than cut off, as TCP does when packets are lost: nodes that were cut off would dial again only
    after half a minute.
    """

    def __init__(self, ports: list[int]) -> None:
        """`ports`: where each node listens."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links")
        self._thread.start()
        self._open: dict[frozenset[int], asyncio.Event] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.ports = self._run(self._listen(ports))

    def split(self, side: Collection[int]) -> None:
        """Nothing crosses any more between the nodes of `side` and the others."""
        crossing = [event for pair, event in self._open.items() if len(pair & set(side)) == 1]
        self._run(self._each(crossing, asyncio.Event.clear))

    def heal(self) -> None:
        """What was held back arrives."""
        self._run(self._each(list(self._open.values()), asyncio.Event.set))

    def close(self) -> None:
        """Cut everything."""
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _each(self, events, act) -> None:
        for event in events:
            act(event)

    async def _listen(self, ports: list[int]) -> dict[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        for one in range(len(ports)):
            for other in range(len(ports)):
                if one == other:
                    continue
                event = self._open.setdefault(frozenset((one, other)), asyncio.Event())
                event.set()
                server = await asyncio.start_server(self._carrier(ports[other], event), HOST, 0)
                self._servers.append(server)
                found[one, other] = server.sockets[0].getsockname()[1]
        return found

    def _carrier(self, port: int, event: asyncio.Event):
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                there = await asyncio.open_connection(HOST, port)
                ways = ((reader, there[1]), (there[0], writer))
                tasks = [asyncio.create_task(self._pump(*way, event)) for way in ways]
                self._tasks.update(tasks)
                await asyncio.wait(tasks)
                self._tasks.difference_update(tasks)
            writer.close()

        return carry

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, event: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await event.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.sleep(0)
