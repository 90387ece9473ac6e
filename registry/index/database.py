"""The index's database, SQLite or PostgreSQL: opened, brought to the newest schema, written by one at a time."""

import fcntl
import time
from contextlib import closing
from pathlib import Path
from typing import IO

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger_node.files import sync_database

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_DRIVERS = ("sqlite", "postgresql")
_WRITER_LOCK = 0x63616E67
"""What PostgreSQL knows the lock of an index's writer by; it holds within one database."""
_MIGRATION_LOCK = _WRITER_LOCK + 1

_TRIES, _TRY_SECONDS = 20, 0.1


class DatabaseError(RuntimeError):
    """The index's database cannot be used; one line that names the cause and no password."""


def open_database(url: str) -> Engine:
    """The engine of a database at the newest schema. Raises DatabaseError."""
    engine = connect(url)
    migrate(engine)
    return engine


def connect(url: str) -> Engine:
    """The engine of a database as it is: SQLite in WAL mode with full durability, or PostgreSQL through psycopg.

    Connections that have died are replaced before they are used. Raises DatabaseError for any other database.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, ImportError):
        raise DatabaseError("indexer.database_url: must begin with sqlite:/// or postgresql+psycopg://") from None
    if engine.dialect.name not in _DRIVERS:
        raise DatabaseError(f"indexer.database_url: {engine.dialect.name} is neither sqlite nor postgresql")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def migrate(engine: Engine, migrations: Path = _MIGRATIONS) -> None:
    """Runs the migrations that the database does not have yet, all or none; several processes at once take turns."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        else:
            # Else the driver commits each statement by itself, and whoever is killed leaves half a schema.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if engine.dialect.name == "sqlite" and engine.url.database:
        sync_database(Path(engine.url.database))


def lost(error: DBAPIError) -> bool:
    """Whether an error says that the database went away, or is not there yet, and trying again may help."""
    return error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")


class WriterConnection:
    """The one connection that may write an index. Its lock ends with it, also when its process is killed.

    PostgreSQL holds the lock for the connection itself, so whoever has lost the connection can no longer write;
    SQLite has a lock on a file beside the database.
    """

    def __init__(self, engine: Engine) -> None:
        """Connects and takes the lock. Raises DatabaseError while another writer has it."""
        self._file: IO[bytes] | None = None
        path = engine.url.database
        if engine.dialect.name == "sqlite" and path:
            self._file = _locked(Path(path))
        self._session: DBAPIConnection | None = None
        self.connection = engine.connect()
        if engine.dialect.name == "postgresql":
            self._lock()

    def close(self) -> None:
        """Gives up connection and lock."""
        self.connection.close()
        if self._session is not None:
            # SQLAlchemy forgets a connection that an error has spoilt, and the server would keep its lock.
            self._session.close()
        if self._file is not None:
            self._file.close()

    def _lock(self) -> None:
        # Out of the pool: closing it must end the session, and the lock with it.
        self.connection.detach()
        self._session = self.connection.connection.dbapi_connection
        try:
            if not _taken(self.connection):
                raise DatabaseError("another indexer writes this index; stop it, or give this one its own database")
        except BaseException:
            self.close()
            raise


def _taken(connection: Connection) -> bool:
    """Whether the lock is ours: a session that has just ended, or was killed, may have it for a moment more."""
    for _ in range(_TRIES):
        taken = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_WRITER_LOCK})").scalar_one())
        connection.commit()
        if taken:
            return True
        time.sleep(_TRY_SECONDS)
    return False


def _locked(database: Path) -> IO[bytes]:
    file = open(database.with_name(f"{database.name}.writer"), "ab")  # noqa: SIM115 - the lock lives as long as it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DatabaseError("another indexer writes this index; stop it, or give this one its own database") from None
    return file


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    del record
    with closing(connection.cursor()) as cursor:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
