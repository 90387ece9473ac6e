"""What the supervisor runs, and what it tells of it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Unit:
    """One process. `ready_url` answers 200 when it can be used; without one it is ready once started.

    A unit that runs `once` is not kept running: it is ready when it has ended with exit code 0. One that stands
    `beside` the unit before it is started and stopped together with that. `authority_file` has the certificate that
    vouches for an https `ready_url`; it is read when the unit is asked. `preload` names the modules that a command
    (python, "-m", module, words...) imports: they are imported once for all units, and the process is a fork.
    """

    name: str
    command: tuple[str, ...]
    ready_url: str | None = None
    once: bool = False
    beside: bool = False
    authority_file: Path | None = None
    preload: tuple[str, ...] = ()


def ranks(units: Sequence[Unit]) -> tuple[tuple[Unit, ...], ...]:
    """The units in groups that are started together, in order."""
    groups: list[list[Unit]] = []
    for unit in units:
        if unit.beside and groups:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return tuple(tuple(group) for group in groups)


class UnitState(StrEnum):
    """The life of a unit, in order."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    FAILED = "failed"


class Phase(StrEnum):
    """The life of a supervisor, in order; FAILED ends it like STOPPED."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UnitReport:
    """One unit as `cangdan status` tells it. `since` is in seconds of Unix time."""

    name: str
    state: UnitState
    pid: int | None
    restarts: int
    since: float
    last_exit: int | None
    log: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of a supervisor, as written to its report file after each change."""

    phase: Phase
    pid: int | None
    error: str = ""
    units: tuple[UnitReport, ...] = field(default=())

    def to_json(self) -> str:
        """The report as JSON; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=1)

    @property
    def ready(self) -> int:
        """How many units are ready or done."""
        return sum(unit.state in (UnitState.READY, UnitState.DONE) for unit in self.units)


def report_from_json(text: str) -> Report:
    """Read what `Report.to_json` wrote; ValueError for anything else."""
    data = json.loads(text)
    if not isinstance(data, Mapping):
        raise ValueError("report: must be an object")
    try:
        units = tuple(UnitReport(**{**unit, "state": UnitState(unit["state"])}) for unit in data["units"])
        return Report(Phase(data["phase"]), data["pid"], data["error"], units)
    except (KeyError, TypeError) as error:
        raise ValueError(f"report: {error}") from None


def backoff(failures: int, first: float, limit: float) -> float:
    """Seconds to wait before the next start after so many failures in a row: doubled each time, up to the limit."""
    return min(limit, first * 2.0 ** min(max(failures - 1, 0), 30))
