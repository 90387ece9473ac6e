"""What the writer remembers from batch to batch, takes back, and leaves behind of an older form."""

from itertools import islice
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select

from benchmarks.market import DEPLOYMENT, GENESIS, Market
from benchmarks.postgres import NewDatabase
from registry.index import database, projection
from registry.index.database import migrate_index, open_database
from registry.index.tables import cursor, metadata, versions
from registry.index.writer import Fetched, Position, Writer
from tests.registry.test_index_histories import contents

EVENTS = 1_000
PIECE = 3
"""Blocks in a batch."""


@pytest.fixture(scope="module")
def blocks() -> list[Fetched]:
    return list(Market().blocks(EVENTS))


def index_of(url: str, blocks: list[Fetched]) -> Writer:
    writer = Writer(open_database(url), DEPLOYMENT)
    writer.begin(GENESIS, Position(0, GENESIS))
    left = iter(blocks)
    while batch := list(islice(left, PIECE)):
        writer.extend(batch)
    return writer


def test_an_item_that_was_forgotten_is_read_again(
    blocks: list[Fetched], new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembering = index_of(new_database(), blocks)
    monkeypatch.setattr(projection, "REMEMBERED", 3)
    forgetting = index_of(new_database(), blocks)
    assert contents(forgetting._engine) == contents(remembering._engine)


def test_blocks_that_are_taken_back_leave_nothing(blocks: list[Fetched], new_database: NewDatabase) -> None:
    half = len(blocks) // 2
    before = index_of(new_database(), blocks[:half])
    writer = index_of(new_database(), blocks)
    writer.rollback(half)
    assert contents(writer._engine) == contents(before._engine)


def test_after_taking_back_the_index_goes_on_as_if_nothing_had_been(
    blocks: list[Fetched], new_database: NewDatabase
) -> None:
    whole = index_of(new_database(), blocks)
    writer = index_of(new_database(), blocks)
    writer.rollback(len(blocks) // 2)
    writer.extend(blocks[len(blocks) // 2 :])
    assert contents(writer._engine) == contents(whole._engine)


def test_what_failed_is_not_remembered(blocks: list[Fetched], new_database: NewDatabase) -> None:
    whole = index_of(new_database(), blocks)
    writer = index_of(new_database(), blocks[:-2])
    spoilt = [blocks[-2], blocks[-2]]
    with pytest.raises(RuntimeError, match="is no child of block"):
        writer.extend(spoilt)
    writer.extend(blocks[-2:])
    assert contents(writer._engine) == contents(whole._engine)


@pytest.mark.parametrize("form", ["0001", "0002"])
def test_an_index_of_an_older_form_begins_anew(form: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, form)
        connection.exec_driver_sql("INSERT INTO cursor VALUES (1, 20590, x'00', 1, 7, x'07')")
        connection.exec_driver_sql("INSERT INTO versions VALUES ('goods', x'01', 1, NULL, 1, '{}')")
    migrate_index(engine)
    with engine.connect() as connection:
        assert connection.execute(select(cursor)).first() is None
        assert connection.execute(select(versions)).first() is None
    assert set(contents(engine)) == set(metadata.tables)
