"""What the judgement keeps, in the oracle's own database; contents are sealed, names and digests are not."""

from collections.abc import Iterable
from dataclasses import dataclass

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

_CURSOR = "reports of "


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

    def cursor(self, oracle: bytes) -> int:
        """The serial number up to which a peer's reports were taken, 0 at first."""
        return self.mark(f"{_CURSOR}{oracle.hex()}")

    def set_cursor(self, oracle: bytes, serial: int) -> None:
        """Keeps up to where a peer's reports were taken."""
        self.set_mark(f"{_CURSOR}{oracle.hex()}", serial)

    def reset_cursors(self) -> None:
        """Lets all reports of all peers be asked for anew."""
        self.database.rows("DELETE FROM marks WHERE name LIKE ?", (f"{_CURSOR}%",))

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

    def add_own_report(self, report: Report, oracle: bytes, now_ms: int) -> None:
        """Keeps this oracle's report of a slot, the first one, and opens the slot until it is anchored."""
        place = (report.schema, report.slot)
        with self.database.transaction():
            self._insert_report(report, oracle, own=True)
            self.database.rows("UPDATE events SET reported = 1 WHERE schema = ? AND slot = ?", place)
            if not self._is_anchored(*place):
                self.database.rows("INSERT OR IGNORE INTO open_slots VALUES (?, ?, ?)", (*place, now_ms))

    def renew_own_reports(self, reports: Iterable[Report], oracle: bytes, now_ms: int) -> None:
        """Keeps what this oracle reported of open slots under its new signatures; peers find them as new ones.

        Peers' reports of these slots are dropped, as their oracles sign them anew too, and the slots open anew.
        """
        with self.database.transaction():
            for report in reports:
                place = (report.schema, report.slot, oracle)
                self.database.rows(
                    "UPDATE reports SET serial = (SELECT max(serial) + 1 FROM reports), body = ? "
                    "WHERE schema = ? AND slot = ? AND oracle = ?",
                    (self._seal_report(report, oracle), *place),
                )
            self.database.rows("DELETE FROM reports WHERE own = 0")
            self.database.rows("UPDATE open_slots SET made_ms = ?", (now_ms,))

    def add_peer_reports(self, reports: Iterable[Report], oracle: bytes) -> int:
        """Keeps the first report of another oracle for each slot; how many were new. Of an anchored slot none is kept,
        since the round holds it."""
        with self.database.transaction():
            before = self.peer_reports(oracle)
            for report in reports:
                if not self._is_anchored(report.schema, report.slot):
                    self._insert_report(report, oracle, own=False)
            return self.peer_reports(oracle) - before

    def peer_reports(self, oracle: bytes) -> int:
        """How many reports of another oracle are kept."""
        row = self.database.row("SELECT count(*) FROM reports WHERE oracle = ? AND own = 0", (oracle,))
        return int(row[0]) if row else 0

    def _insert_report(self, report: Report, oracle: bytes, *, own: bool) -> None:
        self.database.rows(
            "INSERT OR IGNORE INTO reports (schema, slot, oracle, own, body) VALUES (?, ?, ?, ?, ?)",
            (report.schema, report.slot, oracle, int(own), self._seal_report(report, oracle)),
        )

    def _seal_report(self, report: Report, oracle: bytes) -> bytes:
        name = _name("report", report.schema, report.slot, oracle)
        return self.seal(name, wire.dump(report_to_json(report)))

    def _is_anchored(self, schema: bytes, slot: int) -> bool:
        place = (schema, slot)
        return self.database.row("SELECT 1 FROM anchored WHERE schema = ? AND slot = ?", place) is not None

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

    def add_proposal(self, proposal: Proposal, root: bytes, epoch: int) -> None:
        """Keeps a checked proposal under the root it yields and the set of oracles that it was checked by."""
        self.database.rows(
            "INSERT OR IGNORE INTO proposals VALUES (?, ?, ?, ?, ?, ?)",
            (proposal.schema, proposal.slot, epoch, root, proposal.attempt, self.seal_proposal(proposal, root)),
        )

    def proposals(self, schema: bytes, slot: int, epoch: int) -> list[Proposal]:
        """The proposals for a slot under a set of oracles, by attempt."""
        rows = self.database.rows(
            "SELECT root, body FROM proposals WHERE schema = ? AND slot = ? AND epoch = ? ORDER BY attempt",
            (schema, slot, epoch),
        )
        return [self.open_proposal(schema, slot, root, body) for root, body in rows]

    def sign_once(self, schema: bytes, slot: int, epoch: int, attempt: int, root: bytes) -> bytes:
        """The root that this oracle signs in an attempt: the first it was asked for, on the disk before it signs."""
        place = (schema, slot, epoch, attempt)
        with self.database.transaction():
            self.database.rows("INSERT OR IGNORE INTO signed VALUES (?, ?, ?, ?, ?)", (*place, root))
            row = self.database.row(
                "SELECT root FROM signed WHERE schema = ? AND slot = ? AND epoch = ? AND attempt = ?", place
            )
        return bytes(row[0]) if row else root

    def seal_proposal(self, proposal: Proposal, root: bytes) -> bytes:
        """The body under which a proposal is kept."""
        text = wire.dump(proposal_to_json(proposal))
        return self.seal(_name("proposal", proposal.schema, proposal.slot, root), text)

    def open_proposal(self, schema: bytes, slot: int, root: bytes, body: bytes) -> Proposal:
        """The proposal of `seal_proposal`."""
        text = self.unseal(_name("proposal", schema, slot, root), body)
        return proposal_from_json(Fields(wire.load(text), "proposal"))

    # --- faults -----------------------------------------------------------------------------------------------------

    def add_fault(self, seen: FaultSeen) -> None:
        """Keeps one fault of an oracle in an attempt: more would prove no more."""
        place = (seen.oracle, seen.schema, seen.slot, seen.attempt)
        self.database.rows(
            "INSERT OR IGNORE INTO faults (oracle, schema, slot, attempt, fault, one, other, time_ms) "
            "SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS "
            "(SELECT 1 FROM faults WHERE oracle = ? AND schema = ? AND slot = ? AND attempt = ?)",
            (*place, seen.fault, seen.one, seen.other, seen.time_ms, *place),
        )

    def fault_counts(self) -> dict[bytes, int]:
        """How many faults are kept of each oracle that has any."""
        return dict(self.database.rows("SELECT oracle, COUNT(*) FROM faults GROUP BY oracle ORDER BY oracle"))

    def faults(self, limit: int) -> list[FaultSeen]:
        """The newest faults first."""
        rows = self.database.rows(
            "SELECT oracle, schema, slot, attempt, fault, one, other, time_ms FROM faults ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [FaultSeen(*row) for row in rows]


def _name(kind: str, schema: bytes, slot: int, key: bytes) -> str:
    return f"{kind} {schema.hex()} {slot} {key.hex()}"
