"""What an oracle refused: kept for the regulator and as evidence, never counted. Bodies only of signed bytes."""

from dataclasses import dataclass

from oracle.database import Database
from oracle.formats.reasons import Reason
from oracle.formats.segment import SignedSegment
from oracle.log import Log

MAX_UNSIGNED = 100_000
"""How many refusals that no enrolled device has signed are kept; the oldest go first."""
MAX_OF_DEVICE = 1000
"""How many refusals that one device has signed are kept with their bodies; the oldest go first, its first equivocation
never."""
_PRUNE_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to what is refused. `digest` is SHA-256 of the bytes that came; `expected_seq` of out_of_sequence."""

    reason: Reason
    detail: str
    digest: bytes
    expected_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A kept refusal: how often and when the same bytes came from one source; `device` when its signature held."""

    id: int
    reason: Reason
    detail: str
    digest: bytes
    size: int
    source: str
    device: bytes | None
    first_ms: int
    last_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class Equivocation:
    """Two payloads that a device signed with one seq: the one that is logged and the other, by digest."""

    device: bytes
    kid: bytes
    seq: int
    logged: bytes
    other: bytes
    time_ms: int


class Quarantine:
    """Refusals and equivocations in an oracle's database."""

    def __init__(self, database: Database, log: Log) -> None:
        """`log` encrypts the bodies."""
        self._database = database
        self._log = log

    def add(self, refusal: Refusal, raw: bytes, source: str, now_ms: int, signed: SignedSegment | None = None) -> None:
        """Keeps a refusal; `signed` when the device's signature held, and then its body too."""
        device = None if signed is None else signed.content.device
        sealed = None if signed is None else self._log.seal(f"refusal {refusal.digest.hex()}", raw)
        with self._database.transaction():
            row = self._database.row(
                "INSERT INTO refusals (reason, detail, digest, size, source, device, first_ms, last_ms, count, sealed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"
                " ON CONFLICT DO UPDATE SET count = count + 1, last_ms = max(last_ms, excluded.last_ms) RETURNING id",
                (
                    refusal.reason.value,
                    refusal.detail,
                    refusal.digest,
                    len(raw),
                    source,
                    device,
                    now_ms,
                    now_ms,
                    sealed,
                ),
            )
            if row is not None and row[0] % _PRUNE_EVERY == 0:
                self._database.rows("DELETE FROM refusals WHERE device IS NULL AND id <= ?", (row[0] - MAX_UNSIGNED,))
            if device is not None:
                self._prune(device)

    def _prune(self, device: bytes) -> None:
        """A device whose key was stolen can sign without end, and each body takes room."""
        row = self._database.row(
            "SELECT id FROM refusals WHERE device = ? ORDER BY id DESC LIMIT 1 OFFSET ?", (device, MAX_OF_DEVICE)
        )
        if row is not None:
            self._database.rows(
                "DELETE FROM refusals WHERE device = ? AND id <= ? AND id IS NOT "
                "(SELECT min(id) FROM refusals WHERE device = ? AND reason = ?)",
                (device, row[0], device, Reason.EQUIVOCATION.value),
            )

    def refused(self, after: int = 0, limit: int = 100) -> list[Refused]:
        """At most `limit` kept refusals with an id above `after`, in order."""
        rows = self._database.rows(
            "SELECT id, reason, detail, digest, size, source, device, first_ms, last_ms, count FROM refusals"
            " WHERE id > ? ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [Refused(row[0], Reason(row[1]), *row[2:]) for row in rows]

    def counts(self) -> dict[Reason, int]:
        """How often something was refused, by reason, as far as refusals are kept."""
        rows = self._database.rows("SELECT reason, sum(count) FROM refusals GROUP BY reason")
        return {Reason(reason): int(count) for reason, count in rows}

    def body(self, digest: bytes) -> bytes | None:
        """The bytes of a refused segment that its device had signed, or None."""
        row = self._database.row("SELECT sealed FROM refusals WHERE digest = ? AND sealed IS NOT NULL", (digest,))
        return None if row is None else self._log.unseal(f"refusal {digest.hex()}", row[0])

    def equivocated(self, signed: SignedSegment, logged: bytes, now_ms: int) -> None:
        """Puts the device's key under quarantine; the first equivocation stays on record."""
        content = signed.content
        self._database.rows(
            "INSERT OR IGNORE INTO equivocations VALUES (?, ?, ?, ?, ?, ?)",
            (content.device, signed.kid, content.seq, logged, signed.digest, now_ms),
        )

    def equivocation(self, device: bytes, kid: bytes) -> Equivocation | None:
        """Why a device's key is under quarantine, or None."""
        row = self._database.row(
            "SELECT device, kid, seq, logged, other, time_ms FROM equivocations WHERE device = ? AND kid = ?",
            (device, kid),
        )
        return None if row is None else Equivocation(*row)
