"""What a benchmark says: a measured value beside what it is compared with."""

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """`measured` and `baseline` are both in `unit`. A goal is the least that `measured` should be, or, `at_most`, the
    most."""

    name: str
    what: str
    measured: float
    unit: str
    against: str
    baseline: float
    goal: float | None = None
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """Measured over baseline: of rates the more the better, of gas and seconds the less."""
        return self.measured / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.measured <= self.goal if self.at_most else self.measured >= self.goal

    def as_json(self) -> dict[str, object]:
        """The JSON form (docs/formats/cli.md); goal and met only where there is a goal."""
        told: dict[str, object] = {
            "name": self.name,
            "what": self.what,
            "measured": _short(self.measured),
            "unit": self.unit,
            "against": self.against,
            "baseline": _short(self.baseline),
            "ratio": _short(self.ratio),
        }
        return told if self.goal is None else told | {"goal": _short(self.goal), "met": self.met}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much each benchmark does; `rounds` is how often what is short is repeated, for a median."""

    issues: int = 600
    transfers: int = 1_500
    segments: int = 2_000
    events: int = 300
    stream: int = 20_000
    long: int = 60_000
    rounds: int = 3


FULL = Sizes(
    issues=5_000, transfers=10_000, segments=20_000, events=3_000, stream=50_000, long=1_000_000, rounds=7
)  # fmt: skip


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long `work` takes once by a clock; collecting garbage is left out."""
    gc.collect()
    gc.disable()
    try:
        begun = clock()
        work()
        return clock() - begun
    finally:
        gc.enable()


def processor_seconds(work: Callable[[], object]) -> float:
    """The processor time that `work` takes once, for what waits for nothing: other programs disturb it little."""
    return seconds(work, time.process_time)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used, in the kernel too (Linux, proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def both(rounds: int, measured: Callable[[], float], bare: Callable[[], float]) -> tuple[float, float]:
    """The medians of two timings in seconds that take turns, so that a busy machine slows both."""
    pairs = [(measured(), bare()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _short(value: float) -> float | int:
    """Four digits are more than the noise leaves; whole numbers stay whole."""
    return int(value) if value == int(value) else float(f"{value:.4g}")
