"""The parties of a played pack: enrolled as members, each with its program at the API; their devices and fleets."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from api.founding.enrolment import Newcomer
from api.runner.agreements import Names, channel_number, fleet_of, profile_of, schema_of
from api.runner.devices import SimulatedDevice
from api.runner.pack import Pack
from api.runner.quantities import duration_ms
from api.runner.session import Session
from api.runner.stage import Stage
from api.runner.streams import Sample, batches, recorded, simulated
from ledger_node.hexvalues import data_hex
from oracle.fleets import FleetBundle
from oracle.formats.cose import DeviceKey
from oracle.formats.fleet import Fleet, make_fleet
from oracle.formats.schema import Schema
from oracle.formats.segment import TimeSource

READINGS_A_SEGMENT = 400


@dataclass
class Cast:
    """Everyone and everything that plays."""

    pack: Pack
    names: Names
    sessions: dict[str, Session]
    devices: dict[str, SimulatedDevice]
    keys: dict[str, DeviceKey]
    schemas: dict[str, Schema]


@dataclass(frozen=True, slots=True)
class Direction:
    """How the pack is to be played: what is left out, the seed of the noise, files in place of recorded ones."""

    folder: Path
    starts_ms: int
    seed: int = 1
    omit: frozenset[str] = frozenset()
    overrides: dict[str, Path] = field(default_factory=dict)


def assemble(pack: Pack, stage: Stage, direction: Direction, run: str) -> Cast:
    """Enrol the parties and make their devices. Nothing is measured yet."""
    newcomers = [Newcomer(each.kind, each.name, each.name_zh, each.identifier) for each in pack.parties.values()]
    sessions = {
        key: Session(seat, stage.api, stage.settings.api.public_url)
        for key, seat in zip(pack.parties, stage.enrolment.seats(newcomers), strict=True)
    }
    names = Names(run, {key: session.seat.entity for key, session in sessions.items()})
    keys = {name: DeviceKey.from_secret(secrets.token_bytes(32)) for name in pack.devices}
    samples = {name: list(samples_of(pack, name, direction)) for name in pack.devices}
    devices = {name: _device(pack, name, names, keys[name], samples[name]) for name in pack.devices}
    schemas = {
        name: schema_of(pack, name, names, _first(samples, schema.device_names()), secrets.token_bytes(32))
        for name, schema in pack.schemas.items()
    }
    return Cast(pack, names, sessions, devices, keys, schemas)


def samples_of(pack: Pack, name: str, direction: Direction) -> Iterator[Sample]:
    """What a device will measure, in time order."""
    device = pack.devices[name]
    if device.stream.recorded is not None:
        return recorded(device.stream.recorded, recorded_file(pack, name, direction), direction.omit)
    assert device.stream.simulated is not None
    profile = pack.profiles[device.profile]
    seed = f"{direction.seed}/{name}"
    return simulated(device.stream.simulated, profile, direction.starts_ms, seed, direction.omit)


def recorded_file(pack: Pack, name: str, direction: Direction) -> Path:
    """The CSV file of a recorded device: the pack's own, or the one that is played in its place."""
    stream = pack.devices[name].stream.recorded
    assert stream is not None
    return direction.overrides.get(name, direction.folder / stream.file)


def fleet_owners(pack: Pack) -> list[str]:
    """The parties that run devices."""
    return sorted({device.owner for device in pack.devices.values()})


def fleet_bundle(cast: Cast, owner: str, earlier: FleetBundle | None, epoch: int = 1) -> FleetBundle:
    """An owner's devices: those of this pack, and those that it had before and still answers for."""
    fleet = fleet_of(cast.pack, owner, cast.names, {name: key.public for name, key in cast.keys.items()})
    used = {device.profile for device in cast.pack.devices.values() if device.owner == owner}
    profiles = {each.digest: each for each in (profile_of(name, cast.pack.profiles[name]) for name in sorted(used))}
    if earlier is None:
        return FleetBundle(replace(fleet, epoch=epoch), tuple(profiles.values()))
    devices = (*earlier.fleet.devices, *fleet.devices)
    whole = make_fleet(fleet.entity, epoch, devices, earlier.fleet.revocations)
    return FleetBundle(whole, tuple(({each.digest: each for each in earlier.profiles} | profiles).values()))


def fleet_request(fleet: Fleet) -> dict[str, object]:
    """The request that puts an owner's fleet on the chain."""
    return {
        "act": "fleet",
        "devices": len(fleet.devices),
        "fleetRoot": data_hex(fleet.tree().root),
        "revocationRoot": data_hex(fleet.revocation_tree().root),
    }


def _device(pack: Pack, name: str, names: Names, key: DeviceKey, samples: list[Sample]) -> SimulatedDevice:
    device = pack.devices[name]
    profile = pack.profiles[device.profile]
    longest = duration_ms(device.stream.segment)
    return SimulatedDevice(
        name=name,
        device=names.device(device.owner, name),
        key=key,
        calibration=names.calibration(name),
        channels={channel: channel_number(profile, channel) for channel in profile.channels},
        batches=batches(samples, longest, READINGS_A_SEGMENT),
        time_source=TimeSource.RECORDED if device.stream.recorded else TimeSource.NTP,
    )


def _first(samples: dict[str, list[Sample]], devices: Collection[str]) -> int:
    return min(samples[name][0].t_ms for name in devices if samples[name])
