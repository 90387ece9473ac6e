"""The index's two databases for measuring: each new, with a bare bulk insert through its own driver."""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import BigInteger, Engine, Integer, LargeBinary, Table, select

from benchmarks.postgres import NoPostgresError, Postgres
from registry.index.database import open_database
from registry.index.tables import blocks, logs, notices, refusals, tags, transitions, versions

Rows = Mapping[Table, Sequence[tuple[object, ...]]]
"""What one transaction of the indexer inserted."""
_BLOCK_OF = {
    blocks: blocks.c.number, logs: logs.c.block, transitions: transitions.c.block, versions: versions.c.valid_from,
    tags: tags.c.valid_from, refusals: refusals.c.block, notices: notices.c.block,
}  # fmt: skip


class Database(Protocol):
    """A kind of database, with a clock of its own."""

    name: str

    def new(self) -> str:
        """The address of a new database with the index's tables."""

    def drop(self, url: str) -> None:
        """Removes it."""

    def processor_seconds(self) -> float:
        """Processor time of this process and, where there is one, of the database's server."""

    def insert(self, url: str, batches: Sequence[Rows]) -> None:
        """The bare bulk insert: a transaction for each batch."""


class Sqlite:
    """Files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = count()

    def new(self) -> str:
        """The address of a new file."""
        url = f"sqlite:///{self._folder}/index-{next(self._names)}.db"
        open_database(url).dispose()
        return url

    def drop(self, url: str) -> None:
        """Removes the file and what lies beside it."""
        path = Path(url.removeprefix("sqlite:///"))
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()

    def processor_seconds(self) -> float:
        """All work is done in this process."""
        return time.process_time()

    def insert(self, url: str, batches: Sequence[Rows]) -> None:
        """executemany, with the durability and the cache of the index's writer."""
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
                connection.execute(f"PRAGMA {pragma}")
            for batch in batches:
                connection.execute("BEGIN")
                for table, rows in batch.items():
                    places = ",".join("?" * len(table.columns))
                    connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", rows)
                connection.execute("COMMIT")


class Server:
    """Databases of a PostgreSQL of our own, with full durability."""

    name = "postgresql"

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.new = postgres.database
        self.drop = postgres.drop

    def processor_seconds(self) -> float:
        """This process, and all processes of the server."""
        return time.process_time() + self._postgres.processor_seconds()

    def insert(self, url: str, batches: Sequence[Rows]) -> None:
        """COPY in the binary form."""
        with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
            for batch in batches:
                for table, rows in batch.items():
                    with cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)".encode()) as copy:
                        copy.set_types([_type(column.type) for column in table.columns])
                        for row in rows:
                            copy.write_row(row)
                connection.commit()


@contextmanager
def databases(folder: Path) -> Iterator[tuple[Database, ...]]:
    """SQLite, and PostgreSQL where it is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Sqlite(folder)
    try:
        postgres = Postgres.make()
    except NoPostgresError:
        yield (files,)
        return
    try:
        yield files, Server(postgres)
    finally:
        postgres.close()


def inserted(engine: Engine, batches: Sequence[tuple[int, int]]) -> list[Rows]:
    """The rows of an index by the batches, given by their first and last blocks, that inserted them."""
    found: list[Rows] = []
    with engine.connect() as connection:
        for first, last in batches:
            queries = {table: select(table).where(block.between(first, last)) for table, block in _BLOCK_OF.items()}
            found.append({table: [tuple(row) for row in connection.execute(query)] for table, query in queries.items()})
    return found


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this thread on one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _type(kind: object) -> str:
    names = {BigInteger: "int8", Integer: "int4", LargeBinary: "bytea"}
    return names.get(type(kind), "text")
