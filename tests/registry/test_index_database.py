"""The index's database: who may write, who hears of it, and what happens when it goes away."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select

from benchmarks.postgres import FORGETFUL, NewDatabase, Postgres, until
from registry.index.database import DatabaseError, WriterConnection, connect, is_newest, open_database
from registry.index.indexer import Indexer, Progress, follow
from registry.index.listening import Listener
from registry.index.queries import Index
from registry.index.run import Status, _migrate
from registry.index.tables import cursor
from registry.index.waking import Waker
from registry.index.writer import Writer
from tests.registry.simulated import DEPLOYMENT
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


def older_indexer(url: str, form: str = "0002") -> WriterConnection:
    """An indexer of an older version: it has the lock, and the index has its form and something that it wrote."""
    open_database(url).dispose()
    held = WriterConnection(connect(url))
    with held.connection.begin():
        held.connection.exec_driver_sql("ALTER TABLE cursor DROP COLUMN final")
        held.connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{form}'")
        held.connection.execute(insert(cursor).values(id=1, chain_id=1, genesis=b"g", first=1, block=1, hash=b"h"))
    return held


def written(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(cursor)).scalar_one()


def test_no_migration_runs_while_an_older_indexer_writes(new_database: NewDatabase) -> None:
    url = new_database()
    older = older_indexer(url)
    with pytest.raises(DatabaseError, match="an older indexer still runs and writes this index; stop it"):
        open_database(url)
    assert written(older.connection) == 1
    older.close()
    with open_database(url).connect() as connection:
        assert written(connection) == 0


def test_what_an_older_index_told_as_final_stays_final_and_is_kept_from_its_next_start(
    story: Story, new_database: NewDatabase
) -> None:
    made, url = story.consortium, new_database()
    engine, indexer = index_of(made.client, made.deployment, url, finality=2)
    final = catch_up(indexer).number - 2
    indexer.close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        connection.exec_driver_sql("ALTER TABLE cursor DROP COLUMN final")
    engine, indexer = index_of(made.client, made.deployment, url, finality=2)
    assert (Index(engine).final(2), Index(engine).final(9)) == (final, final - 7)
    indexer.start()
    assert Index(engine).final(9) == final
    indexer.close()


def test_no_older_indexer_comes_between_the_migration_and_the_first_block(new_database: NewDatabase) -> None:
    url = new_database()
    older_indexer(url).close()
    writer = Writer(connect(url), DEPLOYMENT)
    writer.migrate()
    with pytest.raises(DatabaseError, match="another indexer writes this index"):
        WriterConnection(connect(url))
    writer.close()


def test_an_index_of_a_newer_form_is_not_written(new_database: NewDatabase) -> None:
    url = new_database()
    older_indexer(url, form="9999").close()
    with pytest.raises(DatabaseError, match="a newer version of Cangdan has changed this database's form"):
        WriterConnection(connect(url))


def test_an_indexer_waits_for_an_older_one_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/index.db"
    older = older_indexer(url)
    waker = Waker(0.05)
    status, writer = Status(waker=waker), Writer(connect(url), DEPLOYMENT)
    thread = threading.Thread(target=_migrate, args=(writer, waker, status))
    thread.start()
    try:
        until(lambda: "an older indexer still runs" in status.cause, "it says what it waits for")
        older.close()
        thread.join(60)
        assert is_newest(connect(url))
    finally:
        waker.stop()
        thread.join()
        writer.close()


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
