"""What an outbox keeps on disk: acts, the nonces leased to them, and the raw transactions that were signed.

Every change is one committed SQLite transaction with synchronous=FULL, so what was committed survives kill -9 and
power loss. A lock file admits one process.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from ledger_node.files import make_folder, sync_database
from ledger_node.sending_status import OutboxStatus
from ledger_node.values import Value

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS acts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, nonce INTEGER UNIQUE,
    status TEXT NOT NULL, settled INTEGER NOT NULL DEFAULT 0, block_number INTEGER, transaction_hash BLOB NOT NULL,
    contract BLOB, revert_data BLOB, refusal TEXT, gas_used INTEGER, drops INTEGER NOT NULL DEFAULT 0,
    replaced_by BLOB, created_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS acts_unsettled ON acts (nonce) WHERE settled = 0;
CREATE TABLE IF NOT EXISTS sendings (
    act INTEGER NOT NULL REFERENCES acts (id), hash BLOB NOT NULL, raw BLOB NOT NULL,
    kind TEXT NOT NULL DEFAULT 'act', sent_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS sendings_act ON sendings (act);
"""
_COLUMNS = (
    "id, key, digest, nonce, status, settled, block_number, transaction_hash, contract, revert_data, refusal,"
    " gas_used, drops, replaced_by"
)
_ADDED = {
    "acts": (
        ("drops", "INTEGER NOT NULL DEFAULT 0"),
        ("replaced_by", "BLOB"),
        ("created_at", "REAL NOT NULL DEFAULT 0"),
    ),
    "sendings": (("kind", "TEXT NOT NULL DEFAULT 'act'"), ("sent_at", "REAL NOT NULL DEFAULT 0")),
}
"""Columns that files of earlier versions lack."""
_STATUS = """
SELECT
    coalesce(sum(settled = 0), 0), min(CASE WHEN settled = 0 THEN created_at END),
    coalesce(sum(settled = 0 AND (SELECT count(*) FROM sendings WHERE act = acts.id AND kind != 'foreign') > 1), 0),
    coalesce(sum(settled = 0 AND drops > 0), 0), count(replaced_by), coalesce(sum(status = 'refused'), 0),
    coalesce(sum(settled), 0), max(nonce) + 1
FROM acts
"""


_UPDATE = (
    "UPDATE acts SET nonce = ?, status = ?, settled = ?, block_number = ?, transaction_hash = ?, contract = ?,"
    " revert_data = ?, refusal = ?, gas_used = ?, drops = ?, replaced_by = ? WHERE id = ?"
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


class Kind(StrEnum):
    """What a transaction of an act does: the act, nothing but use the nonce, or the act though not sent from here."""

    ACT = "act"
    CANCEL = "cancel"
    FOREIGN = "foreign"


class Version(Value, frozen=True):
    """A transaction for an act, stored at `sent_at` (seconds since 1970). The raw bytes of a foreign one are empty."""

    hash: bytes
    raw: bytes
    kind: Kind
    sent_at: float


class Leased(Value, frozen=True):
    """A new act with its nonce and its first transaction."""

    key: str
    digest: bytes
    nonce: int
    version: Version


class Act(Value, frozen=True):
    """An intended act: `key` is the caller's name for it, `digest` covers what it asks for.

    `settled` says that nothing can change any more. `nonce` is None when it was given back unused. `refusal` holds
    the node's words, `revert_data` what the contract returned. `drops` counts how often a node forgot it,
    `replaced_by` is the other transaction that took its nonce.
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
    drops: int
    replaced_by: bytes | None


class OutboxStore:
    """The rows of one outbox. Not for several threads at once: the outbox holds a lock around it."""

    def __init__(self, path: Path, chain: bytes, address: bytes) -> None:
        """`chain` names the chain (its id and genesis hash). Raises OutboxLocked, OutboxMismatch."""
        make_folder(path.parent)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise OutboxLocked(f"{path}: another process writes for this key") from None
        self.is_open = True
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        self._complete()
        sync_database(path)
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
        self.is_open = False

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

    def leased(self, first: int, end: int) -> set[int]:
        """Which nonces from `first` on, before `end`, acts have."""
        rows = self._database.execute("SELECT nonce FROM acts WHERE nonce >= ? AND nonce < ?", (first, end))
        return {int(row[0]) for row in rows}

    def versions(self, act: Act) -> list[Version]:
        """Every transaction of an act, the newest last."""
        rows = self._database.execute(
            "SELECT hash, raw, kind, sent_at FROM sendings WHERE act = ? ORDER BY rowid", (act.id,)
        ).fetchall()
        return [Version(hash_, raw, Kind(kind), sent_at) for hash_, raw, kind, sent_at in rows]

    def versions_of(self, acts: Sequence[Act]) -> dict[int, list[Version]]:
        """Every transaction of each of several acts, by the act's id, the newest last."""
        return {act.id: self.versions(act) for act in acts}

    def add(self, leased: Sequence[Leased]) -> list[Act]:
        """Lease nonces to new acts and keep their signed transactions in one commit, before anybody hears of them."""
        if not leased:
            return []
        acts: list[Act] = []
        with self.together():
            for each in leased:
                row = (
                    each.key,
                    each.digest,
                    each.nonce,
                    Status.SUBMITTED.value,
                    each.version.hash,
                    each.version.sent_at,
                )
                cursor = self._database.execute(
                    "INSERT INTO acts (key, digest, nonce, status, transaction_hash, created_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
                id_ = int(cursor.lastrowid or 0)
                self._insert(id_, each.version)
                acts.append(_new_act(id_, each))
        return acts

    def add_version(self, act: Act, version: Version) -> None:
        """Keep one more transaction of an act together with the act's new state."""
        with self.together():
            self._insert(act.id, version)
            self.save(act)

    def save(self, *acts: Act) -> None:
        """Write the new states of acts in one commit."""
        with self.together():
            self._database.executemany(_UPDATE, map(_state, acts))

    def status(self, now: float) -> OutboxStatus:
        """How the outbox stands at `now`, in seconds since 1970."""
        return _status(self._database, now)

    def _insert(self, act: int, version: Version) -> None:
        self._database.execute(
            "INSERT INTO sendings (act, hash, raw, kind, sent_at) VALUES (?, ?, ?, ?, ?)",
            (act, version.hash, version.raw, version.kind.value, version.sent_at),
        )

    def _complete(self) -> None:
        for table, columns in _ADDED.items():
            has = {row[1] for row in self._database.execute(f"PRAGMA table_info({table})")}
            for name, kind in columns:
                if name not in has:
                    self._database.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def _bind(self, name: str, value: bytes, path: Path) -> None:
        self._database.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, value))
        held = self._database.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
        if held != value:
            raise OutboxMismatch(f"{path}: is the outbox of another {name}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written meanwhile is one commit; within another one, it is part of that."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _new_act(id_: int, leased: Leased) -> Act:
    return Act(
        id=id_,
        key=leased.key,
        digest=leased.digest,
        nonce=leased.nonce,
        status=Status.SUBMITTED,
        settled=False,
        block_number=None,
        transaction_hash=leased.version.hash,
        contract=None,
        revert_data=None,
        refusal=None,
        gas_used=None,
        drops=0,
        replaced_by=None,
    )


def _state(act: Act) -> tuple[object, ...]:
    """What may change of an act, in the order of _UPDATE."""
    return (
        act.nonce,
        act.status.value,
        act.settled,
        act.block_number,
        act.transaction_hash,
        act.contract,
        act.revert_data,
        act.refusal,
        act.gas_used,
        act.drops,
        act.replaced_by,
        act.id,
    )


def _act(row: tuple[object, ...]) -> Act:
    values = list(row)
    values[4], values[5] = Status(str(row[4])), bool(row[5])
    return Act(*values)  # type: ignore[arg-type]


def read_status(path: Path, now: float) -> OutboxStatus:
    """How the outbox in a file stands, while the process that it belongs to goes on writing. Raises OSError."""
    try:
        database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        try:
            return _status(database, now)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise OSError(f"{path}: is no outbox that can be read: {error}") from None


def _status(database: sqlite3.Connection, now: float) -> OutboxStatus:
    address = database.execute("SELECT value FROM meta WHERE name = 'address'").fetchone()
    pending, oldest, bumped, dropped, replaced, refused, settled, following = database.execute(_STATUS).fetchone()
    return OutboxStatus(
        address=address[0] if address else b"",
        pending=pending,
        oldest_seconds=max(now - oldest, 0.0) if oldest is not None else 0.0,
        bumped=bumped,
        dropped=dropped,
        replaced=replaced,
        refused=refused,
        settled=settled,
        next_nonce=following,
    )
