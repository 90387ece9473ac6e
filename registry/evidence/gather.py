"""The evidence of an action, gathered from an oracle: rounds, segments, log entries, devices. Pure but for its port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from ledger_node.hashing import keccak256
from oracle.agreement import Round
from oracle.formats.covenant import Covenant
from oracle.formats.fleet import Fleet
from oracle.formats.observation import Observation
from oracle.formats.report import Report
from oracle.formats.rule import Action, Firing
from oracle.formats.schema import Schema
from oracle.formats.segment import SignedSegment
from oracle.observe import Streams, contributing
from registry import structs
from registry.evidence.bundle import (
    ActionEvidence,
    CheckpointEvidence,
    DeviceEvidence,
    EntryEvidence,
    FleetEvidence,
    ObservationEvidence,
    RoundEvidence,
    ScheduleEntry,
    SegmentEvidence,
)
from registry.firings import FiringError, decode_firing


class EvidenceMissing(LookupError):
    """An oracle does not have, or does not give, a part of the evidence; the message names it."""


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """A round with the reports that it was made of, by the position of their oracles; `oracles` has all by position."""

    round: Round
    reports: Mapping[int, Report]
    oracles: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """A segment's entry in an oracle's log, with its RFC 6962 proof at the size that was asked for."""

    place: int
    arrived_ms: int
    salt: bytes
    proof: tuple[bytes, ...]


class EvidencePort(Protocol):
    """What an oracle can be asked for. Each raises EvidenceMissing."""

    def covenant(self, facility: bytes) -> Covenant:
        """The covenant of a facility."""

    def round(self, schema: Schema, slot: int) -> RoundRecord:
        """An anchored round with its reports."""

    def streams(self, schema: Schema, slot: int) -> Streams:
        """The segments of a schema's devices that may matter for a slot, by device, in the order of seq."""

    def entry(self, oracle: bytes, segment: SignedSegment, size: int) -> LoggedEntry | None:
        """A segment's entry among the first `size` of an oracle's log; None when that log cannot be read."""

    def fleet(self, entity: int, epoch: int) -> Fleet:
        """An entity's fleet of an epoch."""


def gather(
    port: EvidencePort, facility: bytes, firing_data: bytes, act: structs.Firing, epochs: Mapping[int, int]
) -> ActionEvidence:
    """The evidence of a firing; `epochs` has the epoch of each entity's fleet in force then. Raises EvidenceMissing."""
    firing = _firing(firing_data, act)
    covenant = port.covenant(facility)
    schemas = {each.id: each for each in covenant.schemas}
    asked = _asked(firing)
    work = _Work(port, schemas)
    for (schema, slot), observations in sorted(asked.items()):
        if schema not in schemas:
            raise EvidenceMissing(f"the facility's covenant has no schema {schema.hex()}")
        work.add_round(schemas[schema], slot, observations)
    devices, fleets = _devices(port, work.devices, epochs)
    return ActionEvidence(
        firing=firing_data,
        rule_proof=tuple(covenant.rules_tree.proof(firing.rule.index)),
        instalment=_instalment(covenant, act) if act.action == Action.DEFER else None,
        schemas=tuple(sorted((schemas[each] for each in {place[0] for place in asked}), key=lambda each: each.id)),
        rounds=tuple(work.rounds),
        segments=tuple(SegmentEvidence(raw, tuple(entries)) for raw, entries in sorted(work.entries.items())),
        devices=devices,
        fleets=fleets,
    )


def _firing(data: bytes, act: structs.Firing) -> Firing:
    """The firing that a transition names; what an index has in its place is not looked at any further."""
    if keccak256(data) != act.evidence:
        raise EvidenceMissing("the firing in the index is not the one that the transition names")
    try:
        return decode_firing(data)
    except FiringError as error:
        raise EvidenceMissing(str(error)) from None


def _asked(firing: Firing) -> dict[tuple[bytes, int], list[Observation]]:
    asked: dict[tuple[bytes, int], list[Observation]] = {}
    for each in dict.fromkeys(chain.from_iterable(firing.evidence)):
        asked.setdefault((each.schema, each.slot), []).append(each)
    return asked


class _Work:
    """What has been gathered so far."""

    def __init__(self, port: EvidencePort, schemas: Mapping[bytes, Schema]) -> None:
        self._port = port
        self._schemas = schemas
        self.rounds: list[RoundEvidence] = []
        self.entries: dict[bytes, list[EntryEvidence]] = {}
        self.devices: set[bytes] = set()

    def add_round(self, schema: Schema, slot: int, observations: Sequence[Observation]) -> None:
        """A round with the segments that its observations rest on."""
        record = self._port.round(schema, slot)
        streams = self._port.streams(schema, slot)
        segments: dict[bytes, SignedSegment] = {}
        found = []
        if not set(observations) <= set(record.round.observations):
            raise EvidenceMissing(f"the oracles' round of slot {slot} has no such observation as the firing")
        for each in sorted(observations, key=lambda each: (each.subject, each.metric)):
            metric = next(
                metric for metric in schema.metrics if (metric.subject, metric.id) == (each.subject, each.metric)
            )
            segments |= {used.raw: used for used in contributing(schema, metric, slot, streams)}
            index = record.round.observations.index(each)
            salts = tuple(record.reports[at].observations[index].salt for at in sorted(record.reports))
            proof = tuple(record.round.tree.proof(index))
            found.append(ObservationEvidence(each.subject, each.metric, index, proof, salts))
        checkpoints = self._log(schema, slot, record, segments)
        self.rounds.append(RoundEvidence(schema.id, slot, tuple(found), checkpoints))

    def _log(
        self, schema: Schema, slot: int, record: RoundRecord, segments: Mapping[bytes, SignedSegment]
    ) -> tuple[CheckpointEvidence, ...]:
        """The entries of a round's segments under one reporter's checkpoint."""
        if not segments:
            return ()
        for number, position in enumerate(sorted(record.reports)):
            oracle, checkpoint = record.oracles[position], record.reports[position].checkpoint
            logged = {raw: self._port.entry(oracle, each, checkpoint.size) for raw, each in segments.items()}
            entries = {raw: entry for raw, entry in logged.items() if entry is not None}
            if len(entries) < len(segments):
                continue
            for raw, entry in entries.items():
                self.devices.add(segments[raw].content.device)
                place = (schema.id, slot, oracle, entry.place, entry.arrived_ms, entry.salt, entry.proof)
                self.entries.setdefault(raw, []).append(EntryEvidence(*place))
            index = len(record.round.observations) + number
            proof = tuple(record.round.tree.proof(index))
            return (CheckpointEvidence(oracle, checkpoint.size, checkpoint.root, index, proof),)
        raise EvidenceMissing(f"no reporter's log of slot {slot} can be read with all its segments")


def _devices(
    port: EvidencePort, devices: set[bytes], epochs: Mapping[int, int]
) -> tuple[tuple[DeviceEvidence, ...], tuple[FleetEvidence, ...]]:
    found = []
    fleets: dict[int, Fleet] = {}
    for device in sorted(devices):
        entity = int.from_bytes(device[:4], "big")
        fleet = fleets.setdefault(entity, port.fleet(entity, epochs.get(entity, 0)))
        record = fleet.find(device)
        if record is None:
            raise EvidenceMissing(f"device {device.hex()} is not in epoch {fleet.epoch} of its fleet")
        place = fleet.place(device)
        found.append(DeviceEvidence(record, place, tuple(fleet.tree().proof(place))))
    listed = tuple(FleetEvidence(entity, fleets[entity].revocations) for entity in sorted(fleets))
    return tuple(found), listed


def _instalment(covenant: Covenant, act: structs.Firing) -> ScheduleEntry:
    ordinal = int.from_bytes(act.target, "big")
    entry = covenant.schedule[ordinal]
    proof = tuple(covenant.schedule_tree.proof(ordinal))
    return ScheduleEntry(entry.period_start_ms, entry.due_ms, entry.amount.commitment, proof)
