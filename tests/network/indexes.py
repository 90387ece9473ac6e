"""The product's index beside one that is made anew from a node."""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, select, update

from api.runner.settling import wait_for
from ledger_node.client import ChainClient
from ledger_node.deploy import load_addresses
from registry.deployment import deployment_of, first_block
from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.tables import cursor, metadata
from registry.index.writer import Writer
from tests.registry.story import catch_up

Rows = dict[str, list[tuple[object, ...]]]


def final_rows(home: Path, node: ChainClient, finality: int, folder: Path) -> tuple[Rows, Rows]:
    """What the product's index has of final blocks, and what a fresh one that asks `node` has of the same."""
    addresses = load_addresses(home / "addresses.json")
    deployment = deployment_of(addresses)
    with (
        sqlite3.connect(f"file:{home}/index.db?mode=ro", uri=True) as live,
        sqlite3.connect(folder / "copy.db") as to,
    ):
        live.backup(to)
    copy, fresh = (open_database(f"sqlite:///{folder}/{name}.db") for name in ("copy", "fresh"))
    with copy.connect() as connection:
        at = int(connection.execute(select(cursor.c.block)).scalar_one())
    wait_for(lambda: node.block_number() >= at, f"the node to have block {at}")
    writer = Writer(fresh, deployment)
    indexer = Indexer(node, writer, deployment, finality)
    indexer.start(first_block(addresses))
    catch_up(indexer)
    for engine, each in ((copy, Writer(copy, deployment)), (fresh, writer)):
        with engine.begin() as connection:
            # What is final above is not compared: a chain that grew is final further up.
            connection.execute(update(cursor).values(final=at - finality))
        each.rollback(at - finality)
    return _rows(copy), _rows(fresh)


def _rows(engine: Engine) -> Rows:
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
