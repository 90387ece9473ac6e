"""What the intake's tests share: keys, a context, a device of one scale, and segments of it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from ledger_node.keys import LocalSigner
from oracle.access import Access
from oracle.batch import Batcher
from oracle.database import Database
from oracle.fleets import FleetBundle, Fleets
from oracle.formats.cose import Algorithm, DeviceKey, DevicePublicKey
from oracle.formats.fleet import DeviceRecord, Fleet, make_fleet
from oracle.formats.profile import Channel, ChannelType, DeviceProfile
from oracle.formats.reasons import Reason
from oracle.formats.segment import GENESIS_PREV, Context, Reading, Segment, SignedSegment, TimeSource, sign
from oracle.formats.signed import log_origin
from oracle.http_intake import Intake, intake_routes
from oracle.ingest import IngestService
from oracle.keys import body_key
from oracle.log import Log
from oracle.ports import ChainUnavailable, FleetRoots, FleetSize
from oracle.quality import Limits
from oracle.refusals import Quarantine

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


PROFILE = DeviceProfile(
    id="scale",
    max_backfill_ms=3_600_000,
    max_ahead_ms=60_000,
    liveness_ms=600_000,
    channels=(
        Channel(1, "weight", ChannelType.INT, 60_000, "KGM", 0, 1, Limits(0, 40_000, 5_000, 0, 5, 0)),
        Channel(2, "tag", ChannelType.TEXT),
        Channel(3, "snapshot", ChannelType.DIGEST),
    ),
)
RECORD = DeviceRecord(DEVICE, KEY.public, PROFILE.id, PROFILE.digest, CALIBRATION, (b"w" * 32,))
FLEET = make_fleet(7, 1, [RECORD])
BUNDLE = FleetBundle(FLEET, (PROFILE,))


def roots_of(fleet: Fleet) -> FleetRoots:
    """The roots as the chain would hold them."""
    return FleetRoots(fleet.tree().root, fleet.revocation_tree().root)


@dataclass
class SetClock:
    """A clock that stands where it is put."""

    ms: int = T0 + 180_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class Chain:
    """A chain by hand: roots of fleets, one final block, oracles; `down` makes it unavailable."""

    fleets: dict[int, FleetRoots] = field(default_factory=lambda: {7: roots_of(FLEET)})
    sizes: dict[int, FleetSize] = field(default_factory=lambda: {7: FleetSize(1, 0)})
    blocks: set[bytes] = field(default_factory=lambda: {EPOCH_BLOCK})
    oracles: set[bytes] = field(default_factory=set)
    down: bool = False

    def roots(self, entity: int) -> FleetRoots | None:
        self._answer()
        return self.fleets.get(entity)

    def is_final(self, block_hash: bytes) -> bool:
        self._answer()
        return block_hash in self.blocks

    def latest(self) -> bytes:
        self._answer()
        return max(self.blocks)

    def fleet_size(self, entity: int) -> FleetSize | None:
        self._answer()
        return self.sizes.get(entity)

    def holds(self, fleet: Fleet) -> None:
        """Puts a fleet on the chain."""
        self.fleets[fleet.entity] = roots_of(fleet)
        self.sizes[fleet.entity] = FleetSize(len(fleet.devices), len(fleet.revocations))

    def is_oracle(self, address: bytes) -> bool:
        return address in self.oracles

    def entity_of(self, account: bytes) -> int | None:
        return None

    def _answer(self) -> None:
        if self.down:
            raise ChainUnavailable("the node does not answer")


@dataclass
class Oracle:
    """An oracle's intake on a folder."""

    key: LocalSigner
    clock: SetClock
    chain: Chain
    database: Database
    log: Log
    service: IngestService

    @property
    def quarantine(self) -> Quarantine:
        return self.service.quarantine

    def reasons(self) -> list[Reason]:
        """The reasons of what was refused, in order."""
        return [each.reason for each in self.quarantine.refused()]


def open_oracle(folder: Path, number: int = 1, clock: SetClock | None = None, chain: Chain | None = None) -> Oracle:
    """Oracle `number` on its file in `folder`, the fleet accepted."""
    key, clock, chain = LocalSigner(bytes([number]) * 32), clock or SetClock(), chain or Chain()
    chain.oracles.add(key.address)
    origin = log_origin(CONTEXT, key.address)
    database = Database(folder / f"oracle{number}.sqlite", origin)
    log = Log(database, origin, key, body_key(folder / f"oracle{number}.key"))
    fleets = Fleets(database, chain, clock)
    fleets.accept(BUNDLE)
    quarantine = Quarantine(database, log)
    service = IngestService(CONTEXT, database, log, quarantine, fleets, chain, key, clock)
    return Oracle(key, clock, chain, database, log, service)


def chain_of(length: int, **changes: object) -> list[SignedSegment]:
    """The first segments of the scale, one reading each."""
    segments = [signed(readings=(Reading(0, 1, 25_000),), **changes)]
    while len(segments) < length:
        segments.append(following(segments[-1]))
    return segments


def serve(oracle: Oracle) -> TestClient:
    """A client of the oracle's HTTP interface."""
    service = oracle.service
    intake = Intake(service, Batcher(service), Access(service.log.origin, oracle.chain, oracle.clock))
    return TestClient(Starlette(routes=intake_routes(intake)))
