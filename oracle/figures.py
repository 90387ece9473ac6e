"""What an oracle shows to those who may read it: rounds and their leaves, observations, segments, firings explained."""

from collections.abc import Iterable

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from oracle.anchored import AnchoredRound, AnchoredRounds
from oracle.clock import Clock
from oracle.database import Database
from oracle.firings import FiringRecord, FiringStore
from oracle.fleets import load_bundle
from oracle.formats import observation as observations
from oracle.formats.covenant import Covenant
from oracle.formats.fleet import fleet_to_json
from oracle.formats.report import Proposal, proposal_to_json
from oracle.formats.schema import Schema
from oracle.log import Log
from oracle.rules import ConditionExplained, explain
from oracle.staleness import silent
from oracle.store import Store

PAGE = 500
SEGMENTS = 64
REFUSALS = 20


class UnknownHere(LookupError):
    """This oracle has nothing under the name."""


class Figures:
    """Read-only answers from an oracle's log and judgement, as JSON values."""

    def __init__(
        self,
        database: Database,
        log: Log,
        store: Store,
        anchored: AnchoredRounds,
        firings: FiringStore,
        clock: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._store = store
        self._anchored = anchored
        self._firings = firings
        self._clock = clock

    def proposal(self, schema: bytes, slot: int) -> JsonValue:
        """The proposal that an anchored round was made of. Raises UnknownHere."""
        return proposal_to_json(self._round(schema, slot)[1])

    def round(self, schema: bytes, slot: int) -> JsonValue:
        """An anchored round: root, leaves in order with their proofs, observations, reports. Raises UnknownHere."""
        known, proposal = self._round(schema, slot)
        round_ = known.rebuild(self._schema(schema), proposal)
        leaves: list[JsonValue] = [
            {"data": data_hex(leaf), "proof": [data_hex(each) for each in round_.tree.proof(place)]}
            for place, leaf in enumerate(round_.leaves)
        ]
        return {
            "schema": data_hex(schema),
            "slot": slot,
            "roundId": data_hex(round_.id),
            "root": data_hex(known.root),
            "setEpoch": known.config.epoch,
            "leaves": leaves,
            "observations": [observations.to_json(each) for each in round_.observations],
            "reports": proposal_to_json(proposal)["reports"],
        }

    def observations(self, schema: bytes, start: int, end: int) -> JsonValue:
        """A page of the agreed observations of the slots from `start` up to and without `end`; `next` is a slot."""
        found: list[JsonValue] = []
        known = self._schema(schema)
        rounds = self._anchored.from_slot(schema, start, PAGE + 1)
        for each in rounds[:PAGE]:
            if each.slot < end and each.proposal is not None:
                found += [observations.to_json(seen) for seen in each.rebuild(known, each.proposal).observations]
        more = len(rounds) > PAGE and rounds[PAGE].slot < end
        return {"observations": found, "next": rounds[PAGE].slot if more else None}

    def segments(self, device: bytes, start: int, end: int, after: int) -> JsonValue:
        """A device's segments after number `after` - 1 whose event time touches `start` up to and without `end`."""
        entries = self._log.stream(device, start, end, after, SEGMENTS + 1)
        shown: list[JsonValue] = [
            {
                "place": each.position.place,
                "seq": each.position.seq,
                "leaf": data_hex(each.leaf),
                "salt": data_hex(each.salt),
                "arrivedMs": each.position.arrived_ms,
                "segment": data_hex(each.raw),
            }
            for each in entries[:SEGMENTS]
        ]
        more = entries[SEGMENTS].position.seq if len(entries) > SEGMENTS else None
        return {"device": data_hex(device), "entries": shown, "next": more}

    def fleet(self, entity: int, epoch: int) -> JsonValue:
        """The fleet of an entity in one epoch, as it was handed in. Raises UnknownHere."""
        rows = self._database.rows("SELECT body FROM fleets WHERE entity = ? ORDER BY id", (entity,))
        for (body,) in rows:
            fleet = load_bundle(body).fleet
            if fleet.epoch == epoch:
                return fleet_to_json(fleet)
        raise UnknownHere(f"fleet of entity {entity} in epoch {epoch}")

    def device(self, device: bytes) -> JsonValue:
        """How far a device's stream goes, when it was last heard, and what of it was refused."""
        cursor = self._log.cursor(device)
        rows = self._database.rows(
            "SELECT reason, detail, last_ms, count FROM refusals WHERE device = ? ORDER BY last_ms DESC LIMIT ?",
            (device, REFUSALS),
        )
        held = self._database.row("SELECT seq, time_ms FROM equivocations WHERE device = ?", (device,))
        refusals: list[JsonValue] = [
            {"reason": reason, "detail": detail, "lastMs": last_ms, "count": count}
            for reason, detail, last_ms, count in rows
        ]
        return {
            "device": data_hex(device),
            "seq": None if cursor is None else cursor.seq,
            "lastEventMs": None if cursor is None else cursor.last_ms,
            "lastSeenMs": self._log.arrived_ms(device),
            "equivocation": None if held is None else {"seq": held[0], "timeMs": held[1]},
            "refusals": refusals,
        }

    def silent(self, schemas: Iterable[Schema]) -> JsonValue:
        """The devices of schemas that nothing came from for longer than they may rest."""
        found = silent(schemas, self._log.arrived_ms, self._clock.now_ms())
        return {"devices": [{"device": data_hex(device), "lastSeenMs": at} for device, at in found.items()]}

    def firings(self, facility: bytes, covenant: Covenant) -> list[JsonValue]:
        """The firings of a facility, each explained."""
        return [_firing(each, covenant) for each in self._firings.of(facility, covenant)]

    def faults(self) -> JsonValue:
        """Oracles that contradicted themselves."""
        return {
            "faults": [
                {
                    "oracle": data_hex(each.oracle),
                    "schema": data_hex(each.schema),
                    "slot": each.slot,
                    "attempt": each.attempt,
                    "fault": each.fault,
                    "digests": [data_hex(each.one), data_hex(each.other)],
                    "timeMs": each.time_ms,
                }
                for each in self._store.faults(PAGE)
            ]
        }

    def _round(self, schema: bytes, slot: int) -> tuple[AnchoredRound, Proposal]:
        known = self._anchored.find(schema, slot)
        if known is None or known.proposal is None:
            raise UnknownHere(f"round of slot {slot}")
        return known, known.proposal

    def _schema(self, schema: bytes) -> Schema:
        found = self._store.schemas().get(schema)
        if found is None:
            raise UnknownHere(f"schema {data_hex(schema)}")
        return found


def _firing(record: FiringRecord, covenant: Covenant) -> JsonValue:
    told = explain(record.firing)
    return {
        "rule": told.rule,
        "name": covenant.names[told.rule],
        "action": told.action.name.lower(),
        "clause": data_hex(told.clause),
        "state": record.state.value,
        "cause": record.cause,
        "foundMs": record.found_ms,
        "firstSlot": told.first_slot,
        "lastSlot": told.last_slot,
        "evidence": data_hex(record.firing.digest),
        "conditions": [_condition(each) for each in told.conditions],
    }


def _condition(told: ConditionExplained) -> JsonValue:
    condition = told.condition
    return {
        "schema": data_hex(condition.schema),
        "subject": data_hex(condition.subject),
        "metric": data_hex(condition.metric),
        "comparator": condition.comparator.sign,
        "threshold": str(condition.threshold),
        "count": condition.count,
        "observations": [observations.to_json(each) for each in told.run],
        "instead": {
            "slot": told.nearest.slot,
            "value": str(told.nearest.value),
            "wouldNotHaveCounted": str(told.nearest.instead),
        },
    }
