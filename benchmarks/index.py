"""The index on each database, beside bare decoding and a bare bulk insert of the same rows; and how it goes on."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.consortium import GAS, BenchmarkError, Consortium, found, serving, signer_of
from benchmarks.databases import Database, Rows, Sqlite, databases, inserted, one_core
from benchmarks.market import DEPLOYMENT, GENESIS, Market
from benchmarks.result import Result, Sizes, both, seconds
from ledger_node.client import ChainClient
from ledger_node.transactions import Transaction
from registry.acts import Contract
from registry.index.database import connect
from registry.index.indexer import BATCH, Indexer
from registry.index.source import read_block
from registry.index.writer import Fetched, Position, Writer
from registry.items import Moment
from registry.transitions import Deployment, Transition, decode_log

GOAL, SHARE = 10_000.0, 0.5
"""Events a second, and of what bare decoding and inserting reach."""
GROWTH = 16.0
"""By how many MB a million events may enlarge the indexer after the first tenth."""
PER_BLOCK = 20
_BARE = (
    "decoding the same logs and the acts in them, and bulk inserts of the same rows into the same tables, as many in a "
    "transaction"
)


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Events a second into a new index on each database, and of one that catches up with a ledger over HTTP."""
    blocks = list(Market().blocks(sizes.stream))
    with databases(folder / "databases") as found_databases:
        for database in found_databases:
            yield _written(database, _Work.of(DEPLOYMENT, blocks), sizes)
    yield _caught_up(folder, sizes)


def run_long(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Events without end into one index: the rate beside that of the first tenth, and the memory beside it."""
    with databases(folder / "databases") as found_databases:
        for database in found_databases:
            # A process of its own: what others have left behind would hide how it grows.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
                url = database.new()
                first, whole = other.submit(_go_on, url, sizes.long).result()
                database.drop(url)
            name, what = f"long.{database.name}", f"{whole.events} events of {whole.blocks} blocks into {database.name}"
            rates = whole.events / whole.seconds, first.events / first.seconds
            yield Result(
                name, f"{what}, a second of the indexer's processor time", rates[0], "events/s",
                f"the first {first.events} of them", rates[1], GOAL,
            )  # fmt: skip
            yield Result(
                f"{name}.memory", f"resident memory of the indexer after {what}", whole.memory, "MB",
                f"the same after {first.events} events", first.memory, first.memory + GROWTH, at_most=True,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    """Blocks to be written, in the indexer's batches."""

    deployment: Deployment
    batches: tuple[tuple[Fetched, ...], ...]
    events: int

    @classmethod
    def of(cls, deployment: Deployment, blocks: Sequence[Fetched]) -> "_Work":
        batches = tuple(tuple(blocks[first : first + BATCH]) for first in range(0, len(blocks), BATCH))
        return cls(deployment, batches, _decode(deployment, blocks))

    def write(self, url: str, clock: Database | None = None) -> float:
        """Seconds until all is in the index."""
        engine = connect(url)
        writer = Writer(engine, self.deployment)
        header = self.batches[0][0].block.header
        writer.begin(header.parent_hash, Position(header.number - 1, header.parent_hash))
        try:
            return _seconds(lambda: [writer.extend(batch) for batch in self.batches], clock)
        finally:
            writer.close()
            engine.dispose()

    def decode(self, clock: Database | None = None) -> float:
        """Seconds for decoding all logs."""
        return _seconds(lambda: [_decode(self.deployment, batch) for batch in self.batches], clock)

    def rows(self, url: str) -> list[Rows]:
        """What was inserted into the index, batch by batch."""
        engine = connect(url)
        try:
            return inserted(engine, [(batch[0].block.number, batch[-1].block.number) for batch in self.batches])
        finally:
            engine.dispose()


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a long run is: `seconds` of processor time, `memory` in MB."""

    events: int
    blocks: int
    seconds: float
    memory: float


def _written(database: Database, work: _Work, sizes: Sizes) -> Result:
    """By processor time, the server's too, as if it all ran on one core."""
    url = database.new()
    work.write(url)
    rows = work.rows(url)
    database.drop(url)

    def measured() -> float:
        url = database.new()
        try:
            return work.write(url, database)
        finally:
            database.drop(url)

    def bare() -> float:
        url = database.new()
        try:
            return work.decode(database) + _seconds(lambda: database.insert(url, rows), database)
        finally:
            database.drop(url)

    with one_core():
        writing, plain = both(sizes.rounds, measured, bare)
    rate, base = work.events / writing, work.events / plain
    what = (
        f"{work.events} events, which are logs, of many acts on many records into a new index, a second of processor "
        "time of the indexer and the database"
    )
    return Result(f"index.{database.name}", what, rate, "events/s", _BARE, base, max(GOAL, SHARE * base))


def _seconds(work: object, clock: Database | None) -> float:
    assert callable(work)
    return seconds(work) if clock is None else seconds(work, clock.processor_seconds)


def _decode(deployment: Deployment, batch: Sequence[Fetched]) -> int:
    """Decodes all events, which are the logs of the contracts; how many there are."""
    found = 0
    for fetched in batch:
        at = Moment(fetched.block.number, fetched.block.header.timestamp)
        for receipt in fetched.block.receipts:
            for log in receipt.logs:
                event = decode_log(log, at, deployment)
                if isinstance(event, Transition):
                    event.read()
            found += len(receipt.logs)
    return found


def _go_on(url: str, wanted: int) -> tuple[_Reached, _Reached]:
    """A long run: what was reached after the first tenth, and at the end. Blocks are made as they are written."""
    engine = connect(url)
    writer = Writer(engine, DEPLOYMENT)
    writer.begin(GENESIS, Position(0, GENESIS))
    blocks = Market().blocks(wanted)
    reached, first = _Reached(0, 0, 0.0, 0.0), None
    clock = Sqlite(Path())
    with one_core():
        while batch := tuple(islice(blocks, BATCH)):
            spent = _seconds(lambda batch=batch: writer.extend(batch), clock)
            events = reached.events + _decode(DEPLOYMENT, batch)
            reached = _Reached(events, batch[-1].block.number, reached.seconds + spent, _memory())
            if first is None and events >= wanted / 10:
                first = reached
    writer.close()
    engine.dispose()
    return first or reached, reached


def _memory() -> float:
    """Resident memory of this process in MB (proc(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _caught_up(folder: Path, sizes: Sizes) -> Result:
    """An indexer that reads a real ledger's blocks, by the clock."""
    made = found(folder / "ledger")
    try:
        _fill(made, sizes.events)
        blocks = [Fetched(read_block(made.client, number)) for number in range(1, made.client.block_number() + 1)]
    finally:
        made.chain.close()
    database, work = Sqlite(folder), _Work.of(made.deployment, blocks)
    url = database.new()
    work.write(url)
    rows = work.rows(url)

    def bare() -> float:
        url = database.new()
        return work.decode() + seconds(lambda: database.insert(url, rows))

    with serving(folder / "ledger") as ledger:
        client = ChainClient(ledger.http)
        following, plain = both(sizes.rounds, lambda: _catch_up(made, client, database.new()), bare)
    what = (
        f"{work.events} events of {sizes.events} issue acts by an indexer that reads {len(blocks)} blocks over HTTP "
        "and checks their receipts"
    )
    return Result("index.catch_up", what, work.events / following, "events/s", _BARE, work.events / plain)


def _fill(made: Consortium, acts: int) -> None:
    """Issue acts in blocks of PER_BLOCK."""
    sender, desk = signer_of("issuer"), made.deployment.addresses[Contract.ISSUE_DESK]
    for number in range(acts):
        data = made.issue_data(number)
        made.chain.accept(sender.sign_transaction(Transaction(made.deployment.chain_id, number, desk, data, GAS)))
        if (number + 1) % PER_BLOCK == 0:
            made.chain.seal(budget=60)
    made.chain.seal(budget=60, empty=False)


def _catch_up(made: Consortium, client: ChainClient, url: str) -> float:
    """Seconds until the index has caught up. Raises BenchmarkError when it stands still before."""
    engine = connect(url)
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
