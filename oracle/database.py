"""One SQLite file of an oracle: write-ahead log, every commit on the disk before it counts, one schema."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger_node.files import sync_database
from oracle.tables import MIGRATIONS, SCHEMA_VERSION, TABLES, statements


class DatabaseError(RuntimeError):
    """A database file is not one of this program, version or log."""


class Database:
    """A connection that threads share; statements of one thread never mix into the transaction of another."""

    def __init__(self, path: Path, origin: str) -> None:
        """Opens or makes the file for the log `origin`. Raises DatabaseError, sqlite3.Error."""
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.transaction():
            self._prepare(path, origin)
        sync_database(path)

    def _prepare(self, path: Path, origin: str) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._run(TABLES)
            self._connection.execute("INSERT INTO origin VALUES (0, ?)", (origin,))
        elif version > SCHEMA_VERSION:
            raise DatabaseError(f"{path.name}: has schema {version}, this program reads {SCHEMA_VERSION}")
        for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
            self._run(MIGRATIONS[older])
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        (name,) = self._connection.execute("SELECT name FROM origin").fetchone()
        if name != origin:
            raise DatabaseError(f"{path.name}: holds the log {name}, not {origin}")

    def _run(self, script: str) -> None:
        for statement in statements(script):
            self._connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything within is on the disk when it ends, or nothing is; may be nested, the outermost commits."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, values: Iterable[object] = ()) -> list[Any]:
        """All rows of one statement. Raises sqlite3.Error."""
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchall()

    def row(self, statement: str, values: Iterable[object] = ()) -> Any | None:
        """The first row of one statement, or None. Raises sqlite3.Error."""
        with self._lock:
            return self._connection.execute(statement, tuple(values)).fetchone()

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._connection.close()
