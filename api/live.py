"""Live streams: what happens on the chain, as it is indexed, to pages and programs that listen (server-sent events).

A stream ends by itself after minutes, when its login ends, when the reader takes nothing more, and when the process
stops; a reader comes back with the identifier of the last event that it has.
"""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.problems import FieldError, ProblemError
from api.records.events import EVENTS
from api.records.news import News, news_of
from api.security.roles import Principal
from api.services import Services
from api.times import rfc3339
from api.watching import HeadWatch
from ledger_node.hexvalues import data_hex
from registry.index.queries import BlockRef, Index, UnknownBlock

LOOK_SECONDS = 1.0
"""So often a stream looks whether it is to end."""
BEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0
SEND_SECONDS = 10.0
"""A reader that takes nothing for so long is given up."""
END = 2**31 - 1
"""The position after everything in a block."""
_PLACE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,9}))?-([0-9a-f]{8})")
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader is: block, position in it, and the first bytes of the block's hash."""

    block: int
    position: int
    hash: bytes

    @property
    def text(self) -> str:
        """The identifier of an event: block, position (left out at the block's end), hash."""
        within = "" if self.position == END else f"-{self.position}"
        return f"{self.block}{within}-{self.hash.hex()}"


def place_after(block: BlockRef) -> Place:
    """The place after everything in a block."""
    return Place(block.number, END, block.hash[:4])


def read_place(text: str) -> Place:
    """The place of an identifier. Raises ProblemError for a text that is none."""
    found = _PLACE.fullmatch(text)
    if found is not None:
        return Place(int(found[1]), END if found[2] is None else int(found[2]), bytes.fromhex(found[3]))
    rule = "is not the identifier of an event of this stream"
    raise ProblemError("invalid-request", f"after: {rule}", [FieldError(rule, parameter="after")])


@dataclass(slots=True)
class Streams:
    """The open streams of this process, bounded in all and for each login; all of them share one watch of the index."""

    index: Index
    most: int
    per_login: int
    stopping: bool = False
    watch: HeadWatch = field(init=False)
    _open: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.watch = HeadWatch(self.index)

    def enter(self, actor: str) -> None:
        """Count a stream. Raises ProblemError rate-limited when there are too many; `leave` gives it back."""
        if self._open.total() >= self.most or self._open[actor] >= self.per_login:
            rule = f"at most {self.per_login} of one login and {self.most} in all"
            raise ProblemError("rate-limited", f"live streams: {rule}", headers={"Retry-After": "30"})
        self._open[actor] += 1
        self.watch.open()

    def leave(self, actor: str) -> None:
        """A stream has ended."""
        self._open[actor] -= 1
        self._open += Counter()
        self.watch.close()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._open.total()


async def tell(
    services: Services,
    streams: Streams,
    principal: Principal,
    after: Place | None,
    still: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    """The text of one stream: news that the member may know of, each new block, a beat when nothing happens.

    The stream is one that has entered `streams`; `still` says now and then whether the login holds.
    """
    yield b"retry: 3000\n\n"
    place, told = after, b""
    ends = time.monotonic() + LIFE_SECONDS
    beat = asked = time.monotonic() + BEAT_SECONDS
    while not streams.stopping and time.monotonic() < ends:
        if time.monotonic() >= asked:
            if not await still():
                return
            asked = time.monotonic() + BEAT_SECONDS
        head = streams.watch.head or await asyncio.to_thread(services.index.head)
        if head is not None and head.hash != told:
            if place is None or not await asyncio.to_thread(_stands, services.index, place, head):
                if place is not None:
                    yield _event("reset", place_after(head), {"block": head.number})
                place = place_after(head)
            final = await asyncio.to_thread(services.index.final, services.finality)
            while found := await asyncio.to_thread(_news, services.index, principal, place, head):
                for news in found[0]:
                    body = news.body(final=news.block.number <= final)
                    here = Place(news.block.number, news.position, news.block.hash[:4])
                    yield _event("news", here, {"type": news.event, **body})
                place = found[1]
            place, told = place_after(head), head.hash
            yield _event("block", place, _block(services, head))
            beat = time.monotonic() + BEAT_SECONDS
        elif time.monotonic() >= beat:
            yield b"event: beat\ndata: {}\n\n"
            beat = time.monotonic() + BEAT_SECONDS
        await streams.watch.changed(told, LOOK_SECONDS)


class EventStream(Response):
    """Sends a stream until it ends, the reader leaves, or the reader takes nothing for too long."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncIterator[bytes], ended: Callable[[], None]) -> None:
        super().__init__(headers={"Cache-Control": "no-cache, private", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._chunks, self._ended = chunks, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, and listen for the reader's leaving; whichever ends first ends both."""
        del scope
        tasks = [asyncio.create_task(self._send(send)), asyncio.create_task(self._left(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ended()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self._chunks:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def _news(index: Index, principal: Principal, place: Place, head: BlockRef) -> tuple[list[News], Place] | None:
    """The next news up to a block with the place after them, None when there are no more notices."""
    rows = index.notices((place.block, place.position), head.number, _AT_ONCE)
    if not rows:
        return None
    wanted = (row for row in rows if row.event in EVENTS and EVENTS[row.event].live)
    seen = [each for row in wanted if (each := news_of(index, row, principal)) is not None]
    last = rows[-1]
    return seen, Place(last.at.block, last.position, index.block(last.at.block).hash[:4])


def _stands(index: Index, place: Place, head: BlockRef) -> bool:
    """Whether the chain still has the block that a reader was told of."""
    if place.block > head.number:
        return False
    try:
        return index.block(place.block).hash[:4] == place.hash
    except UnknownBlock:
        return False


def _block(services: Services, head: BlockRef) -> dict[str, object]:
    return {
        "number": head.number,
        "hash": data_hex(head.hash),
        "time": head.time,
        "at": rfc3339(head.time * 1000, services.zone),
        "final": services.finality == 0,
    }


def _event(name: str, place: Place, data: object) -> bytes:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"id: {place.text}\nevent: {name}\ndata: {text}\n\n".encode()
