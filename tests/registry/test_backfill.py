"""Catching up with a node that limits what it answers at once: the index gets through, and is a fresh index."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from ledger_node.client import ChainClient
from registry.index.ahead import ASK_AGAIN, WAITING, Ahead, Page, PageReader
from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.paging import PageSize
from registry.index.source import SourceError
from registry.index.writer import Position, Writer
from tests.registry.limited_node import LIMITS, chain
from tests.registry.simulated import DEPLOYMENT, FINALITY, AtOnce, Chain, Node
from tests.registry.story import catch_up
from tests.registry.test_index_histories import contents

BLOCKS = 100
BATCH = 25
"""Fewer than there are blocks, so that pages are read ahead."""
PATIENCE, IMPATIENCE = 60.0, 1.5
"""Seconds that a request may take; the second is less than the slow node needs for too many at once."""
Contents = dict[str, list[tuple[object, ...]]]


def new_index(folder: Path, name: str, client: ChainClient, **more: object) -> tuple[Engine, Indexer]:
    engine = open_database(f"sqlite:///{folder}/{name}.db")
    return engine, Indexer(client, Writer(engine, DEPLOYMENT), DEPLOYMENT, FINALITY, BATCH, **more)


@pytest.fixture(scope="module")
def whole() -> Chain:
    return chain(BLOCKS)


@pytest.fixture(scope="module")
def fresh(whole: Chain, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What an index has that reads one block after another."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('fresh')}/index.db")
    catch_up(Indexer(Node(whole, Random(0)), Writer(engine, DEPLOYMENT), DEPLOYMENT, FINALITY, 1, AtOnce))
    return contents(engine)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A node in a process of its own."""
    command = [sys.executable, "-m", "tests.registry.limited_node", str(BLOCKS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def follow(indexer: Indexer) -> None:
    """As the product does: what fails is done again."""
    position: Position | None = None
    while position is None or position.number < BLOCKS:
        with suppress(*ASK_AGAIN):
            position = position or indexer.start()
            position = indexer.step(position).position


@pytest.mark.parametrize(
    ("limits", "met", "most"),
    [
        ({}, None, 25),
        ({"batch": 5}, "batch", 5),
        ({"batch": 0}, "batch", 1),
        ({"batch": 7, "methods": ["eth_getBlockReceipts"]}, "batch", 7),
        ({"bytes": 30_000, "says": 413}, "bytes", 25),
        ({"bytes": 9_000, "says": 413}, "bytes", 25),
        ({"bytes": 6_000}, "bytes", 25),
        ({"busy": 8}, "busy", 25),
        ({"slow": 10}, "slow", 25),
    ],
    ids=["none", "batch", "no-batches", "receipts-one-by-one", "413", "413-for-a-block", "too-large", "429", "slow"],
)
def test_a_node_with_a_limit_is_read_within_it(
    limits: dict[str, object], met: str | None, most: int, url: str, fresh: Contents, tmp_path: Path
) -> None:
    client = ChainClient(url, timeout=PATIENCE)
    client.request(LIMITS, limits)
    reader = ChainClient(url, timeout=IMPATIENCE if "slow" in limits else PATIENCE)
    engine, indexer = new_index(tmp_path, "index", reader)
    follow(indexer)
    indexer.close()
    counts = client.request(LIMITS, {})
    assert contents(engine) == fresh
    assert met is None or counts.get(met, 0) > 0
    assert counts["most"] <= most


def test_what_was_read_ahead_of_a_step_back_is_taken_back(tmp_path: Path) -> None:
    """All 100 blocks are read, five of them are replaced, and what comes after those meets pages that were left."""
    moving = chain(100)
    engine, indexer = new_index(tmp_path, "index", Node(moving, Random(1)), pool=AtOnce)
    position = indexer.step(indexer.start()).position
    assert position.number < moving.head - FINALITY
    moving.fork(FINALITY)
    moving.grow(3)
    places = [position.number]
    while places[-1] < moving.head:
        position = indexer.step(position).position
        places.append(position.number)
    assert places != sorted(places)
    indexer.close()
    other, again = new_index(tmp_path, "fresh", Node(moving, Random(1)), pool=AtOnce)
    catch_up(again)
    assert contents(engine) == contents(other)


def test_reading_goes_on_while_a_batch_is_written(whole: Chain, tmp_path: Path) -> None:
    asked: set[int] = set()
    later = threading.Event()

    class Watched(Node):
        def request(self, method, *params):
            if method == "eth_getBlockByNumber":
                asked.add(int(params[0], 16))
                if written and max(asked) > written[-1]:
                    later.set()
            return super().request(method, *params)

    class Waiting(Writer):
        def extend(self, batch, final=-1):
            written.append(batch[-1].block.number)
            if max(asked) > written[-1]:
                later.set()
            assert later.wait(60), "nothing is read while the writer writes"
            return super().extend(batch, final)

    written: list[int] = []
    engine = open_database(f"sqlite:///{tmp_path}/index.db")
    indexer = Indexer(Watched(whole, Random(1)), Waiting(engine, DEPLOYMENT), DEPLOYMENT, FINALITY, BATCH)
    indexer.step(indexer.start())
    indexer.close()
    assert written[0] < BLOCKS


class Held(ThreadPoolExecutor):
    """Begins nothing."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given: list[Future[Page]] = []

    def submit(self, fn, /, *args, **kwargs):
        self.given.append(Future())
        return self.given[-1]


def test_only_a_few_pages_wait_however_far_the_node_is_ahead() -> None:
    pool = Held()
    ahead = Ahead(PageReader(Node(Chain(Random(1)), Random(1)), DEPLOYMENT, PageSize()), 1, lambda: pool)
    ahead._read_on(1_000_000)
    assert len(pool.given) == WAITING
    pool.given[0].set_result(Page((), SourceError("the node does not tell")))
    assert ahead.take(1_000_000, 100).fault is not None
    assert len(pool.given) == WAITING + 1
