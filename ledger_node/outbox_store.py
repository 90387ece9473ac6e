"""What an outbox keeps on disk: acts, the nonces leased to them, and the raw transactions that were signed.

Every change is one committed SQLite transaction with synchronous=FULL, so what was committed survives kill -9 and
power loss. A lock file admits one process.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS acts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, nonce INTEGER UNIQUE,
    status TEXT NOT NULL, settled INTEGER NOT NULL DEFAULT 0, block_number INTEGER, transaction_hash BLOB NOT NULL,
    contract BLOB, revert_data BLOB, refusal TEXT, gas_used INTEGER
);
CREATE INDEX IF NOT EXISTS acts_unsettled ON acts (nonce) WHERE settled = 0;
CREATE TABLE IF NOT EXISTS sendings (
    act INTEGER NOT NULL REFERENCES acts (id), hash BLOB NOT NULL, raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS sendings_act ON sendings (act);
"""
_COLUMNS = (
    "id, key, digest, nonce, status, settled, block_number, transaction_hash, contract, revert_data, refusal, gas_used"
)


class OutboxLocked(Exception):
    """Another process writes for this key."""


class OutboxMismatch(Exception):
    """The file is the outbox of another account or another chain."""


class Status(StrEnum):
    """Where an act is: signed and sent, in a block, in a block that stays, or failed with a cause."""

    SUBMITTED = "submitted"
    INCLUDED = "included"
    FINAL = "final"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Act:
    """An intended act: `key` is the caller's name for it, `digest` covers what it asks for.

    `settled` says that nothing can change any more. `nonce` is None when it was given back unused. `refusal` holds
    the node's words, `revert_data` what the contract returned.
    """

    id: int
    key: str
    digest: bytes
    nonce: int | None
    status: Status
    settled: bool
    block_number: int | None
    transaction_hash: bytes
    contract: bytes | None
    revert_data: bytes | None
    refusal: str | None
    gas_used: int | None


class OutboxStore:
    """The rows of one outbox. Not for several threads at once: the outbox holds a lock around it."""

    def __init__(self, path: Path, chain: bytes, address: bytes) -> None:
        """`chain` names the chain (its id and genesis hash). Raises OutboxLocked, OutboxMismatch."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise OutboxLocked(f"{path}: another process writes for this key") from None
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        try:
            self._bind("chain", chain, path)
            self._bind("address", address, path)
        except OutboxMismatch:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and let another process in."""
        self._database.close()
        os.close(self._lock)

    def find(self, key: str) -> Act | None:
        """The act of that key."""
        row = self._database.execute(f"SELECT {_COLUMNS} FROM acts WHERE key = ?", (key,)).fetchone()
        return None if row is None else _act(row)

    def unsettled(self) -> list[Act]:
        """The acts that may still change, by nonce."""
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM acts WHERE settled = 0 ORDER BY nonce").fetchall()
        return [_act(row) for row in rows]

    def next_nonce(self) -> int | None:
        """One more than the greatest nonce leased, None when none is."""
        greatest = self._database.execute("SELECT max(nonce) FROM acts").fetchone()[0]
        return None if greatest is None else int(greatest) + 1

    def raws(self, act: Act) -> list[tuple[bytes, bytes]]:
        """Hash and raw bytes of every transaction signed for an act, the newest last."""
        return self._database.execute(
            "SELECT hash, raw FROM sendings WHERE act = ? ORDER BY rowid", (act.id,)
        ).fetchall()

    def add(self, key: str, digest: bytes, nonce: int, transaction_hash: bytes, raw: bytes) -> Act:
        """Lease `nonce` to a new act and keep its signed transaction, before anybody hears of it."""
        with self._transaction():
            cursor = self._database.execute(
                "INSERT INTO acts (key, digest, nonce, status, transaction_hash) VALUES (?, ?, ?, ?, ?)",
                (key, digest, nonce, Status.SUBMITTED.value, transaction_hash),
            )
            self._database.execute(
                "INSERT INTO sendings (act, hash, raw) VALUES (?, ?, ?)", (cursor.lastrowid, transaction_hash, raw)
            )
        found = self.find(key)
        if found is None:
            raise LookupError(f"act {key} is gone after its commit")
        return found

    def save(self, act: Act) -> None:
        """Write an act's new state."""
        with self._transaction():
            self._database.execute(
                "UPDATE acts SET nonce = ?, status = ?, settled = ?, block_number = ?, transaction_hash = ?,"
                " contract = ?, revert_data = ?, refusal = ?, gas_used = ? WHERE id = ?",
                (
                    act.nonce,
                    act.status.value,
                    act.settled,
                    act.block_number,
                    act.transaction_hash,
                    act.contract,
                    act.revert_data,
                    act.refusal,
                    act.gas_used,
                    act.id,
                ),
            )

    def _bind(self, name: str, value: bytes, path: Path) -> None:
        self._database.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, value))
        held = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
        if held != value:
            raise OutboxMismatch(f"{path}: is the outbox of another {name}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _act(row: tuple[object, ...]) -> Act:
    values = list(row)
    values[4], values[5] = Status(str(row[4])), bool(row[5])
    return Act(*values)  # type: ignore[arg-type]
