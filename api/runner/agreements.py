"""What a pack says of devices and figures, in the formats that devices and oracles use (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from api.runner.pack import Pack
from api.runner.pack_parts import Channel, Metric, Profile
from api.runner.pack_parts import Schema as PackSchema
from api.runner.quantities import duration_ms, scaled
from ledger_node.hashing import keccak256, sha256
from oracle.formats.cose import DevicePublicKey
from oracle.formats.fleet import DeviceRecord, Fleet, device_id, make_fleet
from oracle.formats.metric import Aggregate
from oracle.formats.metric import Metric as AgreedMetric
from oracle.formats.profile import Channel as ProfileChannel
from oracle.formats.profile import ChannelType, DeviceProfile
from oracle.formats.schema import Kind, Member, Schema, Zone
from oracle.quality import Limits

AHEAD_MS = 60_000
"""How far before the oracle's clock a device's clock may be."""
_STUCK_FLOOR = 1
"""Readings of this magnitude, in the channel's smallest unit, and below are never stuck: zeros are not."""


@dataclass(frozen=True, slots=True)
class Names:
    """How the names of one played pack become identifiers: `run` keeps two runs on one chain apart."""

    run: str
    entities: Mapping[str, int]

    def subject(self, name: str) -> bytes:
        """The 32-byte subject of a name."""
        return keccak256(f"{self.run}/subject/{name}".encode())

    def calibration(self, name: str) -> bytes:
        """The digest of a device's calibration certificate."""
        return sha256(f"{self.run}/calibration/{name}".encode())

    def device(self, owner: str, name: str) -> bytes:
        """The 16-byte id of a device."""
        return device_id(self.entities[owner], f"{self.run}/{name}")


def profile_of(name: str, profile: Profile) -> DeviceProfile:
    """The device profile; channels are numbered from 1 in the pack's order."""
    channels = tuple(_channel(number, key, each, profile) for number, (key, each) in _numbered(profile).items())
    return DeviceProfile(
        id=name,
        max_backfill_ms=duration_ms(profile.backfill),
        max_ahead_ms=AHEAD_MS,
        liveness_ms=duration_ms(profile.silent_after) if profile.silent_after else 0,
        channels=channels,
    )


def fleet_of(pack: Pack, owner: str, names: Names, keys: Mapping[str, DevicePublicKey], epoch: int = 1) -> Fleet:
    """The fleet of the devices that one party runs."""
    records = [
        DeviceRecord(
            device=names.device(owner, key),
            key=keys[key],
            profile=device.profile,
            profile_digest=profile_of(device.profile, pack.profiles[device.profile]).digest,
            calibration=names.calibration(key),
            watches=(names.subject(device.watches),),
        )
        for key, device in pack.devices.items()
        if device.owner == owner
    ]
    return make_fleet(names.entities[owner], epoch, records)


def schema_of(pack: Pack, name: str, names: Names, starts_ms: int, salt: bytes) -> Schema:
    """The observation schema; its slots begin with the period in which `starts_ms` lies."""
    schema = pack.schemas[name]
    owners = {pack.devices[device].owner for device in schema.device_names()}
    if len(owners) != 1:
        raise ValueError(f"schemas.{name}: the devices of one schema belong to one party")
    sources = schema.sources()
    members = tuple(_member(pack, source, names) for source in sources)
    period_ms = duration_ms(schema.period) if schema.period else 0
    zone = _zone(schema)
    return Schema(
        name=name,
        kind=Kind.PERIOD if period_ms else Kind.EVENT,
        period_ms=period_ms,
        start_ms=_slot_start(starts_ms, period_ms, zone),
        zone=zone,
        lateness_ms=duration_ms(schema.lateness),
        fleet_entity=names.entities[owners.pop()],
        salt=salt,
        members=members,
        metrics=tuple(_metric(metric, sources, names) for metric in schema.metrics),
        triggers=tuple(sources.index(trigger) for trigger in schema.triggers),
    )


def channel_number(profile: Profile, channel: str) -> int:
    """The number by which segments name a channel."""
    return list(profile.channels).index(channel) + 1


def _numbered(profile: Profile) -> dict[int, tuple[str, Channel]]:
    return dict(enumerate(profile.channels.items(), start=1))


def _channel(number: int, name: str, channel: Channel, profile: Profile) -> ProfileChannel:
    cadence_ms = 0 if channel.event else duration_ms(profile.cadence)
    kind = ChannelType(channel.type)
    if kind is not ChannelType.INT:
        return ProfileChannel(number, name, kind, cadence_ms)
    bounds = (channel.least, channel.most, channel.fastest)
    low, high, step = (None if bound is None else scaled(bound, channel.exp10) for bound in bounds)
    limits = Limits(low, high, step, cadence_ms if step is not None else 0, channel.stuck_after, _floor(channel))
    return ProfileChannel(number, name, kind, cadence_ms, channel.unit, channel.exp10, limits=limits)


def _floor(channel: Channel) -> int | None:
    return None if channel.stuck_after is None else _STUCK_FLOOR


def _member(pack: Pack, source: str, names: Names) -> Member:
    device_name, channel = source.split(".", 1)
    device = pack.devices[device_name]
    profile = pack.profiles[device.profile]
    declared = _channel(channel_number(profile, channel), channel, profile.channels[channel], profile)
    device_id = names.device(device.owner, device_name)
    return Member(device_id, declared.number, declared.cadence_ms, declared.exp10, declared.limits)


def _metric(metric: Metric, sources: tuple[str, ...], names: Names) -> AgreedMetric:
    return AgreedMetric(
        name=metric.name,
        subject=names.subject(metric.subject),
        exp10=metric.exp10,
        aggregate=Aggregate(metric.aggregate),
        members=tuple(sources.index(source) for source in metric.of),
        against=tuple(sources.index(source) for source in metric.against),
        lookback_ms=duration_ms(metric.lookback) if metric.lookback else 0,
        daylight_margin_ms=duration_ms(metric.daylight) if metric.daylight else None,
        completeness_bps=metric.complete * 100,
    )


def _zone(schema: PackSchema) -> Zone:
    if schema.place is None:
        return Zone(0, 0, 0)
    hours, minutes = schema.place.clock[1:].split(":")
    offset = (int(hours) * 60 + int(minutes)) * (-1 if schema.place.clock[0] == "-" else 1)
    return Zone(_micro_degrees(schema.place.latitude), _micro_degrees(schema.place.longitude), offset)


def _micro_degrees(text: str) -> int:
    return int(Decimal(text).scaleb(6))


def _slot_start(starts_ms: int, period_ms: int, zone: Zone) -> int:
    offset_ms = zone.utc_offset_min * 60_000
    return starts_ms - (starts_ms + offset_ms) % period_ms if period_ms else starts_ms
