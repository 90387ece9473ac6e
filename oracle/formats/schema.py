"""A schema: which metrics the oracles observe, of what, from which devices, and when (docs/formats/observation.md).

A schema is canonical JSON and holds a secret salt; its id, keccak256 of its bytes, is all that the chain shows.
Times are milliseconds of event time, shares are basis points, values are integers times 10**exp10.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.metric import DAY_MS, MAX_MEMBERS, MAX_SPAN_MS, Metric, metric_from_json, metric_to_json
from oracle.formats.profile import limits_from_json, limits_to_json
from oracle.formats.segment import MAX_EXP10, MAX_TIME_MS
from oracle.quality import Limits

FORMAT = "cangdan/schema/1"
MAX_METRICS = 1024
_PERIOD = re.compile(r"P(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})S)?)?\Z")


class Kind(StrEnum):
    """Whether slots follow each other (period) or each event is a slot (event)."""

    PERIOD = "period"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Zone:
    """A place and its clock: 10**-6 degrees north and east, minutes east of UTC."""

    lat_e6: int
    lon_e6: int
    utc_offset_min: int


@dataclass(frozen=True, slots=True)
class Member:
    """One channel of one device, as its profile declares it.

    `cadence_ms` is the time between its readings, 0 when it speaks of events; limits are in units of 10**exp10.
    """

    device: bytes
    channel: int
    cadence_ms: int = 0
    exp10: int = 0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Schema:
    """What the oracles of one consortium observe together; one round a slot."""

    name: str
    kind: Kind
    period_ms: int
    start_ms: int
    zone: Zone
    lateness_ms: int
    fleet_entity: int
    salt: bytes
    members: tuple[Member, ...]
    metrics: tuple[Metric, ...]
    triggers: tuple[int, ...] = ()

    @cached_property
    def encoded(self) -> bytes:
        """The canonical JSON."""
        return canonical_json.dumps(to_json(self))

    @cached_property
    def id(self) -> bytes:
        """keccak256 of the canonical JSON, 32 bytes."""
        return keccak256(self.encoded)

    @cached_property
    def devices(self) -> tuple[bytes, ...]:
        """The devices of the members, ascending."""
        return tuple(sorted({each.device for each in self.members}))

    def window(self, slot: int) -> tuple[int, int]:
        """The first millisecond of a slot and the one after its last."""
        return slot, slot + (self.period_ms or 1)

    def slot_of(self, time_ms: int) -> int:
        """The slot that holds an event time; of an event schema the time itself."""
        if self.kind is Kind.EVENT:
            return time_ms
        return time_ms - (time_ms - self.start_ms) % self.period_ms

    def is_slot(self, slot: int) -> bool:
        """Whether `slot` is the start of one of this schema's slots."""
        return slot >= self.start_ms and self.slot_of(slot) == slot

    def position(self, subject: bytes, metric: bytes) -> int | None:
        """The place of an observation in each round, or None."""
        for place, each in enumerate(self.metrics):
            if each.subject == subject and each.id == metric:
                return place
        return None


def parse(text: bytes) -> Schema:
    """The schema in canonical JSON. Raises FieldError or JsonError that names field and rule."""
    return from_json(canonical_json.loads(text, canonical=True))


def from_json(value: JsonValue, path: str = "schema") -> Schema:
    """The schema of a JSON value. Raises FieldError that names field and rule."""
    fields = Fields(value, path)
    if fields.take("format") != FORMAT:
        raise FieldError(f"{fields.at('format')}: must be {FORMAT}")
    kind = fields.word("kind", Kind, [each.value for each in Kind])
    period_ms = read_period(fields.text("period"), fields.at("period")) if kind is Kind.PERIOD else 0
    members = tuple(_member(each) for each in objects(fields, "members", MAX_MEMBERS, fewest=1))
    places = len(members) - 1
    schema = Schema(
        name=fields.text("name", 64),
        kind=kind,
        period_ms=period_ms,
        start_ms=fields.integer("startMs", 0, MAX_TIME_MS),
        zone=_zone(fields.inner("zone")),
        lateness_ms=fields.integer("latenessMs", 0, 30 * DAY_MS, 0),
        fleet_entity=fields.integer("fleetEntity", 1, (1 << 32) - 1),
        salt=fields.data("salt", 32),
        members=members,
        metrics=tuple(metric_from_json(each, places) for each in objects(fields, "metrics", MAX_METRICS, fewest=1)),
        triggers=fields.integers("triggers", 0, places, MAX_MEMBERS) if kind is Kind.EVENT else (),
    )
    fields.end()
    _check(schema, fields)
    return schema


def to_json(schema: Schema) -> JsonValue:
    """The JSON value; fields that have their default are left out."""
    value: dict[str, JsonValue] = {
        "format": FORMAT,
        "name": schema.name,
        "kind": schema.kind.value,
        "startMs": schema.start_ms,
        "zone": {
            "latE6": schema.zone.lat_e6,
            "lonE6": schema.zone.lon_e6,
            "utcOffsetMin": schema.zone.utc_offset_min,
        },
        "fleetEntity": schema.fleet_entity,
        "salt": data_hex(schema.salt),
        "members": [_member_json(each) for each in schema.members],
        "metrics": [metric_to_json(each) for each in schema.metrics],
    }
    if schema.lateness_ms:
        value["latenessMs"] = schema.lateness_ms
    if schema.kind is Kind.PERIOD:
        value["period"] = write_period(schema.period_ms)
    else:
        value["triggers"] = list(schema.triggers)
    return value


def read_period(text: str, path: str = "period") -> int:
    """The milliseconds of an ISO 8601 duration of days, hours, minutes and seconds. Raises FieldError.

    Years and months are refused, as they have no fixed length.
    """
    match = _PERIOD.match(text)
    if match is None:
        raise FieldError(f"{path}: must be an ISO 8601 duration of days, hours, minutes or seconds, as PT15M or P1D")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    period_ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    if not 0 < period_ms <= MAX_SPAN_MS:
        raise FieldError(f"{path}: must last from one second to {MAX_SPAN_MS // DAY_MS} days")
    return period_ms


def write_period(period_ms: int) -> str:
    """The shortest ISO 8601 duration of a whole number of seconds."""
    seconds = period_ms // 1000
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def _zone(fields: Fields) -> Zone:
    zone = Zone(
        fields.integer("latE6", -90_000_000, 90_000_000),
        fields.integer("lonE6", -180_000_000, 180_000_000),
        fields.integer("utcOffsetMin", -14 * 60, 14 * 60, 0),
    )
    fields.end()
    return zone


def _member(fields: Fields) -> Member:
    member = Member(
        device=fields.data("device", 16),
        channel=fields.integer("channel", 0, (1 << 16) - 1),
        cadence_ms=fields.integer("cadenceMs", 0, MAX_SPAN_MS, 0),
        exp10=fields.integer("exp10", -MAX_EXP10, MAX_EXP10, 0),
        limits=limits_from_json(fields),
    )
    fields.end()
    return member


def _member_json(member: Member) -> JsonValue:
    value: dict[str, JsonValue] = {"device": data_hex(member.device), "channel": member.channel}
    if member.cadence_ms:
        value["cadenceMs"] = member.cadence_ms
    if member.exp10:
        value["exp10"] = member.exp10
    return value | limits_to_json(member.limits)


def _check(schema: Schema, fields: Fields) -> None:
    if len({(each.device, each.channel) for each in schema.members}) != len(schema.members):
        raise FieldError(f"{fields.at('members')}: a channel stands twice")
    if len({(each.subject, each.id) for each in schema.metrics}) != len(schema.metrics):
        raise FieldError(f"{fields.at('metrics')}: two metrics have one subject and name")
    midnight = (schema.start_ms + schema.zone.utc_offset_min * 60_000) % DAY_MS == 0
    if schema.kind is Kind.PERIOD and schema.period_ms % DAY_MS == 0 and not midnight:
        raise FieldError(f"{fields.at('startMs')}: periods of days must start at midnight of the zone")
    if schema.kind is Kind.EVENT and not schema.triggers:
        raise FieldError(f"{fields.at('triggers')}: an event schema needs a member whose readings are its slots")
    for number, metric in enumerate(schema.metrics):
        if metric.completeness_bps and not all(schema.members[place].cadence_ms for place in metric.members):
            raise FieldError(f"{fields.at(f'metrics[{number}].completenessBps')}: needs members with a cadenceMs")
        if schema.kind is Kind.EVENT and metric.completeness_bps:
            raise FieldError(f"{fields.at(f'metrics[{number}].completenessBps')}: an event has no expected readings")
