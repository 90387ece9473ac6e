"""Starting and stopping a supervisor in the background, with real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import SupervisorSection
from api.supervisor.control import ControlError, start, status, stop
from api.supervisor.run import run_directory, supervisor_lock
from api.supervisor.units import Phase, Report, Unit
from tests.api.supervisor.children import free_port, program, server, until

# What `cangdan up --foreground` does, for units given on the command line.
PROGRAM = """
import os, pathlib, sys
from api.settings import SupervisorSection
from api.supervisor.run import Supervisor, stop_on_signals
from api.supervisor.units import Unit
units = eval(sys.argv[2])
settings = SupervisorSection(backoff_seconds=0.1)
supervisor = Supervisor(units, pathlib.Path(sys.argv[1]), settings, os.environ)
stop_on_signals(supervisor)
supervisor.run()
"""


class Stack:
    """Units under a supervisor in a process of its own."""

    def __init__(self, home: Path, units: tuple[Unit, ...]) -> None:
        self.home = home
        self.names = [unit.name for unit in units]
        self.command = (sys.executable, "-c", PROGRAM, str(home), repr(units))
        self.told: list[Report] = []

    def up(self) -> Report:
        return start(self.home, self.command, self.tell)

    def tell(self, report: Report) -> None:
        self.told.append(report)
        told_file(self.home).touch()

    def down(self) -> bool:
        return stop(self.home, self.names, 20)


@pytest.fixture(params=[(), ("http.server",)], ids=["alone", "forked"])
def stack(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Two units, each as a program of its own and then as forks of the supervisor.

    The second is ready once somebody was told of the way there: who is slow to look would otherwise miss it.
    """
    order, home = tmp_path / "order", tmp_path / "home"
    units = (
        server("ledger", order, preload=request.param),
        server("api", order, told_file(home), preload=request.param),
    )
    stack = Stack(home, units)
    yield stack
    stack.down()


def told_file(home: Path) -> Path:
    """There once a start has told of its way."""
    return home.with_name("told")


def alive(pid: int | None) -> bool:
    assert pid is not None
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_start_that_fails_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    wrong = program(
        "api", "import sys; sys.exit(print('no key') or 2)", ready_url=f"http://127.0.0.1:{free_port()}/ready"
    )
    stack = Stack(tmp_path / "home", (server("ledger", tmp_path / "order"), wrong))
    with pytest.raises(ControlError, match="api: ended with exit code 2: no key"):
        stack.up()
    assert (tmp_path / "order").read_text() == "start ledger\nstop ledger\n"
    assert status(stack.home) == Report(Phase.FAILED, None, "api: ended with exit code 2: no key")


def test_a_supervisor_that_cannot_begin_is_told_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="SyntaxError"):
        start(tmp_path, (sys.executable, "-c", "("), lambda report: None)


def test_where_nothing_was_started_nothing_runs_and_nothing_is_stopped(tmp_path: Path) -> None:
    assert status(tmp_path) == Report(Phase.STOPPED, None)
    assert stop(tmp_path, ["ledger"], 1) is False
    assert not list(tmp_path.iterdir())


def test_it_returns_when_all_is_ready_and_tells_of_the_way_there(stack: Stack) -> None:
    report = stack.up()
    assert (report.phase, report.ready) == (Phase.READY, 2)
    assert {seen.phase for seen in stack.told} == {Phase.STARTING}
    assert all(alive(unit.pid) for unit in report.units)


def test_a_second_start_changes_nothing(stack: Stack) -> None:
    assert stack.up() == stack.up()


def test_a_stop_ends_every_process(stack: Stack) -> None:
    report = stack.up()
    assert stack.down() is True
    assert not any(alive(unit.pid) for unit in report.units)
    until(lambda: not alive(report.pid))
    assert status(stack.home) == Report(Phase.STOPPED, None)


def test_units_whose_supervisor_was_killed_are_stopped(stack: Stack) -> None:
    report = stack.up()
    assert report.pid is not None
    os.kill(report.pid, signal.SIGKILL)
    until(lambda: status(stack.home).phase == Phase.STOPPED)
    assert alive(report.units[0].pid)
    assert stack.down() is True
    assert not any(alive(unit.pid) for unit in report.units)


def test_units_whose_supervisor_was_killed_are_replaced_by_the_next_start(stack: Stack) -> None:
    first = stack.up()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: status(stack.home).phase == Phase.STOPPED)
    second = stack.up()
    assert not {unit.pid for unit in first.units} & {unit.pid for unit in second.units}
    assert not any(alive(unit.pid) for unit in first.units)


def test_a_report_of_an_earlier_supervisor_is_not_taken_for_this_one(stack: Stack) -> None:
    report = stack.up()
    lock = supervisor_lock(run_directory(stack.home))
    lock.write_text("1")
    assert status(stack.home) == Report(Phase.STARTING, 1)
    lock.write_text(str(report.pid))


def test_the_defaults_of_the_settings_stop_before_they_kill() -> None:
    assert SupervisorSection().stop_seconds >= 10
