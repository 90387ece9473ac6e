"""Opening the API's database: durable SQLite, or any database that SQLAlchemy reaches, migrated on opening."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from registry.index.database import connect

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """The engine of an up-to-date database. SQLite writes through to the disk before it answers."""
    engine = connect(url)
    migrate(engine)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
