"""A segment: what a device signs. Tagged COSE_Sign1 (RFC 9052) around a positional CBOR array, strict.

docs/formats/segment.md describes each field. One segment has one encoding, so the envelope is compared with
its fixed bytes instead of being searched: tag 18, protected {1: alg, 4: kid}, an empty unprotected map, the
payload, a signature of 64 bytes. The signature also covers the chain and the registry (external_aad).
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol, TypeVar

from oracle.formats import cbor
from oracle.formats.cose import SIGNATURE_SIZE, Algorithm, DeviceKey, DevicePublicKey, SignatureRefused
from oracle.formats.reasons import Reason

MAX_SEGMENT = 60 * 1024
"""The longest segment, in bytes, envelope and signature included."""
MAX_TEXT = 64
"""The longest text value, in bytes of UTF-8."""
MAX_EXP10 = 18
"""A quantity is value x 10**exp10 with exp10 from -18 to 18."""
MAX_TIME_MS = 1 << 48
"""Times in milliseconds since 1970-01-01T00:00Z lie below this (the year 10889)."""
GENESIS_PREV = bytes(32)
"""prev of a device's first segment."""

_DOMAIN, _VERSION = "clr/seg/1", 1
_INT64 = 1 << 63
_TAG_ARRAY, _KID_HEAD, _UNPROTECTED, _SIGNATURE_HEAD = b"\xd2\x84\x58\x26", b"\x04\x58\x20", b"\xa0", b"\x58\x40"
_ALGORITHM_HEADS = {b"\xa2\x01\x26": Algorithm.ES256, b"\xa2\x01\x27": Algorithm.EDDSA}
_PROTECTED_AT, _KID_AT, _PAYLOAD_AT = 4, 10, 43
_TAIL = len(_SIGNATURE_HEAD) + SIGNATURE_SIZE

Value = int | str | bytes
"""A reading's value: a quantity or event code (64 bits, signed), a text, or a 32-byte digest."""


class TimeSource(IntEnum):
    """Where the device's wall clock comes from."""

    NONE = 0
    RTC = 1
    NTP = 2
    GNSS = 3
    PTP = 4
    RECORDED = 5


class Quality(IntEnum):
    """The device's own opinion of a reading, in QARTOD's primary flags; MISSING carries the integer 0."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class SegmentRefused(ValueError):
    """A segment breaks a rule: `reason` is from the published list, `detail` names the field."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class Reading(NamedTuple):
    """One value of one channel, `dt_ms` after the segment's t0. A tuple, as a segment holds hundreds."""

    dt_ms: int
    channel: int
    value: Value
    exp10: int = 0
    quality: int = Quality.PASS


@dataclass(frozen=True, slots=True)
class Context:
    """Where a signature counts: the chain id and the 20-byte address of its DeviceRegistry."""

    chain_id: int
    registry: bytes

    def __post_init__(self) -> None:
        if len(self.registry) != 20:
            raise ValueError(f"registry: must be 20 bytes, has {len(self.registry)}")
        if not 0 < self.chain_id < 1 << 64:
            raise ValueError("chain_id: must lie between 1 and 2**64 - 1")

    @property
    def external_aad(self) -> bytes:
        """Deterministic CBOR of ["clr/seg/1", chain id, registry]."""
        return cbor.dumps([_DOMAIN, self.chain_id, self.registry])


@dataclass(frozen=True, slots=True)
class Segment:
    """What a device says: times in milliseconds (t0 since 1970 UTC, mono since boot), digests of 32 bytes."""

    device: bytes
    boot: int
    seq: int
    prev: bytes
    epoch_block_hash: bytes
    t0_ms: int
    mono_ms: int
    time_source: TimeSource
    firmware: bytes
    calibration: bytes
    readings: tuple[Reading, ...]

    @property
    def first_ms(self) -> int:
        """The event time of the first reading, or t0 without readings."""
        return self.t0_ms + (self.readings[0].dt_ms if self.readings else 0)

    @property
    def last_ms(self) -> int:
        """The event time of the last reading, or t0 without readings."""
        return self.t0_ms + (self.readings[-1].dt_ms if self.readings else 0)

    def payload(self) -> bytes:
        """The deterministic encoding. Raises SegmentRefused (malformed) when a field is out of its range."""
        head = (self.device, self.boot, self.seq, self.prev, self.epoch_block_hash, self.t0_ms, self.mono_ms)
        tail = (int(self.time_source), self.firmware, self.calibration)
        readings = [[each.dt_ms, each.channel, each.value, each.exp10, int(each.quality)] for each in self.readings]
        try:
            encoded = cbor.dumps([_VERSION, *head, *tail, readings])
        except cbor.CborError as error:
            raise SegmentRefused(Reason.MALFORMED, str(error)) from None
        _read_payload(encoded)
        return encoded


@dataclass(frozen=True, slots=True)
class SignedSegment:
    """A segment with its envelope; only `verify` says that the signature holds."""

    content: Segment
    algorithm: Algorithm
    kid: bytes
    payload: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the payload: the name of the segment, and prev of the next one."""
        return hashlib.sha256(self.payload).digest()

    @property
    def raw(self) -> bytes:
        """The bytes as they travel."""
        protected = _protected(self.algorithm, self.kid)
        body = _byte_string(self.payload)
        return _TAG_ARRAY + protected + _UNPROTECTED + body + _SIGNATURE_HEAD + self.signature


class Enrolment(Protocol):
    """What `verify` needs of a device's record."""

    @property
    def key(self) -> DevicePublicKey:
        """The enrolled key."""
        ...


E = TypeVar("E", bound=Enrolment)


class Directory(Protocol):
    """Finds the enrolment of a device."""

    def find(self, device: bytes) -> Enrolment | None:
        """The enrolment of a 16-byte device id, or None."""
        ...


def parse(raw: bytes) -> SignedSegment:
    """The segment in `raw`, its signature unchecked. Raises SegmentRefused (oversized, malformed)."""
    if len(raw) > MAX_SEGMENT:
        raise SegmentRefused(Reason.OVERSIZED, f"{len(raw)} bytes are more than {MAX_SEGMENT}")
    algorithm = _ALGORITHM_HEADS.get(raw[_PROTECTED_AT : _PROTECTED_AT + 3])
    fixed = raw[:_PROTECTED_AT] == _TAG_ARRAY and raw[7:_KID_AT] == _KID_HEAD and raw[42:_PAYLOAD_AT] == _UNPROTECTED
    if algorithm is None or not fixed:
        raise SegmentRefused(
            Reason.MALFORMED, "envelope: must be tag 18, [{1: -7 or -8, 4: kid}, {}, payload, signature]"
        )
    end = len(raw) - _TAIL
    if end <= _PAYLOAD_AT or raw[end : end + len(_SIGNATURE_HEAD)] != _SIGNATURE_HEAD:
        raise SegmentRefused(Reason.MALFORMED, "signature: must be a byte string of 64 bytes at the end")
    try:
        payload = cbor.loads(raw[_PAYLOAD_AT:end])
    except cbor.CborError as error:
        raise SegmentRefused(Reason.MALFORMED, f"payload: {error}") from None
    if not isinstance(payload, bytes):
        raise SegmentRefused(Reason.MALFORMED, "payload: must be a byte string")
    return SignedSegment(_read_payload(payload), algorithm, raw[_KID_AT:42], payload, raw[-SIGNATURE_SIZE:])


def verify(raw: bytes, fleet: Directory, context: Context) -> SignedSegment:
    """The segment in `raw`, signed by the enrolled key of its device for this chain and registry.

    Raises SegmentRefused (oversized, malformed, unknown_device, wrong_device, high_s, bad_signature). Sequence,
    time and profile are the matter of oracle.admission.
    """
    signed = parse(raw)
    verify_signature(signed, enrolled(signed, fleet.find(signed.content.device)).key, context)
    return signed


def enrolled(signed: SignedSegment, found: E | None) -> E:
    """The enrolment that was found for the segment's device. Raises SegmentRefused (unknown_device) for None."""
    if found is None:
        raise SegmentRefused(Reason.UNKNOWN_DEVICE, f"device {signed.content.device.hex()} is in no accepted fleet")
    return found


def verify_signature(signed: SignedSegment, key: DevicePublicKey, context: Context) -> None:
    """Raises SegmentRefused (wrong_device, high_s, bad_signature) unless `key` signed for `context`."""
    if key.kid != signed.kid or key.algorithm is not signed.algorithm:
        raise SegmentRefused(Reason.WRONG_DEVICE, f"kid {signed.kid.hex()} is not the key of this device")
    message = _signed_bytes(_protected(signed.algorithm, signed.kid), signed.payload, context)
    try:
        key.verify(message, signed.signature)
    except SignatureRefused as error:
        reason = Reason.HIGH_S if error.high_s else Reason.BAD_SIGNATURE
        raise SegmentRefused(reason, f"signature: {error}") from None


def sign(content: Segment, key: DeviceKey, context: Context) -> SignedSegment:
    """The segment as a device signs it. Raises SegmentRefused (malformed, oversized) for content out of range."""
    payload, public = content.payload(), key.public
    message = _signed_bytes(_protected(public.algorithm, public.kid), payload, context)
    signed = SignedSegment(content, public.algorithm, public.kid, payload, key.sign(message))
    if len(signed.raw) > MAX_SEGMENT:
        raise SegmentRefused(Reason.OVERSIZED, f"{len(signed.raw)} bytes are more than {MAX_SEGMENT}")
    return signed


def _protected(algorithm: Algorithm, kid: bytes) -> bytes:
    return b"\xa2\x01" + bytes([-1 - algorithm | 0x20]) + _KID_HEAD + kid


def _byte_string(data: bytes) -> bytes:
    return cbor.dumps(data)


def _signed_bytes(protected: bytes, payload: bytes, context: Context) -> bytes:
    """The Sig_structure of RFC 9052, 4.4."""
    return cbor.dumps(["Signature1", protected, context.external_aad, payload])


def _read_payload(payload: bytes) -> Segment:
    try:
        fields = cbor.loads(payload)
    except cbor.CborError as error:
        raise SegmentRefused(Reason.MALFORMED, f"payload: {error}") from None
    if not isinstance(fields, list) or len(fields) != 12:
        raise _malformed("payload", "must be an array of 12 fields")
    version, device, boot, seq, prev, block, t0, mono, source, firmware, calibration, readings = fields
    if version != _VERSION:
        raise _malformed("version", f"must be {_VERSION}")
    source = _integer("timeSource", source, max(TimeSource) + 1)
    return Segment(
        device=_digest("device", device, 16),
        boot=_integer("boot", boot, 1 << 32),
        seq=_integer("seq", seq, 1 << 53),
        prev=_digest("prev", prev),
        epoch_block_hash=_digest("epochBlockHash", block),
        t0_ms=_integer("t0_ms", t0, MAX_TIME_MS),
        mono_ms=_integer("mono_ms", mono, MAX_TIME_MS),
        time_source=TimeSource(source),
        firmware=_digest("firmware", firmware),
        calibration=_digest("calibration", calibration),
        readings=_readings(readings),
    )


def _readings(items: object) -> tuple[Reading, ...]:
    if not isinstance(items, list):
        raise _malformed("readings", "must be an array")
    before = 0
    result: list[Reading] = []
    for number, item in enumerate(items):
        if not isinstance(item, list) or len(item) != 5:
            raise _malformed(f"readings[{number}]", "must be an array of 5 fields")
        reading = Reading(*item)
        fault = _fault(reading, before)
        if fault is not None:
            raise _malformed(f"readings[{number}].{fault[0]}", fault[1])
        before = reading.dt_ms
        result.append(reading)
    return tuple(result)


_QUALITIES = frozenset(int(each) for each in Quality)


def _fault(reading: Reading, before: int) -> tuple[str, str] | None:
    """The first field of a reading that breaks a rule, and the rule; written flat, as it runs for each reading."""
    dt_ms, channel, value, exp10, quality = reading
    if type(dt_ms) is not int or not before <= dt_ms < 1 << 32:
        return "dt_ms", "must be an integer, below 2**32 and not before the previous reading's"
    if type(channel) is not int or not 0 <= channel < 1 << 16:
        return "channel", "must be an integer from 0 to 65535"
    if type(exp10) is not int or not -MAX_EXP10 <= exp10 <= MAX_EXP10:
        return "exp10", f"must be an integer from -{MAX_EXP10} to {MAX_EXP10}"
    if type(quality) is not int or quality not in _QUALITIES:
        return "quality", "must be 1, 2, 3, 4 or 9"
    if type(value) is int:
        if not -_INT64 <= value < _INT64:
            return "value", "must fit 64 bits, signed"
        return ("value", "must be 0 where quality is 9") if quality == Quality.MISSING and value else None
    if exp10:
        return "exp10", "must be 0 for a text or digest"
    if quality == Quality.MISSING:
        return "value", "must be the integer 0 where quality is 9"
    if isinstance(value, bytes):
        return None if len(value) == 32 else ("value", "a digest has 32 bytes")
    if not isinstance(value, str):
        return "value", "must be an integer, a text or a digest"
    return None if len(value.encode()) <= MAX_TEXT else ("value", f"a text has at most {MAX_TEXT} bytes")


def _integer(field: str, value: object, limit: int) -> int:
    if not isinstance(value, int) or not 0 <= value < limit:
        raise _malformed(field, f"must be an integer from 0 to {limit - 1}")
    return value


def _digest(field: str, value: object, size: int = 32) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise _malformed(field, f"must be {size} bytes")
    return value


def _malformed(field: str, rule: str) -> SegmentRefused:
    return SegmentRefused(Reason.MALFORMED, f"{field}: {rule}")
