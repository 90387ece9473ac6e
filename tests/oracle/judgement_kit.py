"""What the judgement's tests share: devices that sign streams, schemas, four oracles with their keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ledger_node.eip712 import Domain
from ledger_node.hashing import keccak256
from ledger_node.keys import LocalSigner
from ledger_node.secp256k1 import address_of
from oracle.formats.cose import DeviceKey
from oracle.formats.metric import Aggregate, Metric
from oracle.formats.observation import Checkpoint, Observation
from oracle.formats.report import Config, Report, config_digest
from oracle.formats.rule import Firing, Rule
from oracle.formats.schema import Kind, Member, Schema, Zone
from oracle.formats.segment import (
    GENESIS_PREV,
    Context,
    Quality,
    Reading,
    Segment,
    SignedSegment,
    TimeSource,
    Value,
    sign,
)
from oracle.rules import Tracker

CONTEXT = Context(20590, bytes.fromhex("11" * 20))
HUB = bytes.fromhex("22" * 20)
DAY = 1_704_067_200_000
"""2024-01-01T00:00Z."""
MINUTE, HOUR, DAY_MS = 60_000, 3_600_000, 86_400_000
SUBJECT = keccak256(b"bay-1")
SALT = b"s" * 32
ORACLE_KEYS = sorted((bytes([n]) * 32 for n in range(1, 5)), key=address_of)
ORACLE_SIGNERS = [LocalSigner(key) for key in ORACLE_KEYS]
ORACLES = tuple(each.address for each in ORACLE_SIGNERS)
CONFIG = Config(Domain("Cangdan", "1", 20590, HUB), config_digest(20590, HUB, 1, 1, ORACLES), ORACLES, 1, 1)


@dataclass
class Device:
    """A device that signs its readings one segment after the other."""

    number: int = 1
    stream: list[SignedSegment] = field(default_factory=list)

    @property
    def id(self) -> bytes:
        """Entity 7, then its number."""
        return (7).to_bytes(4, "big") + self.number.to_bytes(12, "big")

    @property
    def key(self) -> DeviceKey:
        """Made from its number."""
        return DeviceKey.from_secret(self.number.to_bytes(32, "big"))

    def says(self, readings: Iterable[tuple[int, int, Value]], t0: int | None = None, exp10: int = 0) -> SignedSegment:
        """One segment of readings (time, channel, value); without any it says that it lives at t0."""
        told = sorted(readings, key=lambda each: each[0])
        start = told[0][0] if t0 is None else t0
        made = tuple(
            Reading(time - start, channel, value, exp10 if isinstance(value, int) else 0)
            for time, channel, value in told
        )
        return self.sends(made, start)

    def sends(self, readings: tuple[Reading, ...], t0: int) -> SignedSegment:
        """One segment of readings that carry their own quality."""
        content = Segment(
            device=self.id,
            boot=1,
            seq=len(self.stream) + 1,
            prev=self.stream[-1].digest if self.stream else GENESIS_PREV,
            epoch_block_hash=b"e" * 32,
            t0_ms=t0,
            mono_ms=t0,
            time_source=TimeSource.NTP,
            firmware=b"f" * 32,
            calibration=b"c" * 32,
            readings=readings,
        )
        self.stream.append(sign(content, self.key, CONTEXT))
        return self.stream[-1]

    def lives(self, time: int) -> SignedSegment:
        """A segment without readings."""
        return self.sends((), time)


def metric(**changes: object) -> Metric:
    """The mean of the first member."""
    return replace(Metric("mass", SUBJECT, 0, Aggregate.MEAN, (0,)), **changes)  # type: ignore[arg-type]


def schema(*metrics: Metric, **changes: object) -> Schema:
    """Minutes of one scale from 2024 on, channel 1, a reading every ten seconds."""
    base = Schema(
        name="mass",
        kind=Kind.PERIOD,
        period_ms=MINUTE,
        start_ms=DAY,
        zone=Zone(40_000_000, 0, 0),
        lateness_ms=0,
        fleet_entity=7,
        salt=SALT,
        members=(Member(Device().id, 1, 10_000),),
        metrics=metrics or (metric(),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def streams(*devices: Device) -> dict[bytes, Sequence[SignedSegment]]:
    """The streams of some devices."""
    return {each.id: each.stream for each in devices}


def observed(value: int, slot: int = DAY, flag: Quality = Quality.PASS, **changes: object) -> Observation:
    """An observation of the kit's schema."""
    made = schema()
    base = Observation(made.id, slot, SUBJECT, made.metrics[0].id, value, flag, 6, b"o" * 32, b"t" * 32)
    return replace(base, **changes)  # type: ignore[arg-type]


def report(place: int, observation: Observation, size: int = 3) -> Report:
    """The report of the oracle at a place, signed."""
    unsigned = Report(observation.schema, observation.slot, (observation,), Checkpoint(size, b"r" * 32))
    return unsigned.signed(CONFIG, ORACLE_SIGNERS[place])


def first_firing(rule: Rule, observations: Iterable[Observation], after: int = -1) -> Firing | None:
    """The first firing of a rule on observations that are all there, evidence up to the slot `after` left out."""
    tracker = Tracker(rule, after)
    for each in sorted(observations, key=lambda each: each.slot):
        tracker.feed(each)
    return tracker.firing()
