"""Readers hear of changes of the index: PostgreSQL tells them (LISTEN), of SQLite they look at the file's version."""

import threading
from time import monotonic
from typing import cast

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from registry.index.queries import Index
from registry.index.writer import CHANNEL

_LOOK_SECONDS = 0.1


class Listener:
    """Waits for the next change of an index, in one thread, on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._version: object = None

    def wait(self, seconds: float) -> bool:
        """Whether the index may have changed since the last call; at once, or as soon as it does within `seconds`.

        The first call, and the first after the database was away, say yes: what happened before is not known.
        """
        try:
            if self._connection is None:
                self._open()
                return True
            return self._told(seconds) if self._engine.dialect.name == "postgresql" else self._seen(seconds)
        except (DBAPIError, psycopg.Error):
            self.close()
            threading.Event().wait(min(seconds, _LOOK_SECONDS))
            return False

    def close(self) -> None:
        """Gives up the connection; the next `wait` opens another."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection = connection
        if self._engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        else:
            self._version = self._data_version()

    def _told(self, seconds: float) -> bool:
        assert self._connection is not None
        raw = cast("psycopg.Connection[object]", self._connection.connection.dbapi_connection)
        return any(True for _ in raw.notifies(timeout=seconds, stop_after=1))

    def _seen(self, seconds: float) -> bool:
        end = monotonic() + seconds
        while (version := self._data_version()) == self._version:
            if monotonic() >= end:
                return False
            threading.Event().wait(_LOOK_SECONDS)
        self._version = version
        return True

    def _data_version(self) -> object:
        assert self._connection is not None
        return self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()


def listener_of(index: Index) -> Listener:
    """A listener at the database that answers an index's questions."""
    return Listener(index._engine)
