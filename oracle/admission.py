"""Whether a verified segment may enter the log: enrolment, sequence, times, profile. Pure; the one place that says so.

docs/formats/segment.md lists the reasons in the order in which they are checked here.
"""

from dataclasses import dataclass

from oracle.formats.fleet import DeviceRecord
from oracle.formats.profile import Channel, ChannelType, DeviceProfile
from oracle.formats.reasons import Reason
from oracle.formats.segment import GENESIS_PREV, Quality, Reading, Segment, SegmentRefused

_TYPES = {ChannelType.INT: int, ChannelType.TEXT: str, ChannelType.DIGEST: bytes}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a device's chain stands: the last segment that its log holds. Times in milliseconds."""

    seq: int
    digest: bytes
    boot: int
    mono_ms: int
    last_ms: int


class OutOfSequence(SegmentRefused):
    """The sequence number is not `expected`."""

    def __init__(self, seq: int, expected: int) -> None:
        super().__init__(Reason.OUT_OF_SEQUENCE, f"seq: is {seq}, expected {expected}")
        self.expected = expected


class Equivocated(SegmentRefused):
    """The device has signed another payload with this number; `logged` is the digest of the one in the log."""

    def __init__(self, seq: int, logged: bytes) -> None:
        super().__init__(Reason.EQUIVOCATION, f"seq: {seq} is logged with another payload, {logged.hex()}")
        self.logged = logged


def next_of(record: DeviceRecord, cursor: Cursor | None) -> tuple[int, bytes]:
    """The seq and prev that the device's next segment must carry."""
    return (record.first_seq, GENESIS_PREV) if cursor is None else (cursor.seq + 1, cursor.digest)


def check_enrolment(segment: Segment, record: DeviceRecord, revoked_at_ms: int | None, arrived_ms: int) -> None:
    """Raises SegmentRefused (revoked, not_yet_valid); revocation counts from the arrival, as a stolen key can lie."""
    if revoked_at_ms is not None and arrived_ms >= revoked_at_ms:
        raise SegmentRefused(Reason.REVOKED, f"device: revoked at {revoked_at_ms}")
    if segment.first_ms < record.valid_from_ms:
        raise SegmentRefused(
            Reason.NOT_YET_VALID, f"t0_ms: {segment.first_ms} is before the enrolment, {record.valid_from_ms}"
        )


def check_sequence(segment: Segment, record: DeviceRecord, cursor: Cursor | None) -> None:
    """Raises SegmentRefused (out_of_sequence, broken_chain, clock_regression)."""
    seq, prev = next_of(record, cursor)
    if segment.seq != seq:
        raise OutOfSequence(segment.seq, seq)
    if segment.prev != prev:
        raise SegmentRefused(Reason.BROKEN_CHAIN, f"prev: is not {prev.hex()}")
    if cursor is None:
        return
    if segment.boot < cursor.boot or (segment.boot == cursor.boot and segment.mono_ms < cursor.mono_ms):
        raise SegmentRefused(Reason.CLOCK_REGRESSION, "boot and mono_ms: run backwards")
    if segment.t0_ms < cursor.last_ms:
        raise SegmentRefused(Reason.CLOCK_REGRESSION, f"t0_ms: {segment.t0_ms} is before {cursor.last_ms}")


def check_times(segment: Segment, profile: DeviceProfile, arrived_ms: int) -> None:
    """Raises SegmentRefused (too_old, future_dated)."""
    oldest, latest = arrived_ms - profile.max_backfill_ms, arrived_ms + profile.max_ahead_ms
    if segment.first_ms < oldest:
        raise SegmentRefused(Reason.TOO_OLD, f"t0_ms: {segment.first_ms} is before {oldest}")
    if segment.last_ms > latest:
        raise SegmentRefused(Reason.FUTURE_DATED, f"dt_ms: the last reading, {segment.last_ms}, is after {latest}")


def check_profile(segment: Segment, record: DeviceRecord, profile: DeviceProfile) -> None:
    """Raises SegmentRefused (wrong_calibration, profile_violation)."""
    if segment.calibration != record.calibration:
        raise SegmentRefused(Reason.WRONG_CALIBRATION, f"calibration: is not {record.calibration.hex()}")
    channels = {each.number: each for each in profile.channels}
    before: dict[int, int] = {}
    for number, reading in enumerate(segment.readings):
        channel = channels.get(reading.channel)
        fault = "is not in the profile" if channel is None else _fault(reading, channel, before)
        if fault is not None:
            raise SegmentRefused(
                Reason.PROFILE_VIOLATION, f"readings[{number}]: channel {reading.channel} of {profile.id} {fault}"
            )
        before[reading.channel] = reading.dt_ms


def check_next(
    segment: Segment, record: DeviceRecord, profile: DeviceProfile, cursor: Cursor | None, arrived_ms: int
) -> None:
    """All that follows the enrolment for the next segment of a chain. Raises SegmentRefused."""
    check_sequence(segment, record, cursor)
    check_times(segment, profile, arrived_ms)
    check_profile(segment, record, profile)


def advanced(segment: Segment, digest: bytes) -> Cursor:
    """The cursor once `segment` is in the log."""
    return Cursor(segment.seq, digest, segment.boot, segment.mono_ms, segment.last_ms)


def _fault(reading: Reading, channel: Channel, before: dict[int, int]) -> str | None:
    last = before.get(reading.channel)
    # Jitter is allowed up to half a cadence: a device cannot make many readings of one.
    if channel.cadence_ms and last is not None and 2 * (reading.dt_ms - last) < channel.cadence_ms:
        return f"is read more often than every {channel.cadence_ms} ms"
    if reading.quality == Quality.MISSING:
        return None
    if not isinstance(reading.value, _TYPES[channel.type]):
        return f"takes values of type {channel.type.value}"
    if channel.type is ChannelType.INT and reading.exp10 != channel.exp10:
        return f"has exp10 {channel.exp10}"
    return None
