"""Live streams hear of each batch of the indexer at once, in every API process, on both databases."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from api.watching import HeadWatch
from benchmarks.postgres import FORGETFUL, Postgres, until
from registry.index.database import connect, open_database
from registry.index.indexer import Indexer
from registry.index.queries import Index
from registry.index.writer import Writer
from tests.registry.simulated import DEPLOYMENT, FINALITY, Chain, Node

FOREVER = 100_000.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/index.db"
        return
    made = Postgres.make(FORGETFUL)
    yield made.database()
    made.close()


def hearing(watch: HeadWatch, seen: bytes) -> threading.Thread:
    """A thread that ends once another block than `seen` is heard of."""
    return threading.Thread(target=asyncio.run, args=(watch.changed(seen, FOREVER),), daemon=True)


def test_two_processes_hear_of_a_batch_and_of_a_step_back(url: str) -> None:
    chain = Chain(Random(3))
    chain.grow(8)
    indexer = Indexer(Node(chain, Random(3)), Writer(open_database(url), DEPLOYMENT), DEPLOYMENT, FINALITY, 4)
    position = indexer.step(indexer.start()).position
    watches = [HeadWatch(Index(connect(url))) for _ in range(2)]
    for each in watches:
        each.open()
    try:
        for each in watches:
            asyncio.run(each.changed(b"", FOREVER))
            assert each.head is not None
            assert each.head.number == position.number
        chain.fork(4)
        for _ in range(3):
            seen = position.hash
            threads = [hearing(each, seen) for each in watches]
            for thread in threads:
                thread.start()
            position = indexer.step(position).position
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
    finally:
        for each in watches:
            each.close()
        indexer.close()


def test_whoever_comes_after_the_last_one_left_is_told_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/index.db"
    chain = Chain(Random(4))
    chain.grow(3)
    indexer = Indexer(Node(chain, Random(4)), Writer(open_database(url), DEPLOYMENT), DEPLOYMENT, FINALITY)
    watch = HeadWatch(Index(connect(url)))
    for height in (3, 5):
        indexer.step(indexer.start())
        watch.open()
        asyncio.run(watch.changed(b"", FOREVER))
        assert watch.head is not None
        assert watch.head.number == height
        watch.close()
        until(lambda: watch.head is None, "the watch ends")
        chain.grow(2)
    indexer.close()
