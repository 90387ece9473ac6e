"""The ledger on disk: one SQLite file in WAL mode with synchronous=FULL, and one writer.

A commit is either an acceptance (rows of `pending`) or a block (state, header, seal, transactions, logs and the
deletes of the pending rows it took), so a crash at any moment leaves a whole number of both.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rlp
from eth.rlp.headers import BlockHeader

from ledger_node.embedded.errors import LedgerMismatch
from ledger_node.embedded.statedb import NodeCache, StateDb, new_cache, new_nodes
from ledger_node.embedded.storage_trie import LoadedNodes
from ledger_node.embedded.values import (
    INDEX_BITS,
    Block,
    LogEntry,
    LogQuery,
    MinedTransaction,
    Pending,
    RefusedTransaction,
    SealedBlock,
)
from ledger_node.files import make_folder, sync_database

FILE_NAME = "ledger.sqlite"
FORMAT = "cangdan/embedded/1"
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE state (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL, seal BLOB NOT NULL,
    size INTEGER NOT NULL);
CREATE TABLE transactions (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL, sender BLOB NOT NULL,
    succeeded INTEGER NOT NULL, gas_used INTEGER NOT NULL, cumulative_gas INTEGER NOT NULL, contract BLOB,
    revert_data BLOB NOT NULL);
CREATE TABLE logs (id INTEGER PRIMARY KEY, transaction_id INTEGER NOT NULL, address BLOB NOT NULL, topic0 BLOB,
    topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL);
CREATE INDEX logs_transaction ON logs (transaction_id);
CREATE INDEX logs_address ON logs (address);
CREATE INDEX logs_topic0 ON logs (topic0) WHERE topic0 IS NOT NULL;
CREATE INDEX logs_topic1 ON logs (topic1) WHERE topic1 IS NOT NULL;
CREATE INDEX logs_topic2 ON logs (topic2) WHERE topic2 IS NOT NULL;
CREATE INDEX logs_topic3 ON logs (topic3) WHERE topic3 IS NOT NULL;
CREATE TABLE pending (sequence INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, sender BLOB NOT NULL,
    raw BLOB NOT NULL);
CREATE TABLE refused (hash BLOB NOT NULL PRIMARY KEY, raw BLOB NOT NULL, sender BLOB NOT NULL, reason TEXT NOT NULL,
    block_number INTEGER NOT NULL);
"""
_BLOCK = "SELECT header, seal, size FROM blocks WHERE "
_TRANSACTION = (
    "SELECT t.id, b.hash, t.hash, t.raw, t.sender, t.succeeded, t.gas_used, t.cumulative_gas, t.contract,"
    f" t.revert_data FROM transactions t JOIN blocks b ON b.number = t.id >> {INDEX_BITS} WHERE "
)
_LOG = (
    "SELECT l.id, l.transaction_id, t.hash, b.hash, l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data"
    " FROM logs l JOIN transactions t ON t.id = l.transaction_id"
    f" JOIN blocks b ON b.number = l.id >> {INDEX_BITS} WHERE "
)


class ReadStore:
    """All that is on disk, for any number of threads or processes; every row is written once and stays."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._cache: NodeCache = new_cache()
        self._loaded: LoadedNodes = new_nodes()

    def state(self) -> StateDb:
        """A fresh view of all states, to execute on; what is written to it stays in it."""
        return StateDb(self._state_value, self._cache, self._loaded)

    def meta(self, name: str) -> bytes | None:
        """The value of a meta row."""
        row = self._row("SELECT value FROM meta WHERE name = ?", (name,))
        return None if row is None else bytes(row[0])

    def head(self) -> Block | None:
        """The newest block; None in a new ledger."""
        row = self._row("SELECT max(number) FROM blocks", ())
        return None if row is None or row[0] is None else self.block_by_number(row[0])

    def block_by_number(self, number: int) -> Block | None:
        """The block of `number`, with its transactions' hashes."""
        return self._block(self._row(_BLOCK + "number = ?", (number,)))

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """The block of `block_hash`, with its transactions' hashes."""
        return self._block(self._row(_BLOCK + "hash = ?", (block_hash,)))

    def hashes_before(self, number: int) -> Iterator[bytes]:
        """Hashes of the blocks below `number`, newest first, at most 256 (the reach of BLOCKHASH)."""
        rows = self._rows("SELECT hash FROM blocks WHERE number < ? ORDER BY number DESC LIMIT 256", (number,))
        return (bytes(row[0]) for row in rows)

    def transaction(self, transaction_hash: bytes) -> MinedTransaction | None:
        """A mined transaction with its logs."""
        found = self._transactions("t.hash = ?", (transaction_hash,))
        return found[0] if found else None

    def block_transactions(self, number: int) -> list[MinedTransaction]:
        """A block's transactions in order, with their logs."""
        return self._transactions("t.id BETWEEN ? AND ? ORDER BY t.id", _span(number, number))

    def refused(self, transaction_hash: bytes) -> RefusedTransaction | None:
        """An accepted transaction that could not be executed."""
        row = self._row(
            "SELECT hash, raw, sender, reason, block_number FROM refused WHERE hash = ?", (transaction_hash,)
        )
        return None if row is None else RefusedTransaction(*row)

    def pending(self) -> list[tuple[int, bytes, bytes, bytes]]:
        """Sequence, hash, sender and raw bytes of all that waits, in the order of acceptance."""
        return self._rows("SELECT sequence, hash, sender, raw FROM pending ORDER BY sequence", ())

    def logs(self, query: LogQuery, limit: int) -> list[LogEntry]:
        """The logs that `query` asks for in chain order, at most `limit`."""
        where, values = ["l.id BETWEEN ? AND ?"], list[object](_span(query.first, query.last))
        columns = [("l.address", query.addresses)]
        columns += [(f"l.topic{place}", wanted) for place, wanted in enumerate(query.topics)]
        for column, wanted in columns:
            if wanted:
                where.append(f"{column} IN ({','.join('?' * len(wanted))})")
                values += wanted
        if query.topics and not query.topics[-1]:
            where.append(f"l.topic{len(query.topics) - 1} IS NOT NULL")
        sql = _LOG + " AND ".join(where) + " ORDER BY l.id LIMIT ?"
        return [_log(row) for row in self._rows(sql, (*values, limit))]

    def close(self) -> None:
        """Close all connections; the store cannot be used afterwards."""
        while self._open:
            self._open.pop().close()

    def _state_value(self, key: bytes) -> bytes | None:
        row = self._row("SELECT value FROM state WHERE key = ?", (key,))
        return None if row is None else bytes(row[0])

    def _block(self, row: tuple[bytes, bytes, int] | None) -> Block | None:
        if row is None:
            return None
        header = rlp.decode(row[0], sedes=BlockHeader)
        hashes = self._rows(
            "SELECT hash FROM transactions WHERE id BETWEEN ? AND ? ORDER BY id",
            _span(header.block_number, header.block_number),
        )
        return Block(header, bytes(row[1]), row[2], tuple(bytes(each[0]) for each in hashes))

    def _transactions(self, where: str, values: tuple[object, ...]) -> list[MinedTransaction]:
        return [self._transaction(row) for row in self._rows(_TRANSACTION + where, values)]

    def _transaction(
        self, row: tuple[int, bytes, bytes, bytes, bytes, int, int, int, bytes | None, bytes]
    ) -> MinedTransaction:
        number, index = _position(row[0])
        logs = [_log(each) for each in self._rows(_LOG + "l.transaction_id = ? ORDER BY l.id", (row[0],))]
        return MinedTransaction(
            number, row[1], index, row[2], row[3], row[4], bool(row[5]), row[6], row[7], row[8], row[9], tuple(logs)
        )

    def _row(self, sql: str, values: tuple[object, ...]) -> tuple | None:  # type: ignore[type-arg]
        row: tuple | None = self._connection().execute(sql, values).fetchone()  # type: ignore[type-arg]
        return row

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection().execute(sql, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._open.append(connection)
        return connection


class Store(ReadStore):
    """The one writer of a ledger's directory. `create` makes the file; opening another format raises LedgerMismatch."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        make_folder(directory)
        self._lock = threading.Lock()
        self._writer = connect(self._path)
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        if not self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._writer.executescript(
                f"BEGIN; {_SCHEMA} INSERT INTO meta VALUES ('format', X'{FORMAT.encode().hex()}'); COMMIT;"
            )
        sync_database(self._path)
        found = self.meta("format")
        if found != FORMAT.encode():
            raise LedgerMismatch(f"{self._path}: format is {found!r}, this program reads {FORMAT}")

    def commit_pending(self, accepted: Iterable[Pending]) -> None:
        """Write accepted transactions durably."""
        rows = [(each.sequence, each.hash, each.sender, each.raw) for each in accepted]
        with self._transaction_scope() as writer:
            writer.executemany("INSERT INTO pending VALUES (?, ?, ?, ?)", rows)

    def commit_block(self, sealed: SealedBlock, state: StateDb, meta: tuple[tuple[str, bytes], ...] = ()) -> None:
        """Write a block, its new state and the deletes of what it took from `pending`, all or nothing."""
        header = sealed.block.header
        done = [(each,) for each in sealed.settled]
        with self._transaction_scope() as writer:
            writer.executemany("INSERT OR IGNORE INTO state VALUES (?, ?)", list(state.written.items()))
            row = (sealed.block.number, sealed.block.hash, rlp.encode(header), sealed.block.seal, sealed.block.size)
            writer.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?)", row)
            writer.executemany(
                "INSERT INTO transactions VALUES (?,?,?,?,?,?,?,?,?)", map(_transaction_row, sealed.transactions)
            )
            writer.executemany("INSERT INTO logs VALUES (?,?,?,?,?,?,?,?)", map(_log_row, sealed.logs))
            refusals = [(r.hash, r.raw, r.sender, r.reason, r.block_number) for r in sealed.refused]
            writer.executemany("INSERT OR REPLACE INTO refused VALUES (?,?,?,?,?)", refusals)
            writer.executemany("DELETE FROM pending WHERE hash = ?", done)
            writer.executemany("INSERT INTO meta VALUES (?, ?)", meta)
        self._cache.update(state.written)

    def close(self) -> None:
        """Close the file; everything committed is already durable."""
        with self._lock:
            self._writer.close()
        super().close()

    @contextmanager
    def _transaction_scope(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """A connection that leaves transactions to its user and may be used from any one thread at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)


def _span(first: int, last: int) -> tuple[int, int]:
    return first << INDEX_BITS, (last + 1 << INDEX_BITS) - 1


def _position(row_id: int) -> tuple[int, int]:
    return row_id >> INDEX_BITS, row_id & (1 << INDEX_BITS) - 1


def _log(row: tuple) -> LogEntry:  # type: ignore[type-arg]
    number, index = _position(row[0])
    topics = tuple(bytes(topic) for topic in row[5:9] if topic is not None)
    return LogEntry(number, index, _position(row[1])[1], row[2], row[3], row[4], topics, row[9])


def _log_row(log: LogEntry) -> tuple[object, ...]:
    base = log.block_number << INDEX_BITS
    topics = (*log.topics, None, None, None, None)[:4]
    return (base | log.index, base | log.transaction_index, log.address, *topics, log.data)


def _transaction_row(mined: MinedTransaction) -> tuple[object, ...]:
    return (
        mined.block_number << INDEX_BITS | mined.index,
        mined.hash,
        mined.raw,
        mined.sender,
        int(mined.succeeded),
        mined.gas_used,
        mined.cumulative_gas,
        mined.contract,
        mined.revert_data,
    )
