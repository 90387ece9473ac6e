"""What the judgement keeps, in the oracle's own database; contents are sealed, names and digests are not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oracle.chain import Anchored
from oracle.database import Database
from oracle.formats import covenant as covenants
from oracle.formats import schema as schemas
from oracle.formats import wire
from oracle.formats.covenant import Covenant
from oracle.formats.fields import Fields
from oracle.formats.report import (
    Proposal,
    Report,
    proposal_from_json,
    proposal_to_json,
    report_from_json,
    report_to_json,
)
from oracle.formats.schema import Schema
from oracle.log import Log

_TABLES = """
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schemas (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS covenants (facility BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (schema BLOB NOT NULL, slot INTEGER NOT NULL, reported INTEGER NOT NULL,
    PRIMARY KEY (schema, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reports (serial INTEGER PRIMARY KEY, schema BLOB NOT NULL, slot INTEGER NOT NULL,
    oracle BLOB NOT NULL, own INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (schema, slot, oracle)) STRICT;
CREATE INDEX IF NOT EXISTS own_reports ON reports (serial) WHERE own = 1;
CREATE TABLE IF NOT EXISTS open_slots (schema BLOB NOT NULL, slot INTEGER NOT NULL, made_ms INTEGER NOT NULL,
    PRIMARY KEY (schema, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS proposals (schema BLOB NOT NULL, slot INTEGER NOT NULL, root BLOB NOT NULL,
    attempt INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (schema, slot, root)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signed (schema BLOB NOT NULL, slot INTEGER NOT NULL, attempt INTEGER NOT NULL,
    root BLOB NOT NULL, PRIMARY KEY (schema, slot, attempt)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS anchored (serial INTEGER PRIMARY KEY, schema BLOB NOT NULL, slot INTEGER NOT NULL,
    root BLOB NOT NULL, body BLOB, UNIQUE (schema, slot)) STRICT;
CREATE INDEX IF NOT EXISTS anchored_bare ON anchored (serial) WHERE body IS NULL;
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, oracle BLOB NOT NULL, schema BLOB NOT NULL,
    slot INTEGER NOT NULL, attempt INTEGER NOT NULL, fault TEXT NOT NULL, one BLOB NOT NULL, other BLOB NOT NULL,
    time_ms INTEGER NOT NULL, UNIQUE (oracle, one, other)) STRICT;
CREATE TABLE IF NOT EXISTS firings (facility BLOB NOT NULL, rule INTEGER NOT NULL, last_slot INTEGER NOT NULL,
    digest BLOB NOT NULL, found_ms INTEGER NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (facility, rule, last_slot)) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A slot that this oracle reported at `made_ms` and that no final block holds yet."""

    schema: bytes
    slot: int
    made_ms: int


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """Two statements that one oracle signed and that cannot both be honest, by their digests."""

    oracle: bytes
    schema: bytes
    slot: int
    attempt: int
    fault: str
    one: bytes
    other: bytes
    time_ms: int


class Store:
    """Reads and writes of the judgement; every method is one transaction unless the caller has opened one."""

    def __init__(self, database: Database, log: Log) -> None:
        self.database = database
        self._log = log
        with database.transaction():
            for statement in _TABLES.split(";\n"):
                database.rows(statement)

    def seal(self, name: str, body: bytes) -> bytes:
        """The body encrypted under the oracle's key, for this name alone."""
        return self._log.seal(name, body)

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The body of `seal`."""
        return self._log.unseal(name, sealed)

    # --- marks ----------------------------------------------------------------------------------------------------

    def mark(self, name: str) -> int:
        """A number that is kept under a name, 0 at first."""
        row = self.database.row("SELECT value FROM marks WHERE name = ?", (name,))
        return int(row[0]) if row else 0

    def set_mark(self, name: str, value: int) -> None:
        """Keeps a number under a name."""
        self.database.rows("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))

    # --- schemas and covenants ------------------------------------------------------------------------------------

    def add_covenant(self, facility: bytes, covenant: Covenant) -> bool:
        """Keeps a covenant with its schemas; False when it was known."""
        with self.database.transaction():
            if self.database.row("SELECT 1 FROM covenants WHERE facility = ?", (facility,)):
                return False
            body = self.seal(f"covenant {facility.hex()}", covenant.encoded)
            self.database.rows("INSERT INTO covenants VALUES (?, ?)", (facility, body))
            for schema in covenant.schemas:
                sealed = self.seal(f"schema {schema.id.hex()}", schema.encoded)
                self.database.rows("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (schema.id, sealed))
        return True

    def covenants(self) -> dict[bytes, Covenant]:
        """Every covenant, by facility."""
        rows = self.database.rows("SELECT facility, body FROM covenants ORDER BY facility")
        return {id_: covenants.parse(self.unseal(f"covenant {id_.hex()}", body)) for id_, body in rows}

    def schemas(self) -> dict[bytes, Schema]:
        """Every schema of a covenant, by id."""
        rows = self.database.rows("SELECT id, body FROM schemas ORDER BY id")
        return {id_: schemas.parse(self.unseal(f"schema {id_.hex()}", body)) for id_, body in rows}

    # --- events ---------------------------------------------------------------------------------------------------

    def add_events(self, schema: bytes, slots: Iterable[int]) -> None:
        """Keeps slots that events opened."""
        for slot in slots:
            self.database.rows("INSERT OR IGNORE INTO events VALUES (?, ?, 0)", (schema, slot))

    def waiting_events(self, schema: bytes, limit: int) -> list[int]:
        """The slots of events that are not reported yet, in order."""
        rows = self.database.rows(
            "SELECT slot FROM events WHERE schema = ? AND reported = 0 ORDER BY slot LIMIT ?", (schema, limit)
        )
        return [row[0] for row in rows]

    # --- reports --------------------------------------------------------------------------------------------------

    def add_report(self, report: Report, oracle: bytes, *, own: bool, now_ms: int) -> None:
        """Keeps the first report of an oracle for a slot; an own one opens the slot until it is anchored.

        Of a slot that is anchored a peer's report is kept no more, since the round holds it.
        """
        name = _name("report", report.schema, report.slot, oracle)
        body = self.seal(name, wire.dump(report_to_json(report)))
        with self.database.transaction():
            place = (report.schema, report.slot)
            done = self.database.row("SELECT 1 FROM anchored WHERE schema = ? AND slot = ?", place) is not None
            if done and not own:
                return
            self.database.rows(
                "INSERT OR IGNORE INTO reports (schema, slot, oracle, own, body) VALUES (?, ?, ?, ?, ?)",
                (report.schema, report.slot, oracle, int(own), body),
            )
            if not own:
                return
            self.database.rows("UPDATE events SET reported = 1 WHERE schema = ? AND slot = ?", place)
            if not done:
                self.database.rows("INSERT OR IGNORE INTO open_slots VALUES (?, ?, ?)", (*place, now_ms))

    def reports(self, schema: bytes, slot: int) -> dict[bytes, Report]:
        """The reports for a slot, by oracle."""
        rows = self.database.rows("SELECT oracle, body FROM reports WHERE schema = ? AND slot = ?", (schema, slot))
        return {oracle: self._report(_name("report", schema, slot, oracle), body) for oracle, body in rows}

    def own_reports(self, after: int, limit: int) -> tuple[int, list[Report]]:
        """Own reports of open slots after a serial number, in order, and the last serial number among them."""
        rows = self.database.rows(
            "SELECT serial, schema, slot, oracle, body FROM reports WHERE own = 1 AND serial > ? AND (schema, slot) IN "
            "(SELECT schema, slot FROM open_slots) ORDER BY serial LIMIT ?",
            (after, limit),
        )
        found = [self._report(_name("report", schema, slot, oracle), body) for _, schema, slot, oracle, body in rows]
        return (rows[-1][0] if rows else after), found

    def last_own_slot(self, schema: bytes, oracle: bytes) -> int | None:
        """The latest slot that this oracle reported, or None."""
        row = self.database.row("SELECT max(slot) FROM reports WHERE schema = ? AND oracle = ?", (schema, oracle))
        return row[0] if row else None

    def how_many(self, schema: bytes, slot: int) -> int:
        """The number of reports for a slot."""
        row = self.database.row("SELECT count(*) FROM reports WHERE schema = ? AND slot = ?", (schema, slot))
        return int(row[0]) if row else 0

    def open_slot(self, schema: bytes, slot: int) -> OpenSlot | None:
        """A slot that is reported and not anchored, or None."""
        row = self.database.row("SELECT made_ms FROM open_slots WHERE schema = ? AND slot = ?", (schema, slot))
        return None if row is None else OpenSlot(schema, slot, row[0])

    def open_slots(self, limit: int) -> list[OpenSlot]:
        """Reported slots that are not anchored, the oldest first."""
        rows = self.database.rows(
            "SELECT schema, slot, made_ms FROM open_slots ORDER BY made_ms, slot LIMIT ?", (limit,)
        )
        return [OpenSlot(*row) for row in rows]

    def _report(self, name: str, body: bytes) -> Report:
        return report_from_json(Fields(wire.load(self.unseal(name, body)), "report"))

    # --- proposals and signatures -----------------------------------------------------------------------------------

    def add_proposal(self, proposal: Proposal, root: bytes) -> None:
        """Keeps a checked proposal under the root it yields."""
        self.database.rows(
            "INSERT OR IGNORE INTO proposals VALUES (?, ?, ?, ?, ?)",
            (proposal.schema, proposal.slot, root, proposal.attempt, self._seal_proposal(proposal, root)),
        )

    def proposals(self, schema: bytes, slot: int) -> list[Proposal]:
        """The proposals for a slot, by attempt."""
        rows = self.database.rows(
            "SELECT root, body FROM proposals WHERE schema = ? AND slot = ? ORDER BY attempt", (schema, slot)
        )
        return [self._open_proposal(schema, slot, root, body) for root, body in rows]

    def sign_once(self, schema: bytes, slot: int, attempt: int, root: bytes) -> bytes:
        """The root that this oracle signs in an attempt: the first it was asked for, on the disk before it signs."""
        with self.database.transaction():
            self.database.rows("INSERT OR IGNORE INTO signed VALUES (?, ?, ?, ?)", (schema, slot, attempt, root))
            row = self.database.row(
                "SELECT root FROM signed WHERE schema = ? AND slot = ? AND attempt = ?", (schema, slot, attempt)
            )
        return bytes(row[0]) if row else root

    # --- anchored rounds --------------------------------------------------------------------------------------------

    def add_anchored(self, rounds: Sequence[Anchored]) -> None:
        """Keeps what the chain holds; the reports come along when a proposal of that root is known."""
        with self.database.transaction():
            for each in rounds:
                place = (each.schema, each.slot)
                self.database.rows(
                    "INSERT OR IGNORE INTO anchored (schema, slot, root, body) VALUES (?, ?, ?, "
                    "(SELECT body FROM proposals WHERE schema = ? AND slot = ? AND root = ?))",
                    (*place, each.root, *place, each.root),
                )
                self.database.rows("DELETE FROM open_slots WHERE schema = ? AND slot = ?", place)
                self.database.rows("DELETE FROM reports WHERE schema = ? AND slot = ? AND own = 0", place)
                self.database.rows(
                    "DELETE FROM proposals WHERE schema = ? AND slot = ? AND root = ?", (*place, each.root)
                )

    def add_body(self, proposal: Proposal, root: bytes) -> None:
        """Keeps the reports of an anchored round that were fetched from a peer."""
        self.database.rows(
            "UPDATE anchored SET body = ? WHERE schema = ? AND slot = ? AND root = ?",
            (self._seal_proposal(proposal, root), proposal.schema, proposal.slot, root),
        )

    def bare(self, limit: int) -> list[Anchored]:
        """Anchored rounds of known schemas whose reports are not known here."""
        rows = self.database.rows(
            "SELECT schema, slot, root FROM anchored WHERE body IS NULL AND schema IN (SELECT id FROM schemas) "
            "ORDER BY serial LIMIT ?",
            (limit,),
        )
        return [Anchored(*row) for row in rows]

    def anchored(self, schema: bytes, slot: int) -> tuple[bytes, Proposal | None] | None:
        """The root of an anchored round and the proposal that it was made of, when that is known."""
        row = self.database.row("SELECT root, body FROM anchored WHERE schema = ? AND slot = ?", (schema, slot))
        if row is None:
            return None
        root, body = row
        return root, None if body is None else self._open_proposal(schema, slot, root, body)

    def anchored_from(self, schema: bytes, slot: int, limit: int) -> list[tuple[int, Proposal | None]]:
        """Anchored rounds of a schema from a slot on, in the order of slots."""
        rows = self.database.rows(
            "SELECT slot, root, body FROM anchored WHERE schema = ? AND slot >= ? ORDER BY slot LIMIT ?",
            (schema, slot, limit),
        )
        return [(at, None if body is None else self._open_proposal(schema, at, root, body)) for at, root, body in rows]

    def _seal_proposal(self, proposal: Proposal, root: bytes) -> bytes:
        text = wire.dump(proposal_to_json(proposal))
        return self.seal(_name("proposal", proposal.schema, proposal.slot, root), text)

    def _open_proposal(self, schema: bytes, slot: int, root: bytes, body: bytes) -> Proposal:
        text = self.unseal(_name("proposal", schema, slot, root), body)
        return proposal_from_json(Fields(wire.load(text), "proposal"))

    def event_rounds(self, schema: bytes, serial: int, limit: int) -> list[tuple[int, int, Proposal | None]]:
        """Anchored rounds of a schema after a serial number, in the order of anchoring: serial, slot, proposal."""
        rows = self.database.rows(
            "SELECT serial, slot, root, body FROM anchored WHERE schema = ? AND serial > ? ORDER BY serial LIMIT ?",
            (schema, serial, limit),
        )
        return [
            (number, at, None if body is None else self._open_proposal(schema, at, root, body))
            for number, at, root, body in rows
        ]

    # --- faults -----------------------------------------------------------------------------------------------------

    def add_fault(self, seen: FaultSeen) -> None:
        """Keeps a fault once."""
        self.database.rows(
            "INSERT OR IGNORE INTO faults (oracle, schema, slot, attempt, fault, one, other, time_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (seen.oracle, seen.schema, seen.slot, seen.attempt, seen.fault, seen.one, seen.other, seen.time_ms),
        )

    def faults(self, limit: int) -> list[FaultSeen]:
        """The newest faults first."""
        rows = self.database.rows(
            "SELECT oracle, schema, slot, attempt, fault, one, other, time_ms FROM faults ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [FaultSeen(*row) for row in rows]


def _name(kind: str, schema: bytes, slot: int, key: bytes) -> str:
    return f"{kind} {schema.hex()} {slot} {key.hex()}"
