"""The index's database, SQLite or PostgreSQL: opened, brought to the newest schema, written by one at a time."""

import fcntl
import time
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import IO

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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
    """The engine of an index at the newest schema. Raises DatabaseError, also while an older indexer writes it."""
    engine = connect(url)
    migrate_index(engine)
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


def migrate(engine: Engine, migrations: Path) -> None:
    """Runs the migrations that the database does not have yet, all or none; several processes at once take turns.

    Raises DatabaseError for a database that a newer version has migrated.
    """
    with engine.connect() as connection:
        _upgrade(connection, migrations)
    _sync(engine)


def migrate_index(engine: Engine) -> None:
    """Brings an index to the newest schema; the writer's lock is held meanwhile. Raises DatabaseError, see there."""
    if not is_newest(engine):
        WriterConnection(engine).close()


def is_newest(engine: Engine) -> bool:
    """Whether an index has the newest schema."""
    with engine.connect() as connection:
        return _is_newest(connection, _MIGRATIONS)


def lost(error: DBAPIError) -> bool:
    """Whether an error says that the database went away, or is not there yet, and trying again may help."""
    return error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")


class WriterConnection:
    """The one connection that may write an index. Its lock ends with it, also when its process is killed.

    PostgreSQL holds the lock for the connection itself, so whoever has lost the connection can no longer write;
    SQLite has a lock on a file beside the database.
    """

    def __init__(self, engine: Engine) -> None:
        """Connects, takes the lock and then brings an older index to the newest schema: nobody writes it meanwhile.

        Raises DatabaseError while another writer has the lock, and for an index that a newer version has migrated.
        """
        self._file: IO[bytes] | None = None
        self._session: DBAPIConnection | None = None
        self.connection = engine.connect()
        try:
            self._lock(engine.url.database)
            _upgrade(self.connection, _MIGRATIONS)
            _sync(engine)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Gives up connection and lock."""
        self.connection.close()
        if self._session is not None:
            # SQLAlchemy forgets a connection that an error has spoilt, and the server would keep its lock.
            self._session.close()
        if self._file is not None:
            self._file.close()

    def _lock(self, database: str | None) -> None:
        if self.connection.dialect.name == "postgresql":
            # Out of the pool: closing it must end the session, and the lock with it.
            self.connection.detach()
            self._session = self.connection.connection.dbapi_connection
            if not _taken(self.connection):
                raise _refusal(self.connection)
        elif database:
            self._file = _locked(Path(database))
            if self._file is None:
                raise _refusal(self.connection)


def _taken(connection: Connection) -> bool:
    """Whether the lock is ours: a session that has just ended, or was killed, may have it for a moment more."""
    for _ in range(_TRIES):
        taken = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_WRITER_LOCK})").scalar_one())
        connection.commit()
        if taken:
            return True
        time.sleep(_TRY_SECONDS)
    return False


def _locked(database: Path) -> IO[bytes] | None:
    file = open(database.with_name(f"{database.name}.writer"), "ab")  # noqa: SIM115 - the lock lives as long as it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _refusal(connection: Connection) -> DatabaseError:
    if _is_newest(connection, _MIGRATIONS):
        return DatabaseError("another indexer writes this index; stop it, or give this one its own database")
    return DatabaseError("an older indexer still runs and writes this index; stop it: its form is changed only then")


def _upgrade(connection: Connection, migrations: Path) -> None:
    if _is_newest(connection, migrations):
        return
    config = Config()
    config.set_main_option("script_location", str(migrations))
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        else:
            # Else the driver commits each statement by itself, and whoever is killed leaves half a schema.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_newest(connection: Connection, migrations: Path) -> bool:
    """Raises DatabaseError when a newer version has migrated the database: this one would write another form."""
    has = frozenset(MigrationContext.configure(connection).get_current_heads())
    connection.rollback()
    newest, known = _revisions(migrations)
    if not has <= known:
        raise DatabaseError("a newer version of Cangdan has changed this database's form; start that version")
    return has == newest


@cache
def _revisions(migrations: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The newest revisions, and all."""
    scripts = ScriptDirectory(str(migrations))
    return frozenset(scripts.get_heads()), frozenset(each.revision for each in scripts.walk_revisions())


def _sync(engine: Engine) -> None:
    if engine.dialect.name == "sqlite" and engine.url.database:
        sync_database(Path(engine.url.database))


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    del record
    with closing(connection.cursor()) as cursor:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {pragma}")
