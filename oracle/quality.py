"""QARTOD tests of one series: gross range, rate of change, flat line. Integers only; nothing is dropped.

Source: U.S. IOOS QARTOD manuals (tests 4, 7 and 8) and their primary flags. Values are integers in units of
10**exp10 of the channel, times are milliseconds of event time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from oracle.formats.segment import Quality


class Check(StrEnum):
    """What gave a reading its flag."""

    NONE = "none"
    DEVICE = "device"
    GROSS_RANGE = "gross_range"
    RATE_OF_CHANGE = "rate_of_change"
    FLAT_LINE = "flat_line"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a series; None leaves a test out.

    A value below `low` or above `high` fails. A change of more than `step` since the last good reading is suspect; with
    `step_ms`, `step` is the change allowed in that time, and more where more time has passed. A run of `stuck`
    readings that stay within `tolerance` of the run's first is suspect, but for readings of a magnitude up to
    `stuck_floor`, which are never stuck: with 0, zeros are not; with None, all count.
    """

    low: int | None = None
    high: int | None = None
    step: int | None = None
    step_ms: int = 0
    stuck: int | None = None
    stuck_floor: int | None = None
    tolerance: int = 0

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low: must not be above high")
        if self.stuck is not None and self.stuck < 2:
            raise ValueError("stuck: must be at least 2 readings")
        if min(self.step or 0, self.step_ms, self.stuck_floor or 0, self.tolerance) < 0:
            raise ValueError("step, step_ms, stuck_floor and tolerance: must not be negative")


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a series; `quality` is the device's own opinion."""

    time_ms: int
    value: int
    quality: Quality = Quality.PASS


@dataclass(frozen=True, slots=True)
class Flag:
    """PASS, SUSPECT, FAIL or MISSING, and the check that said so (NONE for PASS)."""

    quality: Quality
    check: Check


PASS = Flag(Quality.PASS, Check.NONE)
_OPINIONS = {
    Quality.MISSING: Flag(Quality.MISSING, Check.DEVICE),
    Quality.FAIL: Flag(Quality.FAIL, Check.DEVICE),
    Quality.SUSPECT: Flag(Quality.SUSPECT, Check.DEVICE),
}


def assess(samples: Sequence[Sample], limits: Limits) -> tuple[Flag, ...]:
    """One flag for each sample, the worst that any test gives; samples stand in the order of their times."""
    stuck = _stuck(samples, limits)
    flags: list[Flag] = []
    good: Sample | None = None
    for place, sample in enumerate(samples):
        flag = _OPINIONS.get(sample.quality, PASS)
        if flag.quality not in (Quality.MISSING, Quality.FAIL):
            if _outside(sample.value, limits):
                flag = Flag(Quality.FAIL, Check.GROSS_RANGE)
            else:
                if flag is PASS and good is not None and _too_fast(good, sample, limits):
                    flag = Flag(Quality.SUSPECT, Check.RATE_OF_CHANGE)
                if flag is PASS and place in stuck:
                    flag = Flag(Quality.SUSPECT, Check.FLAT_LINE)
                good = sample
        flags.append(flag)
    return tuple(flags)


def runs(samples: Sequence[Sample], limits: Limits, cadence_ms: int = 0) -> list[tuple[int, int]]:
    """First and last place of each run of readings that stay within the tolerance of the run's first.

    Readings up to the floor are in no run; a missing or failed one ends a run, and so does a gap of one and a half
    cadences, where there is a cadence.
    """
    floor = limits.stuck_floor
    found: list[tuple[int, int]] = []
    for at, each in enumerate(samples):
        if each.quality in (Quality.MISSING, Quality.FAIL) or (floor is not None and abs(each.value) <= floor):
            continue
        if found and found[-1][1] == at - 1:
            first, last = found[-1]
            gap = 2 * (each.time_ms - samples[last].time_ms) >= 3 * cadence_ms > 0
            if not gap and abs(each.value - samples[first].value) <= limits.tolerance:
                found[-1] = first, at
                continue
        found.append((at, at))
    return found


def _outside(value: int, limits: Limits) -> bool:
    below = limits.low is not None and value < limits.low
    return below or (limits.high is not None and value > limits.high)


def _too_fast(before: Sample, sample: Sample, limits: Limits) -> bool:
    if limits.step is None:
        return False
    change = abs(sample.value - before.value)
    if not limits.step_ms:
        return change > limits.step
    return change * limits.step_ms > limits.step * max(sample.time_ms - before.time_ms, limits.step_ms)


def _stuck(samples: Sequence[Sample], limits: Limits) -> set[int]:
    """The places that lie in a run which is too long."""
    if limits.stuck is None:
        return set()
    long = [(first, last) for first, last in runs(samples, limits) if last - first + 1 >= limits.stuck]
    return {place for first, last in long for place in range(first, last + 1)}
