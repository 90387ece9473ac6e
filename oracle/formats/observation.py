"""An observation: the value of one metric of one subject in one slot, and the leaves that rounds are made of.

docs/formats/ledger.md fixes the bytes. `value` is an integer times 10**exp10 of the metric, `slot` milliseconds of
event time, `count` the readings used, `sources` the digest of the segments that contributed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256, sha256
from ledger_node.hexvalues import data_hex
from oracle.formats.fields import FieldError, Fields
from oracle.formats.segment import MAX_TIME_MS, Quality, SignedSegment

NO_SOURCES = bytes(32)
"""`sources` of an observation that no segment contributed to."""
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
_SOURCES_TAG, _SALT_TAG, _MISSING_TAG = b"cangdan/sources/1", b"cangdan/salt/1", b"cangdan/salt/missing/1"
_OBSERVATION_LEAF, _CHECKPOINT_LEAF = (1).to_bytes(32, "big"), (2).to_bytes(32, "big")
_FLAGS = frozenset(int(each) for each in Quality)


class Place(NamedTuple):
    """Where an observation belongs: whose metric in which slot of which schema."""

    schema: bytes
    slot: int
    subject: bytes
    metric: bytes


@dataclass(frozen=True, slots=True)
class Observation:
    """One leaf of a round; `flag` is in QARTOD's primary flags."""

    schema: bytes
    slot: int
    subject: bytes
    metric: bytes
    value: int
    flag: Quality
    count: int
    sources: bytes
    salt: bytes

    @property
    def place(self) -> Place:
        """Schema, slot, subject and metric."""
        return Place(self.schema, self.slot, self.subject, self.metric)

    def words(self) -> bytes:
        """The ABI encoding of the struct: nine words."""
        head = self.schema + _word(self.slot) + self.subject + self.metric
        return head + _word(self.value) + _word(self.flag) + _word(self.count) + self.sources + self.salt

    def leaf(self) -> bytes:
        """The data of its leaf: abi.encode(uint8 1, Observation)."""
        return _OBSERVATION_LEAF + self.words()

    def without_salt(self) -> "Observation":
        """The same with a salt of zeros: what two honest oracles must agree on."""
        return replace(self, salt=bytes(32))

    def abi(self) -> tuple[bytes, int, bytes, bytes, int, int, int, bytes, bytes]:
        """The struct as an ABI codec takes it."""
        return (
            self.schema,
            self.slot,
            self.subject,
            self.metric,
            self.value,
            int(self.flag),
            self.count,
            self.sources,
            self.salt,
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a reporter had logged: number of entries and RFC 6962 root of its log."""

    size: int
    root: bytes

    def leaf(self, schema: bytes, slot: int, oracle: bytes) -> bytes:
        """The data of its leaf: abi.encode(uint8 2, schema, slot, oracle, size, root)."""
        return _CHECKPOINT_LEAF + schema + _word(slot) + oracle.rjust(32, b"\0") + _word(self.size) + self.root


def round_id(schema: bytes, slot: int) -> bytes:
    """keccak256(abi.encode(schema, slot))."""
    return keccak256(schema + _word(slot))


def sources_of(segments: Sequence[SignedSegment]) -> bytes:
    """SHA-256 of the tag and the segments' digests in their order; zeros for none."""
    if not segments:
        return NO_SOURCES
    return sha256(_SOURCES_TAG + b"".join(each.digest for each in segments))


def salt_of(place: Place, segments: Sequence[SignedSegment], schema_salt: bytes) -> bytes:
    """The salt that grantees alone can derive: from the segments' signatures, or without any from the schema's salt."""
    where = place.schema + place.slot.to_bytes(8, "big") + place.subject + place.metric
    if not segments:
        return sha256(_MISSING_TAG + schema_salt + where)
    return sha256(_SALT_TAG + where + b"".join(each.signature for each in segments))


def to_json(observation: Observation) -> dict[str, JsonValue]:
    """The JSON object; `value` is a decimal text, as it may pass 2**53."""
    return {
        "schema": data_hex(observation.schema),
        "slot": observation.slot,
        "subject": data_hex(observation.subject),
        "metric": data_hex(observation.metric),
        "value": str(observation.value),
        "flag": int(observation.flag),
        "count": observation.count,
        "sources": data_hex(observation.sources),
        "salt": data_hex(observation.salt),
    }


def from_json(fields: Fields) -> Observation:
    """The observation of a JSON object. Raises FieldError that names field and rule."""
    flag = fields.integer("flag", 1, 9)
    if flag not in _FLAGS:
        raise FieldError(f"{fields.at('flag')}: must be 1, 2, 3, 4 or 9")
    observation = Observation(
        schema=fields.data("schema", 32),
        slot=fields.integer("slot", 0, MAX_TIME_MS),
        subject=fields.data("subject", 32),
        metric=fields.data("metric", 32),
        value=fields.long("value", LOWEST, HIGHEST),
        flag=Quality(flag),
        count=fields.integer("count", 0, (1 << 32) - 1),
        sources=fields.data("sources", 32),
        salt=fields.data("salt", 32),
    )
    fields.end()
    return observation


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big", signed=number < 0)
