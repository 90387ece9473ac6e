"""A fleet file: the devices that one entity answers for, in one epoch (docs/formats/fleet.md).

The chain holds two roots a fleet: of its devices and of its revocations, padded Keccak trees sorted by device id.
A device id begins with the index of its entity, so no entity can claim the device of another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hashing import sha256
from ledger_node.hexvalues import HexError, data_hex, read_data
from ledger_node.merkle import PaddedTree
from oracle.formats.cose import DevicePublicKey, KeyRefused
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.segment import MAX_TIME_MS

FORMAT = "cangdan/fleet/1"
MAX_DEVICES = 1 << 20
MAX_WATCHES = 256
DEVICE_SIZE = 16


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """One enrolled device. `watches` are 32-byte subjects; readings before `valid_from_ms` are refused.

    `first_seq` is the sequence number of its first segment for this chain: 1, or more for a device that has
    signed elsewhere.
    """

    device: bytes
    key: DevicePublicKey
    profile: str
    profile_digest: bytes
    calibration: bytes
    watches: tuple[bytes, ...]
    valid_from_ms: int = 0
    first_seq: int = 1

    @property
    def kid(self) -> bytes:
        """The thumbprint of the key."""
        return self.key.kid

    def leaf(self) -> bytes:
        """The data of the device's leaf: its canonical JSON."""
        return canonical_json.dumps(device_to_json(self))


@dataclass(frozen=True, slots=True)
class Revocation:
    """A device whose segments are refused when they arrive from `at_ms` on."""

    device: bytes
    at_ms: int

    def leaf(self) -> bytes:
        """The data of the leaf: 16 bytes of the device and 8 of the time, big-endian."""
        return self.device + self.at_ms.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices and revocations of an entity; both are sorted by device id. Raises FieldError."""

    entity: int
    epoch: int
    devices: tuple[DeviceRecord, ...]
    revocations: tuple[Revocation, ...] = ()
    _places: dict[bytes, int] = field(init=False, repr=False, compare=False)
    _revoked: dict[bytes, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = [each.device for each in self.devices]
        revoked = [each.device for each in self.revocations]
        prefix = self.entity.to_bytes(4, "big")
        for name, members in (("devices", ids), ("revocations", revoked)):
            if any(one >= other for one, other in pairwise(members)):
                raise FieldError(f"fleet.{name}: must be sorted by device, each once")
            if any(len(each) != DEVICE_SIZE or each[:4] != prefix for each in members):
                raise FieldError(f"fleet.{name}: a device id has {DEVICE_SIZE} bytes, first its entity's index")
        if not set(revoked) <= set(ids):
            raise FieldError("fleet.revocations: each must name a device of the fleet")
        if len({each.key for each in self.devices}) != len(ids):
            raise FieldError("fleet.devices: a key stands twice")
        object.__setattr__(self, "_places", {device: place for place, device in enumerate(ids)})
        object.__setattr__(self, "_revoked", {each.device: each.at_ms for each in self.revocations})

    def find(self, device: bytes) -> DeviceRecord | None:
        """The record of a device, revoked or not, or None."""
        place = self._places.get(device)
        return None if place is None else self.devices[place]

    def revoked_at(self, device: bytes) -> int | None:
        """When the device was revoked, in milliseconds, or None."""
        return self._revoked.get(device)

    def tree(self) -> PaddedTree:
        """The tree of devices; its root is the fleet root on the chain."""
        return PaddedTree([each.leaf() for each in self.devices])

    def revocation_tree(self) -> PaddedTree:
        """The tree of revocations; its root is the revocation root on the chain."""
        return PaddedTree([each.leaf() for each in self.revocations])

    def place(self, device: bytes) -> int:
        """The index of a device's leaf. Raises KeyError."""
        return self._places[device]


def device_id(entity: int, serial: str) -> bytes:
    """The device id that an owner may form: the entity's index, then 12 bytes of the SHA-256 of the serial number."""
    return entity.to_bytes(4, "big") + sha256(b"clr/device/1" + serial.encode())[:12]


def make_fleet(
    entity: int, epoch: int, devices: Iterable[DeviceRecord], revocations: Iterable[Revocation] = ()
) -> Fleet:
    """A fleet of devices and revocations in any order. Raises FieldError."""
    ordered = tuple(sorted(devices, key=lambda each: each.device))
    return Fleet(entity, epoch, ordered, tuple(sorted(revocations, key=lambda each: each.device)))


def load_fleet(text: bytes) -> Fleet:
    """The fleet in a JSON file. Raises FieldError that names field and rule."""
    try:
        return fleet_from_json(canonical_json.loads(text))
    except JsonError as error:
        raise FieldError(f"fleet: {error}") from None


def fleet_from_json(value: JsonValue) -> Fleet:
    """The fleet of a JSON value. Raises FieldError that names field and rule."""
    fields = Fields(value, "fleet")
    fields.word("format", str, [FORMAT])
    fleet = Fleet(
        entity=fields.integer("entity", 0, 2**32 - 1),
        epoch=fields.integer("epoch", 1, 2**32 - 1),
        devices=tuple(device_from_json(each) for each in objects(fields, "devices", MAX_DEVICES)),
        revocations=tuple(_revocation(each) for each in objects(fields, "revocations", MAX_DEVICES)),
    )
    fields.end()
    return fleet


def fleet_to_json(fleet: Fleet) -> JsonValue:
    """The JSON value of a fleet."""
    return {
        "format": FORMAT,
        "entity": fleet.entity,
        "epoch": fleet.epoch,
        "devices": [device_to_json(each) for each in fleet.devices],
        "revocations": [{"device": data_hex(each.device), "atMs": each.at_ms} for each in fleet.revocations],
    }


def device_from_json(fields: Fields) -> DeviceRecord:
    """One device's record, in a fleet file or on its own in evidence. Raises FieldError that names field and rule."""
    encoded = fields.take("key")
    size = len(encoded) // 2 - 1 if isinstance(encoded, str) else 0
    try:
        key = DevicePublicKey(fields.data("key", size))
    except KeyRefused as error:
        raise FieldError(f"{fields.path}.{error}") from None
    record = DeviceRecord(
        device=fields.data("device", DEVICE_SIZE),
        key=key,
        profile=fields.text("profile", 64),
        profile_digest=fields.data("profileDigest", 32),
        calibration=fields.data("calibration", 32),
        watches=_watches(fields),
        valid_from_ms=fields.integer("validFromMs", 0, MAX_TIME_MS),
        first_seq=fields.integer("firstSeq", 0, 2**53 - 1),
    )
    fields.end()
    return record


def _watches(fields: Fields) -> tuple[bytes, ...]:
    subjects = fields.items("watches", MAX_WATCHES)
    try:
        return tuple(read_data(f"{fields.at('watches')}[{place}]", each, 32) for place, each in enumerate(subjects))
    except HexError as error:
        raise FieldError(str(error)) from None


def device_to_json(record: DeviceRecord) -> JsonValue:
    """The JSON object of one device's record; its canonical form is the data of the leaf."""
    return {
        "device": data_hex(record.device),
        "key": data_hex(record.key.encoded),
        "profile": record.profile,
        "profileDigest": data_hex(record.profile_digest),
        "calibration": data_hex(record.calibration),
        "watches": [data_hex(each) for each in record.watches],
        "validFromMs": record.valid_from_ms,
        "firstSeq": record.first_seq,
    }


def _revocation(fields: Fields) -> Revocation:
    revocation = Revocation(fields.data("device", DEVICE_SIZE), fields.integer("atMs", 0, MAX_TIME_MS))
    fields.end()
    return revocation
