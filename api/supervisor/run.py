"""The supervisor itself: one loop that starts units in order, restarts what dies or hangs, and stops all on SIGTERM."""

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from api.settings import SupervisorSection
from api.supervisor import lockfile
from api.supervisor.child import SILENT_LOOKS, Child, StartError, lock_of
from api.supervisor.logfile import last_line
from api.supervisor.spawn import preload_one
from api.supervisor.units import Phase, Report, Unit, UnitState, ranks
from ledger_node.files import replace_unsynced

TICK_SECONDS = 0.1
# A program that was called wrongly ends so; starting it again would not help.
WRONG_USE = 2


class AlreadyRunning(Exception):
    """Another supervisor runs in this state directory."""


class Supervisor:
    """Runs units until it is told to stop. All it knows is in its report file after each change."""

    def __init__(
        self, units: Sequence[Unit], home: Path, settings: SupervisorSection, environment: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._run_dir = run_directory(home)
        self._report_file = report_file(home)
        self._ranks = [
            [Child(unit, self._run_dir, home / "logs", settings.log_bytes, settings.log_files) for unit in rank]
            for rank in ranks(units)
        ]
        self._children = [child for rank in self._ranks for child in rank]
        self._next_watch = 0.0
        self._phase = Phase.STARTING
        self._error = ""
        self._last_report = ""
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the supervisor to stop; safe in a signal handler."""
        self._stop.set()

    def run(self) -> Report:
        """Start all units, keep them running until `stop`, stop them in the opposite order; returns the last report.

        Raises AlreadyRunning when another supervisor holds the state directory.
        """
        lock = lockfile.take(supervisor_lock(self._run_dir))
        if lock is None:
            raise AlreadyRunning
        try:
            lockfile.name_holder(lock, os.getpid())
            self._tell()
            self._end_leftovers()
            while not self._stop.wait(TICK_SECONDS) and self._phase != Phase.FAILED:
                self._tick()
                self._tell()
            self._end()
        finally:
            os.close(lock)
        return self._report()

    def _tick(self) -> None:
        for child in self._children:
            if child.has_ended():
                self._ended(child)
            if self._phase == Phase.FAILED:
                return
            if child.state in (UnitState.STARTING, UnitState.RESTARTING):
                self._help_up(child)
        if self._phase == Phase.STARTING:
            self._start_next()
            preload_one(child.unit for child in self._children)
        elif time.monotonic() >= self._next_watch:
            self._next_watch = time.monotonic() + self._settings.hung_seconds / SILENT_LOOKS
            self._watch()

    def _start_next(self) -> None:
        """Start the first rank that waits, once all before it are ready."""
        for rank in self._ranks:
            for child in rank:
                if child.state == UnitState.WAITING and self._phase == Phase.STARTING:
                    self._start(child)
            if any(child.state not in (UnitState.READY, UnitState.DONE) for child in rank):
                return
        self._phase = Phase.READY

    def _watch(self) -> None:
        """Kill what hangs, so that it is started again; what stands on a silent unit may only be waiting for it."""
        waiting = False
        for rank in self._ranks:
            if waiting:
                for child in rank:
                    child.excuse()
                continue
            for child in rank:
                waiting = child.is_silent() or waiting
                child.kill_when_hung()

    def _start(self, child: Child) -> None:
        try:
            child.start(self._environment)
        except StartError as error:
            if self._phase == Phase.STARTING and child.state == UnitState.WAITING:
                self._fail(child, str(error))
            else:
                child.failed(self._settings.backoff_seconds, self._settings.backoff_limit_seconds)

    def _ended(self, child: Child) -> None:
        if child.unit.once and child.last_exit == 0:
            child.done()
        elif child.unit.once or (child.last_exit == WRONG_USE and child.state == UnitState.STARTING):
            self._fail(child, f"ended with exit code {child.last_exit}: {last_line(child.log_path)}")
        else:
            child.failed(self._settings.backoff_seconds, self._settings.backoff_limit_seconds)

    def _help_up(self, child: Child) -> None:
        """Bring a unit that is not ready further: start it again, or see whether it has become ready."""
        if child.may_start():
            self._start(child)
        elif not child.unit.once:
            child.look_ready()
        if child.state == UnitState.RESTARTING and child.runs_for() > self._settings.ready_seconds:
            child.kill()
        late = time.monotonic() - child.first_started > self._settings.ready_seconds
        if self._phase == Phase.STARTING and child.state == UnitState.STARTING and late:
            self._fail(child, f"not ready after {self._settings.ready_seconds:g} s: {last_line(child.log_path)}")

    def _fail(self, child: Child, cause: str) -> None:
        child.give_up()
        self._phase, self._error = Phase.FAILED, f"{child.unit.name}: {cause}"

    def _end(self) -> None:
        failed = self._phase == Phase.FAILED
        self._phase = Phase.STOPPING
        self._tell()
        for rank in reversed(self._ranks):
            for child in rank:
                child.ask_to_stop()
            for child in rank:
                child.stop(self._settings.stop_seconds)
                self._tell()
        self._phase = Phase.FAILED if failed else Phase.STOPPED
        self._tell()

    def _end_leftovers(self) -> None:
        """End processes that a supervisor which was killed has left behind."""
        for child in reversed(self._children):
            if not end_leftover(self._run_dir, child.unit.name, self._settings.stop_seconds):
                self._fail(child, f"{child.lock_path} is held by a process that does not end")
                return

    def _report(self) -> Report:
        return Report(self._phase, os.getpid(), self._error, tuple(child.report() for child in self._children))

    def _tell(self) -> None:
        text = self._report().to_json()
        if text == self._last_report:
            return
        self._last_report = text
        replace_unsynced(self._report_file, text.encode())


def end_leftover(run_dir: Path, name: str, seconds: float) -> bool:
    """End a unit's process that runs without its supervisor; True when there is none (any more)."""
    return lockfile.end_group(lock_of(run_dir, name), seconds)


def stop_on_signals(supervisor: Supervisor) -> None:
    """Let SIGTERM and SIGINT stop the supervisor; for the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.stop())


def run_directory(home: Path) -> Path:
    """Where locks and the report are."""
    return home / "run"


def report_file(home: Path) -> Path:
    """The file in which a supervisor tells of itself."""
    return run_directory(home) / "report.json"


def supervisor_lock(run_dir: Path) -> Path:
    """Held by a supervisor while it runs."""
    return run_dir / "supervisor.lock"
