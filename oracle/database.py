"""One SQLite file of an oracle: write-ahead log, every commit on the disk before it counts, one schema."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE origin (only INTEGER PRIMARY KEY CHECK (only = 0), name TEXT NOT NULL) STRICT;
CREATE TABLE entries (
    place INTEGER PRIMARY KEY, device BLOB NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, arrived_ms INTEGER NOT NULL, source TEXT NOT NULL,
    sealed BLOB NOT NULL, UNIQUE (device, seq)
) STRICT;
CREATE INDEX entries_by_time ON entries (device, last_ms);
CREATE TABLE nodes (level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, place))
    STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
    device BLOB PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL, boot INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
    source TEXT NOT NULL, device BLOB, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    count INTEGER NOT NULL, sealed BLOB, UNIQUE (digest, reason, source)
) STRICT;
CREATE TABLE equivocations (
    device BLOB NOT NULL, kid BLOB NOT NULL, seq INTEGER NOT NULL, logged BLOB NOT NULL, other BLOB NOT NULL,
    time_ms INTEGER NOT NULL, PRIMARY KEY (device, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE fleets (
    id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, fleet_root BLOB NOT NULL, revocation_root BLOB NOT NULL,
    body BLOB NOT NULL, accepted_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE peers (
    oracle BLOB PRIMARY KEY, size INTEGER NOT NULL, frontier BLOB NOT NULL, note TEXT NOT NULL,
    pulled_ms INTEGER NOT NULL, waiting_ms INTEGER, split_note TEXT
) STRICT, WITHOUT ROWID;
"""


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

    def _prepare(self, path: Path, origin: str) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO origin VALUES (0, ?)", (origin,))
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise DatabaseError(f"{path.name}: has schema {version}, this program reads {SCHEMA_VERSION}")
        (name,) = self._connection.execute("SELECT name FROM origin").fetchone()
        if name != origin:
            raise DatabaseError(f"{path.name}: holds the log {name}, not {origin}")

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
