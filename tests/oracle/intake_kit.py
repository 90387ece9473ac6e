"""What the intake's tests share: keys, a context, a device of one scale, and segments of it."""

from dataclasses import dataclass, replace

from oracle.formats.cose import Algorithm, DeviceKey, DevicePublicKey
from oracle.formats.segment import GENESIS_PREV, Context, Reading, Segment, SignedSegment, TimeSource, sign

CONTEXT = Context(20590, bytes.fromhex("11" * 20))
T0 = 1_700_000_000_000
DEVICE = bytes.fromhex("00000007") + bytes(range(12))
CALIBRATION = b"c" * 32
EPOCH_BLOCK = b"e" * 32
KEY = DeviceKey.from_secret(b"\x01" * 32)
OTHER_KEY = DeviceKey.from_secret(b"\x02" * 32)
EDDSA_KEY = DeviceKey.from_secret(b"\x03" * 32, Algorithm.EDDSA)


@dataclass(frozen=True)
class OneKey:
    """A directory that knows one device."""

    key: DevicePublicKey
    device: bytes = DEVICE

    def find(self, device: bytes) -> "OneKey | None":
        return self if device == self.device else None


def content(**changes: object) -> Segment:
    """The first segment of the scale: three weights, a minute apart."""
    readings = tuple(Reading(at * 60_000, 1, 25_000 + at) for at in range(3))
    first = Segment(
        device=DEVICE,
        boot=1,
        seq=1,
        prev=GENESIS_PREV,
        epoch_block_hash=EPOCH_BLOCK,
        t0_ms=T0,
        mono_ms=5_000,
        time_source=TimeSource.NTP,
        firmware=b"f" * 32,
        calibration=CALIBRATION,
        readings=readings,
    )
    return replace(first, **changes)  # type: ignore[arg-type]


def signed(key: DeviceKey = KEY, context: Context = CONTEXT, **changes: object) -> SignedSegment:
    """A segment as the device sends it."""
    return sign(content(**changes), key, context)


def following(before: SignedSegment, key: DeviceKey = KEY, **changes: object) -> SignedSegment:
    """The segment after `before`: three minutes later, chained to it."""
    last = before.content
    chained = {
        "seq": last.seq + 1,
        "prev": before.digest,
        "t0_ms": last.t0_ms + 180_000,
        "mono_ms": last.mono_ms + 180_000,
    }
    return sign(replace(last, **{**chained, **changes}), key, CONTEXT)  # type: ignore[arg-type]
