"""An oracle's append-only log: an RFC 6962 tree over salted commitments, bodies encrypted (docs/formats/log.md).

The hashes of all whole subtrees are stored, so a root at any size and each proof take O(log n) look-ups.
"""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger_node.hashing import sha256
from ledger_node.merkle import consistency_ranges, inclusion_ranges, node_hash
from ledger_node.signing import Signer
from oracle.admission import Cursor, advanced
from oracle.database import Database
from oracle.formats.entry import SALT_SIZE, entry_leaf
from oracle.formats.segment import SignedSegment, parse
from oracle.formats.signed import Checkpoint, sign_checkpoint

_NONCE = 12
_ENTRY = "place, device, seq, digest, arrived_ms, source, sealed"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a segment stands in the log; `arrived_ms` is the arrival that it was judged by."""

    place: int
    device: bytes
    seq: int
    digest: bytes
    arrived_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with its opened body: `salt` and `raw` open the commitment."""

    position: Position
    salt: bytes
    raw: bytes

    @property
    def segment(self) -> SignedSegment:
        """The segment; it was verified when it was logged."""
        return parse(self.raw)

    @property
    def leaf(self) -> bytes:
        """The leaf hash of the entry."""
        return entry_leaf(self.salt, self.position.arrived_ms, self.raw)


class Log:
    """The log of one oracle in its database; what `append` returns is durable once the transaction around it ends."""

    def __init__(self, database: Database, origin: str, signer: Signer, body_key: bytes) -> None:
        """`body_key` is the 32-byte AES-256 key of the bodies."""
        self._database = database
        self._cipher = AESGCM(body_key)
        self._signer = signer
        self._note: tuple[Checkpoint, str] | None = None
        self.origin = origin

    # --- writing ------------------------------------------------------------------------------------------------

    def append(self, signed: SignedSegment, arrived_ms: int, source: str) -> Position:
        """Logs a segment that passed all checks and moves its device's cursor. Raises sqlite3.IntegrityError when
        the device has a segment with that seq; the caller has looked before, within the same transaction."""
        with self._database.transaction():
            content, digest, raw = signed.content, signed.digest, signed.raw
            place, salt = self.size(), secrets.token_bytes(SALT_SIZE)
            sealed, times = self.seal(f"entry {place}", salt + raw), (content.first_ms, content.last_ms, arrived_ms)
            self._database.rows(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (place, content.device, content.seq, digest, *times, source, sealed),
            )
            self._grow(place, entry_leaf(salt, arrived_ms, raw))
            cursor = advanced(content, digest)
            self._database.rows(
                "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?)",
                (content.device, cursor.seq, cursor.digest, cursor.boot, cursor.mono_ms, cursor.last_ms),
            )
        return Position(place, content.device, content.seq, digest, arrived_ms, source)

    def _grow(self, place: int, leaf: bytes) -> None:
        level, hash_ = 0, leaf
        while True:
            self._database.rows("INSERT INTO nodes VALUES (?, ?, ?)", (level, place, hash_))
            if not place & 1:
                return
            hash_ = node_hash(self._node(level, place - 1), hash_, sha256)
            level, place = level + 1, place >> 1

    # --- reading ------------------------------------------------------------------------------------------------

    def size(self) -> int:
        """The number of entries."""
        row = self._database.row("SELECT max(place) + 1 FROM entries")
        return row[0] or 0 if row else 0

    def last_arrival_ms(self) -> int:
        """When the newest entry arrived, 0 before the first."""
        row = self._database.row("SELECT arrived_ms FROM entries ORDER BY place DESC LIMIT 1")
        return 0 if row is None else int(row[0])

    def cursor(self, device: bytes) -> Cursor | None:
        """Where a device's chain stands, or None before its first segment."""
        row = self._database.row("SELECT seq, digest, boot, mono_ms, last_ms FROM cursors WHERE device = ?", (device,))
        return None if row is None else Cursor(*row)

    def arrived_ms(self, device: bytes) -> int | None:
        """When something of a device arrived last; None when nothing ever did."""
        cursor = self.cursor(device)
        position = None if cursor is None else self.at(device, cursor.seq)
        return None if position is None else position.arrived_ms

    def find(self, digest: bytes) -> Position | None:
        """The position of the segment of that name, or None."""
        return self._position("digest = ?", (digest,))

    def at(self, device: bytes, seq: int) -> Position | None:
        """The position of a device's segment number `seq`, or None."""
        return self._position("device = ? AND seq = ?", (device, seq))

    def entry(self, place: int) -> Entry:
        """One entry. Raises LookupError outside the log."""
        found = self.entries(place, 1)
        if place < 0 or not found:
            raise LookupError(f"entry {place} is not in the log")
        return found[0]

    def entries(self, start: int, limit: int) -> list[Entry]:
        """At most `limit` entries from `start` on, in order."""
        rows = self._database.rows(
            f"SELECT {_ENTRY} FROM entries WHERE place >= ? ORDER BY place LIMIT ?", (start, limit)
        )
        return [self._open(row) for row in rows]

    def stream(self, device: bytes, from_ms: int, to_ms: int, seq: int = 0, limit: int = -1) -> list[Entry]:
        """A device's entries from number `seq` on whose event time touches `from_ms` up to and without `to_ms`, by
        number, at most `limit` unless it is negative."""
        rows = self._database.rows(
            f"SELECT {_ENTRY} FROM entries WHERE device = ? AND last_ms >= ? AND first_ms < ? AND seq >= ? "
            "ORDER BY seq LIMIT ?",
            (device, from_ms, to_ms, seq, limit),
        )
        return [self._open(row) for row in rows]

    def next_after(self, device: bytes, seq: int, limit: int = 1) -> list[Entry]:
        """At most `limit` of a device's entries after number `seq`, in the order of seq."""
        rows = self._database.rows(
            f"SELECT {_ENTRY} FROM entries WHERE device = ? AND seq > ? ORDER BY seq LIMIT ?", (device, seq, limit)
        )
        return [self._open(row) for row in rows]

    def leaves(self, start: int, limit: int) -> list[bytes]:
        """At most `limit` leaf hashes from `start` on, which show nothing of the bodies."""
        rows = self._database.rows(
            "SELECT hash FROM nodes WHERE level = 0 AND place >= ? ORDER BY place LIMIT ?", (start, limit)
        )
        return [row[0] for row in rows]

    # --- proving ------------------------------------------------------------------------------------------------

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries. Raises ValueError beyond the log."""
        self._check_size(size)
        return self._range(0, size)

    def inclusion(self, place: int, size: int) -> list[bytes]:
        """The proof that entry `place` is in the tree of `size`. Raises ValueError outside the log."""
        self._check_size(size)
        return [self._range(start, end) for start, end in inclusion_ranges(place, size)]

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """The proof that the tree of `new_size` extends that of `old_size`. Raises ValueError outside the log."""
        self._check_size(new_size)
        return [self._range(start, end) for start, end in consistency_ranges(old_size, new_size)]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """The checkpoint at `size`, by default the newest. Raises ValueError beyond the log."""
        with self._database.transaction():
            size = self.size() if size is None else size
            return Checkpoint(self.origin, size, self.root(size))

    def signed_checkpoint(self, size: int | None = None) -> str:
        """The signed note of a checkpoint; the last one is kept, as anybody may ask for it. Raises SignerError."""
        checkpoint, known = self.checkpoint(size), self._note
        if known is not None and known[0] == checkpoint:
            return known[1]
        note = sign_checkpoint(checkpoint, self._signer)
        self._note = checkpoint, note
        return note

    # --- bodies -------------------------------------------------------------------------------------------------

    def seal(self, name: str, body: bytes) -> bytes:
        """The body encrypted (AES-256-GCM, random nonce first) for this place of this log, so it opens nowhere else."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, body, f"{self.origin} {name}".encode())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The body of `seal`. Raises cryptography's InvalidTag when the key, place or bytes are others."""
        return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{self.origin} {name}".encode())

    def _open(self, row: tuple[int, bytes, int, bytes, int, str, bytes]) -> Entry:
        body = self.unseal(f"entry {row[0]}", row[6])
        return Entry(Position(*row[:6]), body[:SALT_SIZE], body[SALT_SIZE:])

    def _position(self, where: str, values: tuple[object, ...]) -> Position | None:
        row = self._database.row(
            f"SELECT place, device, seq, digest, arrived_ms, source FROM entries WHERE {where}", values
        )
        return None if row is None else Position(*row)

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self.size():
            raise ValueError(f"size: {size} is not within the log of {self.size()}")

    def _range(self, start: int, end: int) -> bytes:
        """The hash over the leaves from `start` up to and without `end`, from stored whole subtrees."""
        if start == end:
            return sha256(b"")
        width = end - start
        level = width.bit_length() - 1
        if width == 1 << level and start % width == 0:
            return self._node(level, start >> level)
        middle = start + (1 << (width - 1).bit_length() - 1)
        return node_hash(self._range(start, middle), self._range(middle, end), sha256)

    def _node(self, level: int, place: int) -> bytes:
        row = self._database.row("SELECT hash FROM nodes WHERE level = ? AND place = ?", (level, place))
        if row is None:
            raise LookupError(f"node {place} of level {level} is not in the log")
        found: bytes = row[0]
        return found
