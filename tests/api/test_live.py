"""Live streams: what they must not tell or hold first, then what they tell."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle

import httpx
import pytest
import uvicorn

from api import live
from api.app import create_app
from api.live import EventStream, Streams, read_place, tell
from api.problems import ProblemError
from api.security.roles import SCOPES, Principal
from registry.index.queries import BlockRef
from tests.api.app_kit import KINDS, NAMES, PASSWORD, Api
from tests.api.contents import CANARY, CANARY_AMOUNT
from tests.api.seed import BANK, OTHER_KEEPER, OWNER, REGULATOR
from tests.api.story import Story

Event = tuple[str, str, dict]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.1)


async def holds() -> bool:
    return True


def heard(api: Api, entity: int, after: str | None, still=holds) -> list[Event]:
    """The events of a stream up to its first beat."""
    principal = Principal(entity, KINDS[entity], f"client:{entity}", "", SCOPES[KINDS[entity]])
    streams = Streams(api.services.index, 9, 9)
    streams.enter(principal.actor)

    async def listen() -> list[Event]:
        place, found = None if after is None else read_place(after), []
        async for chunk in tell(api.services, streams, principal, place, still):
            if not chunk.startswith(b"retry"):
                found.append(read(chunk.decode()))
            if found and found[-1][0] == "beat":
                break
        return found

    try:
        return asyncio.run(listen())
    finally:
        streams.leave(principal.actor)


def read(text: str) -> Event:
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return fields["event"], fields.get("id", ""), json.loads(fields["data"])


def place_at(api: Api, number: int) -> str:
    return f"{number}-{api.services.index.block(number).hash.hex()[:8]}"


def test_who_sees_no_record_is_told_of_none(api: Api, story: Story):
    told = heard(api, OTHER_KEEPER, place_at(api, story.before_hold))
    assert {name for name, _, _ in told} == {"block", "beat"}


def test_news_have_neither_names_nor_amounts_nor_documents(api: Api, story: Story):
    told = json.dumps([data for _, _, data in heard(api, REGULATOR, place_at(api, story.before_hold))])
    for secret in (CANARY, str(CANARY_AMOUNT), NAMES[OWNER][0]):
        assert secret not in told


@pytest.mark.parametrize("after", ["", "1", "1-2", "x-abcdef01", "1-2-3-abcdef01", "1-abcdef0", "9" * 13 + "-abcdef01"])
def test_a_place_that_is_none_is_refused(api: Api, after: str):
    answer = api.get(BANK, f"/v1/live?after={after}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "after")


def test_a_login_has_only_so_many_streams_and_the_process_too(api: Api):
    streams = Streams(api.services.index, 3, 2)
    for who in ("a", "a", "b"):
        streams.enter(who)
    for who in ("a", "c"):
        with pytest.raises(ProblemError) as refused:
            streams.enter(who)
        assert refused.value.headers["Retry-After"] == "30"
    streams.leave("a")
    streams.enter("c")
    assert streams.open == 3


def test_a_stream_ends_with_its_login(api: Api):
    async def ended() -> bool:
        return False

    assert [name for name, _, _ in heard(api, BANK, None, ended)] == ["block"]


def test_a_stream_on_which_there_is_always_something_to_tell_ends_with_its_login_too(api: Api):
    class Busy:
        """Another newest block at every look."""

        def __init__(self) -> None:
            newest = api.services.index.head()
            self._heads = cycle([newest, replace(newest, hash=bytes(32))])

        @property
        def head(self) -> BlockRef:
            return next(self._heads)

        async def changed(self, seen: bytes, seconds: float) -> None:
            await asyncio.sleep(0.01)

    async def ended() -> bool:
        return False

    async def listen() -> None:
        streams = Streams(api.services.index, 9, 9)
        streams.watch = Busy()
        principal = Principal(BANK, KINDS[BANK], f"client:{BANK}", "", SCOPES[KINDS[BANK]])
        async with asyncio.timeout(60):
            async for _ in tell(api.services, streams, principal, None, ended):
                pass

    asyncio.run(listen())


def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "SEND_SECONDS", 0.1)
    ended: list[bool] = []

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"event: beat\ndata: {}\n\n"

    async def send(message: dict) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> dict:
        await asyncio.Event().wait()
        return {}

    asyncio.run(EventStream(chunks(), lambda: ended.append(True))({"type": "http"}, receive, send))
    assert ended == [True]


def test_a_step_back_of_the_chain_is_told(api: Api, story: Story):
    told = heard(api, BANK, f"{story.before_hold}-00000000")
    assert [name for name, _, _ in told][:2] == ["reset", "block"]
    assert "news" not in {name for name, _, _ in told}


def test_news_come_in_order_then_the_block_and_each_can_be_gone_on_from(api: Api, story: Story):
    told = [each for each in heard(api, BANK, place_at(api, story.before_hold)) if each[0] != "beat"]
    names = [data["type"] for name, _, data in told if name == "news"]
    assert {"facility.hold", "facility.defer", "cover.open-claim"} <= set(names)
    assert told[-1][0] == "block"
    assert told[-1][2]["number"] == api.services.index.head().number
    assert [each for each in heard(api, BANK, told[1][1]) if each[0] != "beat"] == told[2:]


def test_news_of_a_block_that_was_final_are_told_as_final_when_fewer_blocks_stand_on_it(api: Api, story: Story):
    deeper = replace(api, services=replace(api.services, finality=10_000))
    told = [data for name, _, data in heard(deeper, REGULATOR, place_at(api, story.before_hold)) if name == "news"]
    assert told
    assert all(data["block"]["final"] for data in told)


def test_a_quiet_stream_beats(api: Api):
    assert heard(api, BANK, None)[-1][0] == "beat"


@contextmanager
def served(api: Api) -> Iterator[tuple[str, Streams]]:
    app = create_app(api.services)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app.state.streams
    app.state.streams.stopping = True
    server.should_exit = True
    thread.join()


def test_a_session_listens_by_http_and_a_reader_that_leaves_is_forgotten(api: Api, story: Story):
    with served(api) as (address, streams), httpx.Client(base_url=address, timeout=60) as http:
        assert http.get("/v1/live").status_code == 401
        http.post("/sign-in", data={"login": f"ada-{BANK}", "password": PASSWORD})
        headers = {"Last-Event-ID": place_at(api, story.before_hold)}
        with http.stream("GET", "/v1/live", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-cache, private"
            lines = answer.iter_lines()
            assert any(line == "event: news" for line in lines)
            assert streams.open == 1
        until = time.monotonic() + 60
        while streams.open and time.monotonic() < until:
            time.sleep(0.02)
        assert streams.open == 0
