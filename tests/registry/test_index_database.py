"""The index's database: who may write, who hears of it, and what happens when it goes away."""

import threading

import pytest

from benchmarks.postgres import FORGETFUL, NewDatabase, Postgres, until
from registry.index.database import DatabaseError, connect, open_database
from registry.index.indexer import Indexer, Progress, follow
from registry.index.listening import Listener
from registry.index.queries import Index
from registry.index.waking import Waker
from registry.index.writer import Writer
from tests.registry.story import Story, catch_up, index_of


@pytest.mark.parametrize("url", ["mysql://somewhere/index", "index.db", "oracle://secret:word@somewhere"])
def test_a_database_of_another_kind_is_refused_by_name(url: str) -> None:
    with pytest.raises(DatabaseError, match="indexer.database_url") as refused:
        connect(url)
    assert "word" not in str(refused.value)


def test_a_second_writer_is_refused_until_the_first_is_gone(story: Story, new_database: NewDatabase) -> None:
    made, url = story.consortium, new_database()
    first, second = (Writer(open_database(url), made.deployment) for _ in range(2))
    position = Indexer(made.client, first, made.deployment, 0).start()
    with pytest.raises(DatabaseError, match="another indexer writes this index"):
        Indexer(made.client, second, made.deployment, 0).start()
    first.close()
    assert Indexer(made.client, second, made.deployment, 0).start() == position


def test_readers_of_other_connections_hear_of_a_batch(story: Story, new_database: NewDatabase) -> None:
    url = new_database()
    _, indexer = index_of(story.consortium.client, story.consortium.deployment, url)
    position = indexer.start()
    listeners = [Listener(connect(url)) for _ in range(2)]
    assert [each.wait(0) for each in listeners] == [True, True]
    assert [each.wait(0) for each in listeners] == [False, False]
    indexer.step(position)
    assert [each.wait(30) for each in listeners] == [True, True]
    for each in listeners:
        each.close()


def test_an_index_outlives_a_crash_of_postgresql(story: Story) -> None:
    cluster = Postgres.make(FORGETFUL)
    try:
        _crash_between_batches(story, cluster)
    finally:
        cluster.close()


def _crash_between_batches(story: Story, cluster: Postgres) -> None:
    made, url = story.consortium, cluster.database()
    engine = open_database(url)
    writer = Writer(engine, made.deployment)
    told: list[Progress | str] = []
    waker, halfway, restarted = Waker(0.05), threading.Event(), threading.Event()

    class Halting(Indexer):
        def _fetch(self, position, last):
            if position.number == 20 and not halfway.is_set():
                halfway.set()
                restarted.wait(60)
            return super()._fetch(position, min(last, position.number + 10))

    indexer = Halting(made.client, writer, made.deployment, 0)
    thread = threading.Thread(target=follow, args=(indexer, waker, told.append))
    thread.start()
    try:
        assert halfway.wait(60)
        cluster.crash()
        restarted.set()
        until(lambda: "the index's database does not answer" in told, "the indexer notices")
        cluster.start()
        head = made.client.block_number()
        until(lambda: isinstance(told[-1], Progress) and told[-1].position.number == head, "the index is caught up")
    finally:
        restarted.set()
        waker.stop()
        thread.join()
    fresh, other = index_of(made.client, made.deployment, cluster.database())
    catch_up(other)
    assert Index(engine).head() == Index(fresh).head()
    writer.close()
