"""What devices will measure: recorded files and simulated courses as samples in event time."""

from __future__ import annotations

import csv
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.runner.pack_parts import Profile, Recorded, Simulated
from api.runner.quantities import duration_ms, scaled, time_ms


class StreamError(Exception):
    """A recorded stream that does not fit its pack; the message names file, row and rule."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value: event time in ms, channel, integer (times 10^exp10 of the unit) or text."""

    t_ms: int
    channel: str
    value: int | str
    exp10: int


def recorded(stream: Recorded, path: Path, omit: Collection[str]) -> Iterator[Sample]:
    """The samples of a CSV file; rows in an omitted episode and empty cells are gaps."""
    left_out = [tuple(time_ms(end) for end in stream.episodes[name]) for name in stream.episodes if name in omit]
    last = -1
    for line, row in enumerate(_rows(stream, path), start=2):
        try:
            at = time_ms(row[stream.time])
        except ValueError as error:
            raise StreamError(f"{path.name} line {line}: {stream.time}: {error}") from error
        if at <= last:
            raise StreamError(f"{path.name} line {line}: {stream.time}: times must rise")
        last = at
        if any(first <= at <= end for first, end in left_out):
            continue
        for channel, source in stream.channels.items():
            cell = row[source.column]
            if cell == "":
                continue
            try:
                yield Sample(at, channel, scaled(cell, source.exp10), source.exp10)
            except ValueError as error:
                raise StreamError(f"{path.name} line {line}: {source.column}: {error}") from error


def truth(stream: Recorded, path: Path) -> dict[int, bool]:
    """Event time to the file's own verdict; only expectations may use it."""
    if stream.truth is None:
        raise StreamError(f"{path.name}: the stream names no truth column")
    return {time_ms(row[stream.time]): row[stream.truth].lower() == "true" for row in _rows(stream, path)}


def _rows(stream: Recorded, path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise StreamError(f"{path.name}: cannot be read as UTF-8 CSV: {error}") from error
    wanted = [stream.time, *(channel.column for channel in stream.channels.values())]
    wanted += [stream.truth] if stream.truth is not None else []
    for name in wanted:
        if name not in (reader.fieldnames or []):
            raise StreamError(f"{path.name}: has no column {name!r}")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise StreamError(f"{path.name} line {line}: has another number of cells than the head")
    return rows


def simulated(stream: Simulated, profile: Profile, start_ms: int, seed: str, omit: Collection[str]) -> Iterator[Sample]:
    """The samples of a simulated course from `start_ms`: levels with uniform noise, shifts, events in time order."""
    noise = random.Random(seed)
    events = sorted((e for e in stream.events if e.episode not in omit), key=lambda event: duration_ms(event.at))
    shifts = [shift for shift in stream.shifts if shift.episode not in omit]
    pending: list[Sample] = []
    for event in events:
        at = start_ms + duration_ms(event.at)
        for channel, value in {event.channel: event.value, **event.also}.items():
            pending.append(Sample(at, channel, value, profile.channels[channel].exp10))
    for offset in range(0, duration_ms(stream.until), duration_ms(stream.every)):
        while pending and pending[0].t_ms <= start_ms + offset:
            yield pending.pop(0)
        for channel, level in stream.levels.items():
            exp10 = profile.channels[channel].exp10
            swing = scaled(level.noise, exp10)
            value = scaled(level.level, exp10) + (noise.randint(-swing, swing) if swing else 0)
            for shift in shifts:
                if shift.channel == channel and duration_ms(shift.start) <= offset < duration_ms(shift.end):
                    value += scaled(shift.add, exp10)
            yield Sample(start_ms + offset, channel, value, exp10)
    yield from pending


def batches(samples: Sequence[Sample], longest_ms: int, most: int) -> Iterator[tuple[Sample, ...]]:
    """Samples that are signed together: at most `longest_ms` from first to last and at most `most` of them."""
    batch: list[Sample] = []
    for sample in samples:
        if batch and (sample.t_ms - batch[0].t_ms >= longest_ms or len(batch) >= most):
            yield tuple(batch)
            batch = []
        batch.append(sample)
    if batch:
        yield tuple(batch)
