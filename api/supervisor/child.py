"""One unit's process: start it, look after it, end it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from api.supervisor import lockfile
from api.supervisor.logfile import LogFile, pump
from api.supervisor.probe import AddressTaken, Answer, ask, refuse_taken_address
from api.supervisor.spawn import Process, spawn
from api.supervisor.units import Unit, UnitReport, UnitState, backoff

BEFORE_READY = (UnitState.WAITING, UnitState.STARTING)
SILENT_LOOKS = 6
"""A unit that was silent so many times in a row, when it was looked at, hangs."""


class StartError(Exception):
    """The unit's process cannot be started now."""


class Child:
    """A unit and the process that runs it. Not for use by two threads."""

    def __init__(self, unit: Unit, run_dir: Path, log_dir: Path, log_bytes: int, log_files: int) -> None:
        self.unit = unit
        self.state = UnitState.WAITING
        self.restarts = 0
        self.log_path = log_dir / f"{unit.name}.log"
        self.lock_path = lock_of(run_dir, unit.name)
        self.first_started = self._started = 0.0
        self._log_size = (log_bytes, log_files)
        self._process: Process | None = None
        self._pump: threading.Thread | None = None
        self._since = time.time()
        self._last_exit: int | None = None
        self._failures = 0
        self._silent = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """The live process; None when there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def last_exit(self) -> int | None:
        """How the last process ended: an exit code, or minus the signal that ended it."""
        return self._last_exit

    def report(self) -> UnitReport:
        """The unit as `cangdan status` tells it."""
        return UnitReport(
            self.unit.name, self.state, self.pid, self.restarts, self._since, self._last_exit, str(self.log_path)
        )

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the process; StartError when its address is taken or its program is missing."""
        if self.unit.ready_url is not None:
            try:
                refuse_taken_address(self.unit.ready_url)
            except AddressTaken as error:
                raise StartError(str(error)) from None
        lock = lockfile.take(self.lock_path)
        if lock is None:
            raise StartError(f"process {lockfile.holder(self.lock_path)} still runs as {self.unit.name}")
        reader, writer = os.pipe()
        try:
            self._process = spawn(self.unit, writer, lock, environment)
            lockfile.name_holder(lock, self._process.pid)
        except OSError as error:
            os.close(reader)
            raise StartError(f"{self.unit.command[0]}: {error.strerror}") from None
        finally:
            os.close(writer)
            os.close(lock)
        self._pump = pump(reader, LogFile(self.log_path, *self._log_size))
        self._started = time.monotonic()
        self.first_started = self.first_started or self._started
        self._become(UnitState.STARTING if self.state in BEFORE_READY else UnitState.RESTARTING)

    def has_ended(self) -> bool:
        """Whether the process that was started has ended; True once for each."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return False
        self._process, self._last_exit = None, code
        if self._pump is not None:
            self._pump.join(timeout=1)
        return True

    def may_start(self) -> bool:
        """Whether the wait after the last failure is over."""
        return self._process is None and time.monotonic() >= self._not_before

    def failed(self, first: float, limit: float) -> None:
        """Note a failure: the next start waits, longer with each failure since it was last ready."""
        self._failures += 1
        self.restarts += 1
        self._not_before = time.monotonic() + backoff(self._failures, first, limit)
        if self.state != UnitState.STARTING:
            self._become(UnitState.RESTARTING)

    def look_ready(self) -> bool:
        """Ask the unit whether it is ready, and note it when it is."""
        if self.pid is None or self._ask() is not Answer.READY:
            return False
        self._failures = self._silent = 0
        self._become(UnitState.READY)
        return True

    def is_silent(self) -> bool:
        """Whether the unit cannot be heard now: it is not up, or does not answer at all."""
        if self.unit.once or self.state != UnitState.READY:
            return not self.unit.once
        self._silent = self._silent + 1 if self._ask() is Answer.SILENCE else 0
        return bool(self._silent)

    def excuse(self) -> None:
        """Forget its silence: what it needs is silent too."""
        self._silent = 0

    def kill_when_hung(self) -> None:
        """Kill a process that was ready and has been silent ever since; it counts as ended then."""
        if self._silent >= SILENT_LOOKS:
            self._silent = 0
            self.kill()

    def kill(self) -> None:
        """Kill the process and its group; a process that hangs would not heed SIGTERM."""
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGKILL)

    def runs_for(self) -> float:
        """Seconds since the process was started; 0 when none runs."""
        return 0.0 if self.pid is None else time.monotonic() - self._started

    def done(self) -> None:
        """Note that a unit which runs once has ended well."""
        self._become(UnitState.DONE)

    def give_up(self) -> None:
        """Note that the unit did not start."""
        self._become(UnitState.FAILED)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process and its group, without waiting."""
        if self.pid is not None:
            _signal_group(self.pid, signal.SIGTERM)

    def stop(self, seconds: float) -> None:
        """End the process and its group: SIGTERM, after so many seconds SIGKILL."""
        process = self._process
        if process is not None and process.poll() is None:
            _signal_group(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()
        self.has_ended()
        if self.state != UnitState.FAILED:
            self._become(UnitState.STOPPED)

    def _ask(self) -> Answer:
        if self.unit.ready_url is None:
            return Answer.READY
        return ask(self.unit.ready_url, self.unit.authority_file)

    def _become(self, state: UnitState) -> None:
        if state != self.state:
            self.state, self._since = state, time.time()


def lock_of(run_dir: Path, name: str) -> Path:
    """The lock file of a unit."""
    return run_dir / f"{name}.lock"


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
