"""The index: a block that was answered stays answered, and what is lost before that is indexed again, the same."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from registry.index.database import DatabaseError, connect
from registry.index.tables import metadata
from registry.index.writer import IndexStopped
from tests.power_cut.index_process import DATABASE, catch_up, chain
from tests.power_cut.kit import SEEDS, check_component, check_unsynced, check_unsynced_commit, corrupt
from tests.registry.simulated import Node

NODE = Node(chain(), Random(0))


class Follower:
    """Indexes a chain from its first block to its last."""

    command = ("tests.power_cut.index_process",)

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        reached = max((int(line.split()[0]) for line in told), default=0)
        try:
            begun, *_ = [position.number for position in catch_up(folder, NODE)]
        except (sqlite3.Error, SQLAlchemyError, DatabaseError, IndexStopped) as error:
            return [f"{type(error).__name__}: {error}"]
        lost = [f"block {reached}, the index begins after {begun}"] if begun < reached else []
        return lost + corrupt(folder / DATABASE)

    def digest(self, folder: Path) -> object:
        engine = connect(f"sqlite:///{folder / DATABASE}")
        with engine.connect() as connection:
            found = {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
        engine.dispose()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "index"
    made.mkdir()
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_a_block_that_was_answered_is_indexed_after_any_cut(shim: str, folder: Path, tmp_path: Path, seed: int) -> None:
    check_component(Follower(), shim, folder, tmp_path, seed)


def test_without_syncing_blocks_that_were_answered_are_gone(shim: str, folder: Path, tmp_path: Path) -> None:
    check_unsynced(Follower(), shim, folder, tmp_path)


def test_what_a_killed_process_committed_is_on_the_disk_before_the_next_one_tells_it(shim: str, folder: Path) -> None:
    check_unsynced_commit(Follower(), shim, folder)
