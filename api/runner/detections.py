"""How the flags of a recorded device's readings compare with the file's truth column, in daylight points.

The readings are those that an oracle grants to a party of the covenant, tested against the schema's limits
(docs/formats/profile.md); the truth column is read from the file here and reaches no device.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from api.runner.agreements import channel_number
from api.runner.cast import recorded_file, samples_of
from api.runner.pack_steps import ExpectedDetection
from api.runner.play import Play
from api.runner.session import ApiRefused, Session
from api.runner.streams import truth
from ledger_node.hexvalues import data_hex, read_data
from oracle.daylight import daylight
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.schema import Member, Schema
from oracle.formats.segment import Quality, parse
from oracle.quality import Sample, assess


@dataclass(frozen=True, slots=True)
class Score:
    """How many true points were flagged, how many flags were wrong, how many true points had none."""

    found: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """The share of flags that were right; 1 where nothing was flagged."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of true points that were flagged; 1 where there was none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    def __str__(self) -> str:
        numbers = f"{self.found} found, {self.wrong} wrong, {self.missed} missed"
        return f"precision {self.precision:.3f}, recall {self.recall:.3f}: {numbers}"


def score(points: Iterable[int], flags: Mapping[int, bool], actual: Mapping[int, bool]) -> Score:
    """Compare at each of these event times; a point without a flag counts as not flagged (pure)."""
    pairs = [(flags.get(point, False), actual.get(point, False)) for point in points]
    return Score(pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)))


def flags_of(samples: Iterable[Sample], schema: Schema, member: Member) -> dict[int, bool]:
    """Event time to whether the reading is doubtful or failed, each slot judged by itself as oracles do (pure)."""
    found: dict[int, bool] = {}
    for _, slot in groupby(samples, lambda sample: schema.slot_of(sample.time_ms)):
        said = list(slot)
        flags = assess(said, member.limits)
        bad = (Quality.SUSPECT, Quality.FAIL)
        found |= {sample.time_ms: flag.quality in bad for sample, flag in zip(said, flags, strict=True)}
    return found


def check_detection(play: Play, expected: ExpectedDetection) -> None:
    """Note precision and recall of a device's flags as a step. Raises ApiRefused when an oracle does not answer."""
    pack, schema = play.pack, play.cast.schemas[expected.schema_]
    device = pack.devices[expected.device]
    number = channel_number(pack.profiles[device.profile], expected.channel)
    device_id = play.cast.devices[expected.device].device
    member = next(each for each in schema.members if (each.device, each.channel) == (device_id, number))
    flags = flags_of(_readings(play, _reader(play, expected.schema_), member), schema, member)
    assert device.stream.recorded is not None
    actual = truth(device.stream.recorded, recorded_file(pack, expected.device, play.direction))
    sent = [each.t_ms for each in samples_of(pack, expected.device, play.direction) if each.channel == expected.channel]
    result = score(_in_daylight(sent, schema), flags, actual)
    play.outcome.add(
        f"flags of {expected.device}.{expected.channel} in daylight",
        f"precision >= {expected.precision:.3f}, recall >= {expected.recall:.3f}",
        str(result),
        ok=result.precision >= expected.precision and result.recall >= expected.recall,
    )


def _in_daylight(times_ms: Iterable[int], schema: Schema) -> Iterator[int]:
    for slot, points in groupby(times_ms, schema.slot_of):
        spans = daylight(schema.zone, schema.window(slot), 0)
        yield from (point for point in points if any(start <= point < end for start, end in spans))


def _reader(play: Play, schema: str) -> Session:
    """The lender of a facility whose covenant grants the readings of the schema."""
    lender = next(
        facility.lender
        for facility in play.pack.facilities.values()
        if any(condition.schema_ == schema for rule in facility.rules for condition in rule.when)
    )
    return play.cast.sessions[lender]


def _readings(play: Play, reader: Session, member: Member) -> list[Sample]:
    """A channel's readings, in the order in which they were made, as an oracle shows them to `reader`."""
    origin = str(_get(play, "/v1/oracle", {})["origin"])
    samples: list[Sample] = []
    after: int | None = 0
    while after is not None:
        query = urlencode({"device": data_hex(member.device), "after": after})
        target = f"/v1/segments?{query}"
        signed = sign_request(reader.signer, Scheme.ACCOUNT, origin, target, time.time_ns() // 1_000_000)
        page = _get(play, target, {"authorization": signed})
        for entry in page["entries"]:
            content = parse(read_data("segment", entry["segment"])).content
            samples += [
                Sample(content.t0_ms + reading.dt_ms, reading.value, Quality(reading.quality))
                for reading in content.readings
                if reading.channel == member.channel and isinstance(reading.value, int)
            ]
        after = page["next"]
    return samples


def _get(play: Play, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
    response = play.stage.devices.get(f"{play.stage.oracle_urls[0]}{target}", headers=headers)
    if not response.is_success:
        raise ApiRefused(f"GET {target.split('?')[0]}", response)
    answer: dict[str, Any] = response.json()
    return answer
