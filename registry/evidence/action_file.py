"""The `action` part of a bundle's file: what a rule's action rests on."""

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from oracle.formats import schema as schemas
from oracle.formats.fields import Fields, objects
from oracle.formats.fleet import Revocation, device_from_json, device_to_json
from oracle.formats.segment import MAX_TIME_MS
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
from registry.evidence.reading import hashes_json, ordered, read_bytes, read_hashes

_MAX_ROUNDS, _MAX_SEGMENTS, _MAX_DEVICES, _MAX_REPORTS = 64, 100_000, 4096, 31
_MAX_INDEX, _MAX_SIZE = (1 << 32) - 1, (1 << 53) - 1


def read_action(fields: Fields) -> ActionEvidence:
    """The evidence in a JSON object. Raises FieldError, HexError, JsonError."""
    action = ActionEvidence(
        firing=read_bytes(fields, "firing"),
        rule_proof=read_hashes(fields, "ruleProof"),
        instalment=_schedule_entry(fields.inner("instalment")) if fields.has("instalment") else None,
        schemas=ordered(
            [schemas.from_json(each, fields.at("schemas")) for each in fields.items("schemas", _MAX_ROUNDS, fewest=1)],
            lambda each: each.id,
            fields.at("schemas"),
        ),
        rounds=ordered(
            [_round(each) for each in objects(fields, "rounds", _MAX_ROUNDS, fewest=1)],
            lambda each: (each.schema, each.slot),
            fields.at("rounds"),
        ),
        segments=ordered(
            [_segment(each) for each in objects(fields, "segments", _MAX_SEGMENTS)],
            lambda each: each.raw,
            fields.at("segments"),
        ),
        devices=ordered(
            [_device(each) for each in objects(fields, "devices", _MAX_DEVICES)],
            lambda each: each.record.device,
            fields.at("devices"),
        ),
        fleets=ordered(
            [_fleet(each) for each in objects(fields, "fleets", _MAX_DEVICES)],
            lambda each: each.entity,
            fields.at("fleets"),
        ),
    )
    fields.end()
    return action


def action_json(action: ActionEvidence) -> JsonValue:
    """The JSON object of the evidence."""
    value: dict[str, JsonValue] = {
        "firing": data_hex(action.firing),
        "ruleProof": hashes_json(action.rule_proof),
        "schemas": [schemas.to_json(each) for each in action.schemas],
        "rounds": [_round_json(each) for each in action.rounds],
        "segments": [_segment_json(each) for each in action.segments],
        "devices": [_device_json(each) for each in action.devices],
        "fleets": [_fleet_json(each) for each in action.fleets],
    }
    if action.instalment is not None:
        entry = action.instalment
        value["instalment"] = {
            "periodStartMs": entry.period_start_ms,
            "dueMs": entry.due_ms,
            "amountHash": data_hex(entry.amount_hash),
            "proof": hashes_json(entry.proof),
        }
    return value


def _schedule_entry(fields: Fields) -> ScheduleEntry:
    entry = ScheduleEntry(
        period_start_ms=fields.integer("periodStartMs", 0, MAX_TIME_MS),
        due_ms=fields.integer("dueMs", 0, MAX_TIME_MS),
        amount_hash=fields.data("amountHash", 32),
        proof=read_hashes(fields, "proof"),
    )
    fields.end()
    return entry


def _round(fields: Fields) -> RoundEvidence:
    round_ = RoundEvidence(
        schema=fields.data("schema", 32),
        slot=fields.integer("slot", 0, MAX_TIME_MS),
        observations=ordered(
            [_observation(each) for each in objects(fields, "observations", 64, fewest=1)],
            lambda each: (each.subject, each.metric),
            fields.at("observations"),
        ),
        checkpoints=ordered(
            [_checkpoint(each) for each in objects(fields, "checkpoints", _MAX_REPORTS)],
            lambda each: each.oracle,
            fields.at("checkpoints"),
        ),
    )
    fields.end()
    return round_


def _round_json(round_: RoundEvidence) -> JsonValue:
    observations: list[JsonValue] = [
        {
            "subject": data_hex(each.subject),
            "metric": data_hex(each.metric),
            "index": each.index,
            "proof": hashes_json(each.proof),
            "salts": hashes_json(each.salts),
        }
        for each in round_.observations
    ]
    checkpoints: list[JsonValue] = [
        {
            "oracle": data_hex(each.oracle),
            "size": each.size,
            "root": data_hex(each.root),
            "index": each.index,
            "proof": hashes_json(each.proof),
        }
        for each in round_.checkpoints
    ]
    return {
        "schema": data_hex(round_.schema),
        "slot": round_.slot,
        "observations": observations,
        "checkpoints": checkpoints,
    }


def _observation(fields: Fields) -> ObservationEvidence:
    found = ObservationEvidence(
        subject=fields.data("subject", 32),
        metric=fields.data("metric", 32),
        index=fields.integer("index", 0, _MAX_INDEX),
        proof=read_hashes(fields, "proof"),
        salts=read_hashes(fields, "salts", _MAX_REPORTS),
    )
    fields.end()
    return found


def _checkpoint(fields: Fields) -> CheckpointEvidence:
    found = CheckpointEvidence(
        oracle=fields.data("oracle", 20),
        size=fields.integer("size", 1, _MAX_SIZE),
        root=fields.data("root", 32),
        index=fields.integer("index", 0, _MAX_INDEX),
        proof=read_hashes(fields, "proof"),
    )
    fields.end()
    return found


def _segment(fields: Fields) -> SegmentEvidence:
    found = SegmentEvidence(
        raw=read_bytes(fields, "segment"),
        entries=ordered(
            [_entry(each) for each in objects(fields, "entries", _MAX_ROUNDS, fewest=1)],
            lambda each: (each.schema, each.slot),
            fields.at("entries"),
        ),
    )
    fields.end()
    return found


def _segment_json(segment: SegmentEvidence) -> JsonValue:
    entries: list[JsonValue] = [
        {
            "schema": data_hex(each.schema),
            "slot": each.slot,
            "oracle": data_hex(each.oracle),
            "place": each.place,
            "arrivedMs": each.arrived_ms,
            "salt": data_hex(each.salt),
            "proof": hashes_json(each.proof),
        }
        for each in segment.entries
    ]
    return {"segment": data_hex(segment.raw), "entries": entries}


def _entry(fields: Fields) -> EntryEvidence:
    found = EntryEvidence(
        schema=fields.data("schema", 32),
        slot=fields.integer("slot", 0, MAX_TIME_MS),
        oracle=fields.data("oracle", 20),
        place=fields.integer("place", 0, _MAX_SIZE),
        arrived_ms=fields.integer("arrivedMs", 0, MAX_TIME_MS),
        salt=fields.data("salt", 32),
        proof=read_hashes(fields, "proof"),
    )
    fields.end()
    return found


def _device(fields: Fields) -> DeviceEvidence:
    found = DeviceEvidence(
        record=device_from_json(fields.inner("record")),
        index=fields.integer("index", 0, _MAX_INDEX),
        proof=read_hashes(fields, "proof"),
    )
    fields.end()
    return found


def _device_json(device: DeviceEvidence) -> JsonValue:
    return {"record": device_to_json(device.record), "index": device.index, "proof": hashes_json(device.proof)}


def _fleet(fields: Fields) -> FleetEvidence:
    entity = fields.integer("entity", 1, (1 << 32) - 1)
    revocations = [
        Revocation(each.data("device", 16), each.integer("atMs", 0, MAX_TIME_MS))
        for each in objects(fields, "revocations", _MAX_SEGMENTS)
    ]
    fields.end()
    return FleetEvidence(entity, ordered(revocations, lambda each: each.device, fields.at("revocations")))


def _fleet_json(fleet: FleetEvidence) -> JsonValue:
    revocations: list[JsonValue] = [{"device": data_hex(each.device), "atMs": each.at_ms} for each in fleet.revocations]
    return {"entity": fleet.entity, "revocations": revocations}
