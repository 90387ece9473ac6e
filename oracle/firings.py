"""What an oracle keeps of rules that fired: each firing once, with what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from ledger_node.canonical_json import JsonValue
from oracle.formats import observation as observations
from oracle.formats import wire
from oracle.formats.covenant import Covenant
from oracle.formats.fields import Fields
from oracle.formats.metric import MAX_MEMBERS
from oracle.formats.rule import MAX_CONDITIONS, Firing
from oracle.store import Store


class FiringState(StrEnum):
    """Whether a firing waits to be executed, was acted on (by whomever), or was refused by the chain."""

    PENDING = "pending"
    ACTED = "acted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class FiringRecord:
    """A firing of a facility's rule, found at `found_ms` on the oracle's clock; `cause` says why it was refused."""

    facility: bytes
    firing: Firing
    found_ms: int
    state: FiringState
    cause: str


class FiringStore:
    """Firings in the oracle's database; their evidence is sealed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, facility: bytes, firing: Firing, now_ms: int) -> FiringRecord:
        """Keeps a firing as pending, unless it is known; what is kept."""
        evidence: JsonValue = [[observations.to_json(each) for each in run] for run in firing.evidence]
        place = (facility, firing.rule.index, firing.last_slot)
        body = self._store.seal(_name(*place), wire.dump(evidence))
        self._store.database.rows(
            "INSERT OR IGNORE INTO firings VALUES (?, ?, ?, ?, ?, ?, '', ?)",
            (*place, firing.digest, now_ms, FiringState.PENDING.value, body),
        )
        row = self._store.database.row(
            "SELECT found_ms, state, cause FROM firings WHERE facility = ? AND rule = ? AND last_slot = ?", place
        )
        found_ms, state, cause = row if row else (now_ms, FiringState.PENDING.value, "")
        return FiringRecord(facility, firing, found_ms, FiringState(state), cause)

    def finish(self, record: FiringRecord, state: FiringState, cause: str = "") -> None:
        """Keeps what became of a firing."""
        place = (record.facility, record.firing.rule.index, record.firing.last_slot)
        self._store.database.rows(
            "UPDATE firings SET state = ?, cause = ? WHERE facility = ? AND rule = ? AND last_slot = ?",
            (state.value, cause, *place),
        )

    def pending(self) -> int:
        """How many firings wait to be settled on the chain."""
        row = self._store.database.row("SELECT count(*) FROM firings WHERE state = ?", (FiringState.PENDING.value,))
        return int(row[0]) if row else 0

    def floor(self, facility: bytes, rule: int) -> int:
        """The last slot of the firings of a rule that the chain refused, -1 when there are none."""
        row = self._store.database.row(
            "SELECT max(last_slot) FROM firings WHERE facility = ? AND rule = ? AND state = ?",
            (facility, rule, FiringState.REFUSED.value),
        )
        return -1 if row is None or row[0] is None else int(row[0])

    def of(self, facility: bytes, covenant: Covenant) -> list[FiringRecord]:
        """The firings of a facility, in the order of their last slots."""
        rows = self._store.database.rows(
            "SELECT rule, last_slot, found_ms, state, cause, body FROM firings WHERE facility = ? "
            "ORDER BY last_slot, rule",
            (facility,),
        )
        return [self._open(facility, covenant, *row) for row in rows]

    def _open(
        self,
        facility: bytes,
        covenant: Covenant,
        rule: int,
        slot: int,
        found_ms: int,
        state: str,
        cause: str,
        body: bytes,
    ) -> FiringRecord:
        value = wire.load(self._store.unseal(_name(facility, rule, slot), body))
        runs = Fields({"runs": value}, "firing").items("runs", MAX_CONDITIONS)
        evidence = tuple(
            tuple(
                observations.from_json(Fields(each, "observation"))
                for each in Fields({"run": run}, "firing").items("run", MAX_MEMBERS)
            )
            for run in runs
        )
        return FiringRecord(facility, Firing(covenant.rules[rule], evidence), found_ms, FiringState(state), cause)


def _name(facility: bytes, rule: int, slot: int) -> str:
    return f"firing {facility.hex()} {rule} {slot}"
