"""From the readings of one slot to a value, a flag and a count (docs/formats/observation.md defines each aggregate).

Exact: readings become integers of one exponent, and the result is a fraction that the caller rounds once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from typing import NamedTuple

from ledger_node.hexvalues import data_hex
from oracle.daylight import Span
from oracle.formats.metric import Aggregate, Combine, Metric
from oracle.formats.schema import Member
from oracle.formats.segment import Quality, Value
from oracle.quality import Limits, Sample, assess, runs

BPS = 10_000


class Said(NamedTuple):
    """One reading: its event time, its value times 10**exp10, the device's own opinion of it."""

    time_ms: int
    value: Value
    exp10: int
    quality: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a metric, its slot, the window with the look back, and the parts of it that count."""

    metric: Metric
    slot: Span
    window: Span
    spans: tuple[Span, ...]

    def asks(self, time_ms: int) -> bool:
        """Whether a reading of this time counts."""
        return any(start <= time_ms < end for start, end in self.spans)

    def expected(self, cadence_ms: int) -> int:
        """How many readings of a cadence fall into the spans, counted from the start of the window."""
        start = self.window[0]
        return sum(-(-(end - start) // cadence_ms) + (begin - start) // -cadence_ms for begin, end in self.spans)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one member said, in order; `closed` when its device's stream has passed the slot."""

    member: Member
    said: tuple[Said, ...]
    closed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The value in units of 10**exp10 of the metric, the flag, and how many readings were used."""

    value: Fraction
    flag: Quality
    count: int


_MISSING = Outcome(Fraction(0), Quality.MISSING, 0)
_NOT_ASKED = Outcome(Fraction(0), Quality.NOT_EVALUATED, 0)
_ALL_FAILED = Outcome(Fraction(0), Quality.FAIL, 0)


def measure(question: Question, heard: Sequence[Hearing]) -> Outcome:
    """A number out of numbers: test the readings, aggregate each member, combine the members."""
    if not question.spans:
        return _NOT_ASKED
    metric = question.metric
    exponents = [each.exp10 for hearing in heard for each in hearing.said]
    exponent = min([metric.exp10, *exponents, *(hearing.member.exp10 for hearing in heard)])
    series = [_assessed(hearing, exponent) for hearing in heard]
    if not any(series):
        return _MISSING
    used = [[sample for sample in each if sample.quality is not Quality.FAIL] for each in series]
    if not any(used):
        return _ALL_FAILED
    values = [
        _aggregate(question, samples, hearing.member, exponent)
        for samples, hearing in zip(used, heard, strict=True)
        if samples
    ]
    unit = 1 if metric.aggregate is Aggregate.STUCK_RUN else 10 ** (metric.exp10 - exponent)
    whole = all(used) or metric.combine is not Combine.SUM
    times = [[sample.time_ms for sample in each] for each in used]
    doubtful = sum(sample.quality is Quality.SUSPECT for each in used for sample in each)
    flag = _flag(question, times, heard, doubtful) if whole else Quality.FAIL
    return Outcome(_combine(values, metric.combine) / unit, flag, sum(map(len, used)))


def count(question: Question, heard: Sequence[Hearing], against: Sequence[Hearing]) -> Outcome:
    """A number out of events; nothing said is 0 when the device's stream has passed the slot."""
    if not question.spans:
        return _NOT_ASKED
    used = [[each for each in hearing.said if each.quality != Quality.FAIL] for hearing in heard]
    silent = [
        not each and (hearing.member.cadence_ms > 0 or not hearing.closed)
        for each, hearing in zip(used, heard, strict=True)
    ]
    if all(silent):
        return _MISSING
    said = [each for member in used for each in member]
    number = _number(question, said, [each for hearing in against for each in hearing.said])
    times = [[each.time_ms for each in member] for member in used]
    doubtful = sum(each.quality == Quality.SUSPECT for each in said)
    flag = Quality.FAIL if any(silent) else _flag(question, times, heard, doubtful)
    if flag is Quality.PASS and not all(hearing.closed for hearing in (*heard, *against)):
        flag = Quality.SUSPECT
    return Outcome(Fraction(number), flag, len(said))


def _flag(question: Question, times: list[list[int]], heard: Sequence[Hearing], doubtful: int) -> Quality:
    """FAIL for too few of the expected readings, SUSPECT for too many doubtful ones, else PASS."""
    metric, start = question.metric, question.window[0]
    if metric.completeness_bps:
        cadences = [hearing.member.cadence_ms for hearing in heard]
        expected = sum(map(question.expected, cadences))
        covered = sum(
            min(len({(time - start) // cadence for time in member}), question.expected(cadence))
            for member, cadence in zip(times, cadences, strict=True)
        )
        if covered * BPS < metric.completeness_bps * expected:
            return Quality.FAIL
    return Quality.SUSPECT if doubtful * BPS > metric.suspect_bps * sum(map(len, times)) else Quality.PASS


def _assessed(hearing: Hearing, exponent: int) -> list[Sample]:
    """The numbers that a member said as integers of one exponent, each with the quality that its limits give it."""
    samples = [
        Sample(each.time_ms, each.value * 10 ** (each.exp10 - exponent), Quality(each.quality))
        for each in hearing.said
        if isinstance(each.value, int)
    ]
    flags = assess(samples, _limits(hearing.member, exponent))
    return [replace(sample, quality=flag.quality) for sample, flag in zip(samples, flags, strict=True)]


def _limits(member: Member, exponent: int) -> Limits:
    """The limits of a member in units of 10**exponent."""
    limits, unit = member.limits, 10 ** (member.exp10 - exponent)

    def scale(limit: int | None) -> int | None:
        return None if limit is None else limit * unit

    return replace(
        limits,
        low=scale(limits.low),
        high=scale(limits.high),
        step=scale(limits.step),
        stuck_floor=scale(limits.stuck_floor),
        tolerance=limits.tolerance * unit,
    )


def _aggregate(question: Question, series: Sequence[Sample], member: Member, exponent: int) -> Fraction:
    values = [each.value for each in series]
    match question.metric.aggregate:
        case Aggregate.MEAN:
            return Fraction(sum(values), len(values))
        case Aggregate.SUM:
            return Fraction(sum(values))
        case Aggregate.MIN:
            return Fraction(min(values))
        case Aggregate.MAX:
            return Fraction(max(values))
        case Aggregate.FIRST:
            return Fraction(values[0])
        case Aggregate.LAST:
            return Fraction(values[-1])
        case Aggregate.DELTA:
            return Fraction(values[-1] - values[0])
        case _:
            found = runs(series, _limits(member, exponent), member.cadence_ms)
            reaching = [last - first + 1 for first, last in found if series[last].time_ms >= question.slot[0]]
            return Fraction(max(reaching, default=0))


def _combine(values: Sequence[Fraction], how: Combine) -> Fraction:
    match how:
        case Combine.SUM:
            return sum(values, Fraction(0))
        case Combine.MEAN:
            return sum(values, Fraction(0)) / len(values)
        case Combine.MEDIAN:
            return median(values)
        case Combine.MIN:
            return min(values)
        case Combine.MAX:
            return max(values)


def _number(question: Question, said: Sequence[Said], against: Sequence[Said]) -> int:
    metric = question.metric
    match metric.aggregate:
        case Aggregate.COUNT:
            return len(said)
        case Aggregate.COUNT_EVENT:
            return sum(each.value in metric.codes and each.exp10 == 0 for each in said)
        case Aggregate.UNMATCHED:
            return sum(not _matched(question, each, against) for each in said if each.time_ms >= question.slot[0])
    names = {_name(each.value) for each in said}
    match metric.aggregate:
        case Aggregate.ABSENT:
            return len(set(metric.expected) - names)
        case Aggregate.EXTRA:
            return len(names - set(metric.expected))
        case _:
            return len(names)


def _matched(question: Question, event: Said, against: Sequence[Said]) -> bool:
    """Whether an event's text, which must not be empty, was said by another member before it, within the look back."""
    earliest = event.time_ms - question.metric.lookback_ms
    return event.value != "" and any(
        each.value == event.value and earliest <= each.time_ms <= event.time_ms and each.quality != Quality.FAIL
        for each in against
    )


def _name(value: Value) -> str:
    return data_hex(value) if isinstance(value, bytes) else str(value)
