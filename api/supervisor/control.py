"""What `cangdan up`, `down` and `status` do: start a supervisor in the background, stop it, read its report."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from api.supervisor import lockfile
from api.supervisor.logfile import last_line
from api.supervisor.run import end_leftover, report_file, run_directory, supervisor_lock
from api.supervisor.units import Phase, Report, report_from_json

LOOK_SECONDS = 0.1

Tell = Callable[[Report], None]


class ControlError(Exception):
    """The supervisor could not be started or stopped; the text says why."""


def status(home: Path) -> Report:
    """What runs in a state directory; the phase is STOPPED when no supervisor does."""
    pid = lockfile.holder(supervisor_lock(run_directory(home)))
    try:
        report = report_from_json(report_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        report = Report(Phase.STOPPED, None)
    if pid is None:
        # A supervisor that failed has said why; whatever else it last wrote is no longer true.
        return Report(report.phase if report.phase == Phase.FAILED else Phase.STOPPED, None, report.error)
    if report.pid != pid:
        return Report(Phase.STARTING, pid)
    return report


def start(home: Path, command: Sequence[str], tell: Tell) -> Report:
    """Start a supervisor with that command unless one runs, and return its report when all units are ready.

    Raises ControlError when a unit does not become ready; everything is stopped then.
    """
    log = home / "logs" / "supervisor.log"
    process = None if lockfile.held(supervisor_lock(run_directory(home))) else start_in_background(command, log)
    while True:
        # Whether it lives is looked at first: what it wrote before it ended is then in the report.
        ended = process is not None and process.poll() is not None
        report = status(home)
        if report.phase == Phase.READY:
            return report
        if report.phase == Phase.STARTING:
            tell(report)
        if report.pid is None and (process is None or ended):
            raise ControlError(report.error or last_line(log) or "the supervisor ended")
        time.sleep(LOOK_SECONDS)


def stop(home: Path, names: Sequence[str], seconds: float) -> bool:
    """Stop the supervisor and its units, also units whose supervisor was killed; False when nothing ran.

    `seconds` is what one unit may take. Raises ControlError when something does not stop.
    """
    run_dir = run_directory(home)
    lock = supervisor_lock(run_dir)
    ran = lockfile.held(lock)
    if ran and not _terminate(lock, seconds * (len(names) + 1)):
        raise ControlError(f"the supervisor, process {lockfile.holder(lock)}, does not stop")
    for name in reversed(names):
        ran = lockfile.held(run_dir / f"{name}.lock") or ran
        if not end_leftover(run_dir, name, seconds):
            raise ControlError(f"{name} does not stop")
    return ran


def _terminate(lock: Path, seconds: float) -> bool:
    """Ask the supervisor alone, not its group: it stops its units in order."""
    pid = lockfile.holder(lock)
    if pid is None:
        return True
    try:
        os.kill(pid, 15)
    except ProcessLookupError:
        return True
    return lockfile.wait_free(lock, seconds)


def start_in_background(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, which writes a new log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
