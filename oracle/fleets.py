"""The fleets an oracle knows: files that anyone may hand in, accepted only under the roots that the chain holds."""

import threading
from dataclasses import dataclass

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError
from oracle.clock import Clock
from oracle.database import Database
from oracle.formats.cose import DevicePublicKey
from oracle.formats.fields import FieldError, Fields
from oracle.formats.fleet import MAX_DEVICES, DeviceRecord, Fleet, fleet_from_json, fleet_to_json
from oracle.formats.profile import DeviceProfile, profile_from_json, profile_to_json
from oracle.formats.reasons import Reason
from oracle.formats.segment import SignedSegment
from oracle.ports import ChainUnavailable, FleetRegistry, FleetRoots, FleetSize

MAX_PROFILES = 1024
MAX_FLEET_BYTES = 64 << 20
_DEVICE_BYTES, _REVOCATION_BYTES, _PROFILE_BYTES = 20 << 10, 256, 64 << 10
"""How long a device that watches as many subjects as it may, a revocation and a profile can be in a fleet's file."""
ROOTS_FRESH_MS = 2_000
"""For how long the chain's roots are not asked for again."""
ROOTS_GRACE_MS = 600_000
"""For how long the last known roots stand in while the node does not answer."""


class FleetRefused(ValueError):
    """A fleet file is not taken, for `reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FleetBundle:
    """A fleet with the profiles that its devices name."""

    fleet: Fleet
    profiles: tuple[DeviceProfile, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device as a fleet has it. Satisfies segment.Enrolment."""

    record: DeviceRecord
    profile: DeviceProfile
    revoked_at_ms: int | None

    @property
    def key(self) -> DevicePublicKey:
        """The enrolled key."""
        return self.record.key


@dataclass(frozen=True, slots=True)
class AcceptedFleet:
    """A fleet that the chain held when it was accepted."""

    bundle: FleetBundle
    roots: FleetRoots
    profiles: dict[bytes, DeviceProfile]
    accepted_ms: int


def fleet_bytes(size: FleetSize) -> int:
    """How many bytes a fleet's file has at most, by what the chain says of the fleet."""
    profiles = min(size.devices, MAX_PROFILES) + 1
    most = size.devices * _DEVICE_BYTES + size.revoked * _REVOCATION_BYTES + profiles * _PROFILE_BYTES
    return min(most, MAX_FLEET_BYTES)


def load_bundle(text: bytes, entity: int | None = None, size: FleetSize | None = None) -> FleetBundle:
    """The fleet and profiles in a JSON text `{"fleet": .., "profiles": [..]}`. Raises FleetRefused (malformed, and
    fleet_unproven when it is of another entity or size than is asked for, which is seen before any key is read)."""
    try:
        fields = Fields(canonical_json.loads(text), "body")
        value = fields.take("fleet")
        if size is not None:
            _check_size(Fields(value, "fleet"), entity, size)
        fleet = fleet_from_json(value)
        profiles = tuple(profile_from_json(each) for each in fields.items("profiles", MAX_PROFILES))
        fields.end()
    except (JsonError, FieldError) as error:
        raise FleetRefused(Reason.MALFORMED, str(error)) from None
    return FleetBundle(fleet, profiles)


def _check_size(fields: Fields, entity: int | None, size: FleetSize) -> None:
    told = (fields.integer("entity", 0, 2**32 - 1), len(fields.items("devices", MAX_DEVICES)))
    if (*told, len(fields.items("revocations", MAX_DEVICES))) != (entity, size.devices, size.revoked):
        raise FleetRefused(
            Reason.FLEET_UNPROVEN,
            f"fleet: the chain holds {size.devices} devices and {size.revoked} revocations of entity {entity}",
        )


def dump_bundle(bundle: FleetBundle) -> bytes:
    """The canonical JSON (RFC 8785) of a fleet with its profiles."""
    profiles = [profile_to_json(each) for each in bundle.profiles]
    return canonical_json.dumps({"fleet": fleet_to_json(bundle.fleet), "profiles": profiles})


class Fleets:
    """Accepted fleets, in the database and in memory."""

    def __init__(self, database: Database, registry: FleetRegistry, clock: Clock) -> None:
        """Reads back what was accepted before."""
        self._database = database
        self._registry = registry
        self._clock = clock
        self._lock = threading.RLock()
        self._known: dict[int, list[AcceptedFleet]] = {}
        self._roots: dict[int, tuple[int, FleetRoots | None]] = {}
        rows = database.rows("SELECT body, fleet_root, revocation_root, accepted_ms FROM fleets ORDER BY id")
        for body, fleet_root, revocation_root, accepted_ms in rows:
            self._remember(_index(load_bundle(body), FleetRoots(fleet_root, revocation_root), accepted_ms))

    def accept(self, bundle: FleetBundle) -> bool:
        """Takes a fleet whose roots the chain holds; False when it was known. Raises FleetRefused, ChainUnavailable."""
        fleet = bundle.fleet
        roots = FleetRoots(fleet.tree().root, fleet.revocation_tree().root)
        accepted = _index(bundle, roots, self._clock.now_ms())
        if self._registry.roots(fleet.entity) != roots:
            raise FleetRefused(
                Reason.FLEET_UNPROVEN, f"fleet.entity: {fleet.entity} has other roots on the chain, or none"
            )
        with self._lock, self._database.transaction():
            known = self._known.get(fleet.entity)
            if known and known[-1].roots == roots:
                return False
            self._database.rows(
                "INSERT INTO fleets (entity, fleet_root, revocation_root, body, accepted_ms) VALUES (?, ?, ?, ?, ?)",
                (fleet.entity, roots.fleet, roots.revocations, dump_bundle(bundle), accepted.accepted_ms),
            )
            self._remember(accepted)
            self._roots[fleet.entity] = (accepted.accepted_ms, roots)
        return True

    def wanted(self, entity: int) -> FleetSize | None:
        """The size of an entity's fleet when the chain holds another one than is known here, else None.

        Raises ChainUnavailable."""
        roots, known = self._registry.roots(entity), self.current(entity)
        if roots is None or (known is not None and known.roots == roots):
            return None
        return self._registry.fleet_size(entity)

    def current(self, entity: int) -> "AcceptedFleet | None":
        """The newest fleet that was accepted of an entity, or None."""
        with self._lock:
            known = self._known.get(entity)
            return known[-1] if known else None

    def find(self, device: bytes) -> Enrolled | None:
        """The device as the newest fleet has it, or None. Raises ChainUnavailable.

        None too while the chain holds newer roots than the file known here: who was revoked is not known then.
        """
        found = self._all(device)
        return found[0][1] if found else None

    def suited(self, segment: SignedSegment, arrived_ms: int) -> Enrolled | None:
        """The enrolment under which a segment that arrived at a peer must be judged, or None as `find` does.

        It is the newest, or one that was in force here at the arrival when only that has the segment's key and
        calibration. Revocations always come from the newest file. Raises ChainUnavailable.
        """
        found = self._all(segment.content.device)
        for until_ms, enrolled in found:
            record = enrolled.record
            named = record.kid == segment.kid and record.calibration == segment.content.calibration
            if named and (until_ms is None or arrived_ms < until_ms):
                return enrolled
        return found[0][1] if found else None

    def _all(self, device: bytes) -> list[tuple[int | None, Enrolled]]:
        """The enrolments of a device with the time until which each was in force here, the newest first."""
        entity = int.from_bytes(device[:4], "big")
        with self._lock:
            known = list(self._known.get(entity, ()))
        if not known or self._current_roots(entity) != known[-1].roots:
            return []
        revoked_at_ms, until_ms = known[-1].bundle.fleet.revoked_at(device), None
        found: list[tuple[int | None, Enrolled]] = []
        for each in reversed(known):
            record = each.bundle.fleet.find(device)
            if record is not None:
                found.append((until_ms, Enrolled(record, each.profiles[record.profile_digest], revoked_at_ms)))
            elif each is known[-1]:
                return []
            until_ms = each.accepted_ms
        return found

    def _remember(self, accepted: AcceptedFleet) -> None:
        self._known.setdefault(accepted.bundle.fleet.entity, []).append(accepted)

    def _current_roots(self, entity: int) -> FleetRoots | None:
        now = self._clock.now_ms()
        with self._lock:
            asked_ms, roots = self._roots.get(entity, (None, None))
        age = None if asked_ms is None else now - asked_ms
        if age is not None and 0 <= age < ROOTS_FRESH_MS:
            return roots
        try:
            roots = self._registry.roots(entity)
        except ChainUnavailable:
            if age is None or age > ROOTS_GRACE_MS:
                raise
            return roots
        with self._lock:
            self._roots[entity] = (now, roots)
        return roots


def _index(bundle: FleetBundle, roots: FleetRoots, accepted_ms: int) -> AcceptedFleet:
    profiles = {each.digest: each for each in bundle.profiles}
    for device in bundle.fleet.devices:
        profile = profiles.get(device.profile_digest)
        if profile is None or profile.id != device.profile:
            raise FleetRefused(Reason.PROFILE_MISSING, f"profiles: {device.profile} of that digest is missing")
    return AcceptedFleet(bundle, roots, profiles, accepted_ms)
