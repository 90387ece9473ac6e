"""Segments: verified, and taken in durably, beside the bare P-256 checks of the same signatures."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.consortium import BenchmarkError
from benchmarks.primitives import Primitives, watch
from benchmarks.result import Result, Sizes, both, processor_seconds, seconds
from ledger_node.keys import LocalSigner
from oracle.batch import Batcher
from oracle.clock import SystemClock
from oracle.database import Database
from oracle.fleets import FleetBundle, Fleets
from oracle.formats.cose import DeviceKey
from oracle.formats.fleet import DeviceRecord, Fleet, make_fleet
from oracle.formats.profile import Channel, ChannelType, DeviceProfile
from oracle.formats.segment import (
    GENESIS_PREV,
    Context,
    Reading,
    Segment,
    SignedSegment,
    TimeSource,
    parse,
    sign,
    verify_signature,
)
from oracle.formats.signed import log_origin
from oracle.ingest import Accepted, IngestService, Outcome
from oracle.keys import body_key
from oracle.log import Log
from oracle.ports import FleetRoots, FleetSize
from oracle.refusals import Quarantine

ENTITY, DEVICES, MANY = 7, 20, 100
IN_FLIGHT = 512
"""How many segments wait for their receipts at a time."""
EPOCH_BLOCK, CALIBRATION = b"e" * 32, b"c" * 32
CONTEXT = Context(20590, b"\x11" * 20)
_BARE = "cryptography's P-256 verify of the same signatures, one thread"
_CADENCE_MS = 1_000
MAX_BACKFILL_MS = 31_536_000_000


@dataclass(frozen=True, slots=True)
class _Chain:
    """A chain that holds one fleet, whose one block is final."""

    fleet: Fleet

    def fleet_size(self, entity: int) -> FleetSize | None:
        """Nobody hands in a fleet."""
        return None

    def roots(self, entity: int) -> FleetRoots | None:
        """The fleet's roots."""
        return FleetRoots(self.fleet.tree().root, self.fleet.revocation_tree().root) if entity == ENTITY else None

    def is_final(self, block_hash: bytes) -> bool:
        """Whether it is that block."""
        return block_hash == EPOCH_BLOCK

    def latest(self) -> bytes:
        """That block."""
        return EPOCH_BLOCK


def run(folder: Path, sizes: Sizes) -> Iterator[Result]:
    """Verification and ingest of segments with one reading, and ingest of segments with many."""
    keys = {_device(number): DeviceKey.from_secret(number.to_bytes(32, "big")) for number in range(1, DEVICES + 1)}
    single = _streams(keys, sizes.segments, 1)
    verifying, bare = both(
        sizes.rounds,
        lambda: processor_seconds(lambda: _verify(single, keys)),
        _bare(single, keys, processor_seconds),
    )
    count = len(single)
    yield Result(
        "segments.verify", f"{count} segments of one reading decoded strictly and verified, by processor time",
        count / verifying, "segments/s", _BARE, count / bare,
    )  # fmt: skip
    yield _ingest(folder, "segments.ingest", single, keys, 1, sizes)
    many = _streams(keys, max(sizes.segments // 10, 1), MANY)
    yield _ingest(folder, "segments.ingest.many", many, keys, MANY, sizes)


def _ingest(
    folder: Path, name: str, raws: Sequence[bytes], keys: dict[bytes, DeviceKey], readings: int, sizes: Sizes
) -> Result:
    runs = iter(range(sizes.rounds))

    def take() -> float:
        place = folder / f"{name}-{next(runs)}"
        place.mkdir(parents=True)
        return asyncio.run(_take(place, raws, keys))

    ingesting, bare = both(sizes.rounds, take, _bare(raws, keys))
    what = f"{len(raws)} segments of {readings} from {len(keys)} devices verified, logged on the disk and answered for"
    unit, count = ("segments/s", len(raws)) if readings == 1 else ("readings/s", len(raws) * readings)
    return Result(name, what, count / ingesting, unit, _BARE, count / bare)


async def _take(place: Path, raws: Sequence[bytes], keys: dict[bytes, DeviceKey]) -> float:
    """Seconds until every segment has its receipt. Raises BenchmarkError when one is refused."""
    key, clock, profile = LocalSigner(b"\x01" * 32), SystemClock(), _profile()
    records = [
        DeviceRecord(device, device_key.public, profile.id, profile.digest, CALIBRATION, (b"w" * 32,))
        for device, device_key in keys.items()
    ]
    fleet = make_fleet(ENTITY, 1, records)
    chain, origin = _Chain(fleet), log_origin(CONTEXT, key.address)
    database = Database(place / "oracle.sqlite", origin)
    log = Log(database, origin, key, body_key(place / "bodies.key"))
    fleets = Fleets(database, chain, clock)
    fleets.accept(FleetBundle(fleet, (profile,)))
    service = IngestService(CONTEXT, database, log, Quarantine(database, log), fleets, chain, key, clock)
    batcher = Batcher(service)
    outcomes: list[Outcome] = []
    waiting = iter(raws)

    async def send() -> None:
        for raw in waiting:
            outcomes.append(await batcher.accept(raw, "device"))

    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
    spent = loop.time() - begun
    database.close()
    if not all(isinstance(each, Accepted) for each in outcomes):
        raise BenchmarkError(f"a segment was refused: {next(e for e in outcomes if not isinstance(e, Accepted))}")
    return spent


def _verify(raws: Sequence[bytes], keys: dict[bytes, DeviceKey]) -> None:
    public = {device: key.public for device, key in keys.items()}
    for raw in raws:
        signed = parse(raw)
        verify_signature(signed, public[signed.content.device], CONTEXT)


def _bare(
    raws: Sequence[bytes], keys: dict[bytes, DeviceKey], timed: Callable[[Callable[[], object]], float] = seconds
) -> Callable[[], float]:
    """Times the bare checks of the same signatures over the same bytes."""
    watched = watch(lambda: _verify(raws, keys))
    alone = Primitives([], [], [], watched.p256)
    return lambda: timed(alone.run)


def _streams(keys: dict[bytes, DeviceKey], count: int, readings: int) -> list[bytes]:
    """`count` segments, the devices in turn, each device's chained one to the next."""
    last: dict[bytes, SignedSegment] = {}
    devices = list(keys)
    begun = SystemClock().now_ms() - 3_600_000 - count * readings * _CADENCE_MS
    raws = []
    for number in range(count):
        device = devices[number % len(devices)]
        before = last.get(device)
        t0_ms = begun + number // len(devices) * readings * _CADENCE_MS
        values = tuple(Reading(at * _CADENCE_MS, 1, 25_000 + at % 3) for at in range(readings))
        seq, prev = (1, GENESIS_PREV) if before is None else (before.content.seq + 1, before.digest)
        content = Segment(
            device, 1, seq, prev, EPOCH_BLOCK, t0_ms, t0_ms - begun, TimeSource.NTP, b"f" * 32, CALIBRATION, values
        )
        last[device] = sign(content, keys[device], CONTEXT)
        raws.append(last[device].raw)
    return raws


def _device(number: int) -> bytes:
    return ENTITY.to_bytes(4, "big") + number.to_bytes(12, "big")


def _profile() -> DeviceProfile:
    weight = Channel(1, "weight", ChannelType.INT, _CADENCE_MS, "KGM", 0, 1)
    return DeviceProfile("scale", MAX_BACKFILL_MS, 60_000, 600_000, (weight,))
