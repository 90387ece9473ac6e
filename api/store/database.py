"""Opening the API's database: durable SQLite, or any database that SQLAlchemy reaches, migrated on opening."""

from pathlib import Path

from sqlalchemy import Engine

from registry.index.database import connect, migrate

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """The engine of an up-to-date database. SQLite writes through to the disk before it answers."""
    engine = connect(url)
    migrate(engine, MIGRATIONS)
    return engine
