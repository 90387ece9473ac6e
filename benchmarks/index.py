"""The index: events into SQLite, beside bare decoding and a bare bulk insert of the same rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from benchmarks.consortium import GAS, BenchmarkError, Consortium, found, serving, signer_of
from benchmarks.result import Result, Sizes, both, seconds
from ledger_node.chain_values import Log
from ledger_node.client import ChainClient
from ledger_node.transactions import Transaction
from registry.acts import Contract
from registry.index.database import open_database
from registry.index.indexer import BATCH, Indexer
from registry.index.source import read_block
from registry.index.tables import metadata
from registry.index.writer import Fetched, Position, Writer
from registry.items import Moment
from registry.transitions import decode_log

PER_BLOCK = 20
_AGAINST = "decode_log of the same logs, and one bulk insert of the same rows into tables and indexes of the same form"
Tables = dict[str, list[tuple[object, ...]]]


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Events a second written to a new index, and of one that catches up with a ledger over HTTP."""
    made = found(folder)
    try:
        _fill(made, sizes.events)
        blocks = [Fetched(read_block(made.client, number)) for number in range(1, made.client.block_number() + 1)]
    finally:
        made.chain.close()
    logs = [log for fetched in blocks for receipt in fetched.block.receipts for log in receipt.logs]
    events = sum(_decoded(made, each) for each in logs)
    tables = _rows(_write(made, blocks, folder / "rows.sqlite")[1])
    names = count()

    def bare() -> float:
        path = folder / f"bare-{next(names)}.sqlite"
        open_database(f"sqlite:///{path}").dispose()
        return seconds(lambda: [_decoded(made, each) for each in logs]) + seconds(lambda: _insert(path, tables))

    writing, plain = both(sizes.rounds, lambda: _write(made, blocks, folder / f"index-{next(names)}.sqlite")[0], bare)
    what = f"{events} events of {sizes.events} issue acts applied to the state, history and versions kept on the disk"
    yield Result("index.events", what, events / writing, "events/s", _AGAINST, events / plain)
    with serving(folder) as ledger:
        client = ChainClient(ledger.http)
        following, plain = both(
            sizes.rounds, lambda: _catch_up(made, client, folder / f"index-{next(names)}.sqlite"), bare
        )
    what = f"the same by an indexer that reads {len(blocks)} blocks over HTTP and checks their receipts"
    yield Result("index.catch_up", what, events / following, "events/s", _AGAINST, events / plain)


def _fill(made: Consortium, acts: int) -> None:
    """Issue acts in blocks of PER_BLOCK."""
    sender, desk = signer_of("issuer"), made.deployment.addresses[Contract.ISSUE_DESK]
    for number in range(acts):
        data = made.issue_data(number)
        made.chain.accept(sender.sign_transaction(Transaction(made.deployment.chain_id, number, desk, data, GAS)))
        if (number + 1) % PER_BLOCK == 0:
            made.chain.seal(budget=60)
    made.chain.seal(budget=60, empty=False)


def _decoded(made: Consortium, log: Log) -> bool:
    return decode_log(log, Moment(log.block_number, 0), made.deployment) is not None


def _write(made: Consortium, blocks: Sequence[Fetched], path: Path) -> tuple[float, Path]:
    """Seconds for all blocks, in the indexer's batches; and the database."""
    engine = open_database(f"sqlite:///{path}")
    writer = Writer(engine, made.deployment)
    header = blocks[0].block.header
    writer.begin(header.parent_hash, Position(header.number - 1, header.parent_hash))
    batches = [blocks[first : first + BATCH] for first in range(0, len(blocks), BATCH)]
    try:
        return seconds(lambda: [writer.extend(batch) for batch in batches]), path
    finally:
        engine.dispose()


def _catch_up(made: Consortium, client: ChainClient, path: Path) -> float:
    """Seconds until the index has caught up. Raises BenchmarkError when it stands still before."""
    engine = open_database(f"sqlite:///{path}")
    indexer = Indexer(client, Writer(engine, made.deployment), made.deployment, 0)
    head = client.block_number()
    position = indexer.start()

    def follow() -> None:
        nonlocal position
        while position.number < head:
            before, position = position, indexer.step(position).position
            if position == before:
                raise BenchmarkError(f"the index stands still at block {position.number} of {head}")

    try:
        return seconds(follow)
    finally:
        engine.dispose()


def _rows(path: Path) -> Tables:
    with closing(sqlite3.connect(path)) as connection:
        names = [table.name for table in metadata.sorted_tables]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def _insert(path: Path, tables: Tables) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        for name, rows in tables.items():
            if rows:
                connection.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(rows[0]))})", rows)
        connection.execute("COMMIT")
