"""A device profile: what a device must measure, how often, within which limits (docs/formats/profile.md)."""

from dataclasses import dataclass, field
from enum import StrEnum

from ledger_node import canonical_json
from ledger_node.canonical_json import MAX_INTEGER, JsonError, JsonValue
from ledger_node.hashing import sha256
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.segment import MAX_EXP10, MAX_TIME_MS
from oracle.quality import Limits

FORMAT = "cangdan/profile/1"
MAX_CHANNELS = 256


class ChannelType(StrEnum):
    """What the values of a channel are."""

    INT = "int"
    TEXT = "text"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `unit` is a UN/ECE Recommendation 20 code; a cadence of 0 means events, at any time.

    `resolution` is the smallest step the device reports, in units of 10**exp10; limits are in the same units.
    """

    number: int
    name: str
    type: ChannelType
    cadence_ms: int = 0
    unit: str = ""
    exp10: int = 0
    resolution: int = 1
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """What devices of one kind send; times in milliseconds.

    A reading may arrive `max_backfill_ms` after it was measured and lie `max_ahead_ms` before the oracle's clock. A
    device that sends nothing for `liveness_ms` is silent; 0 means that it may be silent for ever (store and forward).
    """

    id: str
    max_backfill_ms: int
    max_ahead_ms: int
    liveness_ms: int
    channels: tuple[Channel, ...]

    def channel(self, number: int) -> Channel | None:
        """The channel of that number, or None."""
        return next((each for each in self.channels if each.number == number), None)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON; a fleet names its profiles by it."""
        return sha256(dump_profile(self))


def load_profile(text: bytes) -> DeviceProfile:
    """The profile in a JSON file. Raises FieldError that names field and rule."""
    try:
        return profile_from_json(canonical_json.loads(text))
    except JsonError as error:
        raise FieldError(f"profile: {error}") from None


def dump_profile(profile: DeviceProfile) -> bytes:
    """The canonical JSON (RFC 8785) of a profile."""
    return canonical_json.dumps(profile_to_json(profile))


def profile_from_json(value: JsonValue) -> DeviceProfile:
    """The profile of a JSON value. Raises FieldError that names field and rule."""
    fields = Fields(value, "profile")
    fields.word("format", str, [FORMAT])
    profile = DeviceProfile(
        id=fields.text("id", 64),
        max_backfill_ms=fields.integer("maxBackfillMs", 0, MAX_TIME_MS),
        max_ahead_ms=fields.integer("maxAheadMs", 0, MAX_TIME_MS),
        liveness_ms=fields.integer("livenessMs", 0, MAX_TIME_MS),
        channels=tuple(_channel(each) for each in objects(fields, "channels", MAX_CHANNELS, fewest=1)),
    )
    fields.end()
    for name, seen in (("channel", [c.number for c in profile.channels]), ("name", [c.name for c in profile.channels])):
        if len(set(seen)) != len(seen):
            raise FieldError(f"profile.channels: a {name} stands twice")
    return profile


def profile_to_json(profile: DeviceProfile) -> JsonValue:
    """The JSON value; fields of a channel that have their default are left out."""
    return {
        "format": FORMAT,
        "id": profile.id,
        "maxBackfillMs": profile.max_backfill_ms,
        "maxAheadMs": profile.max_ahead_ms,
        "livenessMs": profile.liveness_ms,
        "channels": [_channel_to_json(each) for each in profile.channels],
    }


_LIMITS = {
    "low": ("low", -MAX_INTEGER),
    "high": ("high", -MAX_INTEGER),
    "step": ("step", 0),
    "stepMs": ("step_ms", 0),
    "stuck": ("stuck", 2),
    "stuckFloor": ("stuck_floor", 0),
    "tolerance": ("tolerance", 0),
}
"""The limits' names in JSON, in the code, and the lowest each may be."""


def _channel(fields: Fields) -> Channel:
    kind = fields.word("type", ChannelType, [each.value for each in ChannelType])
    number, name = fields.integer("channel", 0, 65535), fields.text("name", 64)
    cadence_ms = fields.integer("cadenceMs", 0, MAX_TIME_MS, 0)
    if kind is not ChannelType.INT:
        fields.end()
        return Channel(number, name, kind, cadence_ms)
    unit = fields.text("unit", 3)
    if not unit.isascii() or not unit.isalnum() or unit != unit.upper():
        raise FieldError(f"{fields.at('unit')}: must be a code of UN/ECE Recommendation 20")
    channel = Channel(
        number=number,
        name=name,
        type=kind,
        cadence_ms=cadence_ms,
        unit=unit,
        exp10=fields.integer("exp10", -MAX_EXP10, MAX_EXP10, 0),
        resolution=fields.integer("resolution", 1, MAX_INTEGER, 1),
        limits=limits_from_json(fields),
    )
    fields.end()
    return channel


def _channel_to_json(channel: Channel) -> JsonValue:
    value: dict[str, JsonValue] = {"channel": channel.number, "name": channel.name, "type": channel.type.value}
    if channel.cadence_ms:
        value["cadenceMs"] = channel.cadence_ms
    if channel.type is not ChannelType.INT:
        return value
    value["unit"] = channel.unit
    if channel.exp10:
        value["exp10"] = channel.exp10
    if channel.resolution != 1:
        value["resolution"] = channel.resolution
    return value | limits_to_json(channel.limits)


def limits_from_json(fields: Fields) -> Limits:
    """The limits among the members of a JSON object. Raises FieldError that names field and rule."""
    limits = {word: fields.integer(key, low, MAX_INTEGER) for key, (word, low) in _LIMITS.items() if fields.has(key)}
    try:
        return Limits(**limits)
    except ValueError as error:
        raise FieldError(f"{fields.path}.{error}") from None


def limits_to_json(limits: Limits) -> dict[str, JsonValue]:
    """The members that limits add to a JSON object; those that have their default are left out."""
    default = Limits()
    return {
        key: getattr(limits, word)
        for key, (word, _) in _LIMITS.items()
        if getattr(limits, word) != getattr(default, word)
    }
