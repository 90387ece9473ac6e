"""Plots as SVG text, made on the server. Pure: values in, markup out, no `style` attribute (a strict CSP forbids it).

Labels and markers stand in percent of the plot, so text keeps its size on a phone; the data path lies in a nested SVG
that is stretched, with strokes that are not. Gaps in the data stay gaps in the line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape
from math import ceil, floor, log10

MAX_POINTS = 5000
COLUMNS = 1000
LEFT, RIGHT, TOP, BOTTOM = 11.0, 98.0, 6.0, 88.0
"""The frame of the data, in percent of width and height."""
_GRID = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series: time in ms, the value or None where it is missing, and its state (a Flag's name)."""

    time: int
    value: float | None
    state: str = "pass"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line that a rule compares with, and its label."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of a plot in the reader's language: title, unit, the names of states, and the zone of its times."""

    title: str
    description: str
    unit: str
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of points in one state: first and last time in ms (the end of the last period), and how many."""

    start: int
    end: int
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class _Frame:
    start: int
    end: int
    low: float
    high: float

    def x(self, time: int) -> float:
        return (time - self.start) / (self.end - self.start)

    def y(self, value: float) -> float:
        return (self.high - value) / (self.high - self.low)

    def left(self, time: int) -> str:
        return f"{LEFT + self.x(time) * (RIGHT - LEFT):.2f}%"

    def top(self, value: float) -> str:
        return f"{TOP + self.y(value) * (BOTTOM - TOP):.2f}%"


def series_svg(points: Sequence[Point], thresholds: Sequence[Threshold], labels: Labels, step_ms: int) -> str:
    """A line plot. `step_ms` is the usual distance of points: a longer one breaks the line. Empty without points."""
    known = [point for point in points if point.value is not None]
    if not known:
        return ""
    frame = _frame(points, thresholds, step_ms)
    parts = [
        f'<svg class="plot" role="img" width="100%" height="280" aria-label="{escape(labels.description)}">',
        f"<title>{escape(labels.title)}</title>",
        *_y_axis(frame, labels.unit),
        *_x_axis(frame, labels.zone),
        f'<svg x="{LEFT}%" y="{TOP}%" width="{RIGHT - LEFT}%" height="{BOTTOM - TOP}%" '
        f'viewBox="0 0 {_GRID} {_GRID}" preserveAspectRatio="none">',
        f'<path class="line" vector-effect="non-scaling-stroke" d="{_path(points, frame, step_ms)}"/>',
        "</svg>",
        *(part for threshold in thresholds for part in _threshold(threshold, frame)),
        *_markers(points, frame),
        "</svg>",
    ]
    return "".join(parts)


def strip_svg(points: Sequence[Point], step_ms: int, label: str) -> str:
    """The states of the same points as a strip of coloured stretches, aligned with the plot above it."""
    runs = stretches(points, step_ms)
    if not runs:
        return ""
    frame = _Frame(points[0].time, points[-1].time + step_ms, 0, 1)
    parts = [f'<svg class="strip" role="img" width="100%" height="22" aria-label="{escape(label)}">']
    for run in runs:
        left = LEFT + frame.x(run.start) * (RIGHT - LEFT)
        width = (frame.x(run.end) - frame.x(run.start)) * (RIGHT - LEFT)
        parts.append(
            f'<rect class="state-{escape(run.state)}" x="{left:.2f}%" y="{_HEIGHTS.get(run.state, "15%")}" '
            f'width="{max(width, 0.15):.2f}%" height="{_SIZES.get(run.state, "70%")}"/>'
        )
    return "".join([*parts, "</svg>"])


def stretches(points: Sequence[Point], step_ms: int) -> list[Stretch]:
    """Runs of neighbouring points in one state; a hole longer than two steps ends a run and stays a hole."""
    runs: list[Stretch] = []
    for point in points:
        last = runs[-1] if runs else None
        if last and last.state == point.state and point.time - last.end <= step_ms:
            runs[-1] = Stretch(last.start, point.time + step_ms, last.state, last.count + 1)
        else:
            runs.append(Stretch(point.time, point.time + step_ms, point.state, 1))
    return runs


def thin(points: Sequence[Point]) -> list[Point]:
    """At most a minimum and a maximum for each of COLUMNS columns, in order of time; gaps are kept as one point."""
    if len(points) <= MAX_POINTS:
        return list(points)
    start, span = points[0].time, points[-1].time - points[0].time + 1
    kept: list[Point] = []
    column: list[Point] = []
    current = 0
    for point in points:
        at = (point.time - start) * COLUMNS // span
        if at != current:
            kept += _extremes(column)
            column, current = [], at
        column.append(point)
    return kept + _extremes(column)


_HEIGHTS = {"pass": "35%", "not-evaluated": "35%", "missing": "45%"}
_SIZES = {"pass": "30%", "not-evaluated": "30%", "missing": "10%"}


def _extremes(column: Sequence[Point]) -> list[Point]:
    known = [(point.value, point) for point in column if point.value is not None]
    if not known:
        return list(column[:1])
    low = min(known, key=lambda pair: pair[0])[1]
    high = max(known, key=lambda pair: pair[0])[1]
    gaps = [point for point in column if point.value is None][:1]
    return sorted({low, high, *gaps}, key=lambda point: point.time)


def _frame(points: Sequence[Point], thresholds: Sequence[Threshold], step_ms: int) -> _Frame:
    values = [point.value for point in points if point.value is not None] + [each.value for each in thresholds]
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    floor_ = low - margin if low < 0 or low - margin > 0 else min(low, 0.0)
    return _Frame(points[0].time, points[-1].time + step_ms, floor_, high + margin)


def _path(points: Sequence[Point], frame: _Frame, step_ms: int) -> str:
    shown = thin(points)
    widest = step_ms * 3 // 2 if len(shown) == len(points) else (frame.end - frame.start) * 3 // COLUMNS
    steps: list[str] = []
    before: int | None = None
    for point in shown:
        if point.value is None:
            before = None
            continue
        joined = before is not None and point.time - before <= max(widest, step_ms * 3 // 2)
        x, y = frame.x(point.time) * _GRID, frame.y(point.value) * _GRID
        steps.append(f"{'L' if joined else 'M'}{x:.1f} {y:.1f}" + ("" if joined else "h.1"))
        before = point.time
    return "".join(steps)


def _markers(points: Sequence[Point], frame: _Frame) -> list[str]:
    """A dot where a run of abnormal points begins."""
    found: list[str] = []
    before = "pass"
    for point in points:
        if point.value is not None and point.state in ("suspect", "fail") and point.state != before:
            x, y = frame.left(point.time), frame.top(point.value)
            found.append(f'<circle class="mark-{point.state}" cx="{x}" cy="{y}" r="4"/>')
        before = point.state
    return found


def _threshold(threshold: Threshold, frame: _Frame) -> list[str]:
    y, label = frame.top(threshold.value), escape(threshold.label)
    below = 14 if frame.y(threshold.value) < 0.5 else -5
    return [
        f'<line class="threshold" x1="{LEFT}%" x2="{RIGHT}%" y1="{y}" y2="{y}"/>',
        f'<text class="threshold-label" x="{RIGHT}%" y="{y}" dy="{below}" text-anchor="end">{label}</text>',
    ]


def _y_axis(frame: _Frame, unit: str) -> list[str]:
    parts = [f'<text class="unit" x="0" y="{TOP - 1.5}%">{escape(unit)}</text>']
    for value in nice_steps(frame.low, frame.high, 5):
        y = frame.top(value)
        parts.append(f'<line class="grid" x1="{LEFT}%" x2="{RIGHT}%" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 1}%" y="{y}" dy="4" text-anchor="end">{number(value)}</text>')
    return parts


def _x_axis(frame: _Frame, zone: tzinfo) -> list[str]:
    parts: list[str] = []
    for time, label in time_steps(frame.start, frame.end, zone):
        x = frame.left(time)
        parts.append(f'<line class="tick" x1="{x}" x2="{x}" y1="{BOTTOM}%" y2="{BOTTOM + 1.5}%"/>')
        parts.append(f'<text x="{x}" y="{BOTTOM + 9}%" text-anchor="middle">{label}</text>')
    return parts


def nice_steps(low: float, high: float, count: int) -> list[float]:
    """Round values between low and high: steps of 1, 2 or 5 times a power of ten, at most about `count`."""
    raw = (high - low) / count
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = ceil(low / step)
    return [index * step for index in range(first, floor(high / step) + 1)]


def time_steps(start: int, end: int, zone: tzinfo) -> list[tuple[int, str]]:
    """At most five round times between start and end (ms) with labels: days, hours or minutes in `zone`."""
    minutes = next(
        (size for size in _TIME_STEPS if (end - start) / (size * 60_000) <= 4.5),
        ceil((end - start) / 60_000 / 4.5 / 1440) * 1440,
    )
    begin = datetime.fromtimestamp(start / 1000, zone)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    form = "%m-%d" if minutes >= 1440 else "%H:%M" if end - start < 86_400_000 else "%m-%d %H:%M"
    result: list[tuple[int, str]] = []
    moment = midnight
    while (time := int(moment.timestamp() * 1000)) < end:
        if time >= start:
            result.append((time, moment.strftime(form)))
        moment += timedelta(minutes=minutes)
    return result


_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 10080)


def number(value: float) -> str:
    """A value as the axis shows it: grouped thousands, up to four decimals, none that say nothing."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "\u2212")
