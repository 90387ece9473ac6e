"""The supervisor with real processes."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.settings import SupervisorSection
from api.supervisor import lockfile
from api.supervisor.control import status
from api.supervisor.run import AlreadyRunning, Supervisor, report_file
from api.supervisor.units import Phase, Report, Unit, UnitReport, UnitState, report_from_json
from tests.api.supervisor.children import free_port, program, server, until

QUICK = SupervisorSection(backoff_seconds=0.1, backoff_limit_seconds=0.4)
Start = Callable[..., "Running"]


class Running:
    """A supervisor in a thread of its own."""

    def __init__(self, home: Path, units: tuple[Unit, ...], settings: SupervisorSection) -> None:
        self.home = home
        self.supervisor = Supervisor(units, home, settings, os.environ)
        self.last: Report | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.last = self.supervisor.run()

    def report(self) -> Report:
        return status(self.home)

    def unit(self, name: str) -> UnitReport:
        return next(unit for unit in self.report().units if unit.name == name)

    def until_ready(self) -> Report:
        until(lambda: self.report().phase == Phase.READY)
        return self.report()

    def end(self) -> Report:
        self.supervisor.stop()
        return self.ended()

    def ended(self) -> Report:
        self._thread.join(timeout=60)
        assert self.last is not None
        return self.last


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    all_of_them: list[Running] = []

    def begin(*units: Unit, settings: SupervisorSection = QUICK) -> Running:
        all_of_them.append(Running(tmp_path / "home", units, settings))
        return all_of_them[-1]

    yield begin
    for running in all_of_them:
        running.end()


def test_a_unit_that_never_becomes_ready_stops_everything_and_is_named(start: Start, tmp_path: Path) -> None:
    thinking = "import time; print('thinking', flush=True); time.sleep(60)"
    mute = program("mute", thinking, ready_url=f"http://127.0.0.1:{free_port()}/ready")
    running = start(server("first", tmp_path / "order"), mute)
    log = running.home / "logs" / "mute.log"
    until(lambda: log.exists() and log.read_text() == "thinking\n")
    # Only now, so that no busy machine is too slow for the first unit, or for what the second one says.
    running.supervisor._settings = QUICK.model_copy(update={"ready_seconds": 0.1})
    last = running.ended()
    assert last.phase == Phase.FAILED
    assert last.error == "mute: not ready after 0.1 s: thinking"
    assert [unit.pid for unit in last.units] == [None, None]
    assert (tmp_path / "order").read_text() == "start first\nstop first\n"


def test_a_unit_that_is_called_wrongly_fails_at_once_with_its_last_line(start: Start) -> None:
    last = start(
        program("odd", "import sys; sys.exit(print('no such verb') or 2)", ready_url="http://127.0.0.1:9/")
    ).ended()
    assert last.error == "odd: ended with exit code 2: no such verb"


def test_a_step_that_fails_ends_the_start(start: Start, tmp_path: Path) -> None:
    last = start(program("deploy", "raise SystemExit('no gas')", once=True), server("api", tmp_path / "order")).ended()
    assert last.error == "deploy: ended with exit code 1: no gas"
    assert not (tmp_path / "order").exists()


def test_an_address_that_another_program_has_is_named(start: Start, tmp_path: Path) -> None:
    unit = server("ledger", tmp_path / "order")
    port = int(str(unit.ready_url).split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        last = start(unit).ended()
    assert last.error == f"ledger: 127.0.0.1:{port} cannot be listened at: Address already in use"


def test_a_program_that_is_missing_is_named(start: Start) -> None:
    assert "no-such-program: No such file" in start(Unit("x", ("/no-such-program",))).ended().error


def test_a_second_supervisor_in_the_same_directory_is_refused(start: Start, tmp_path: Path) -> None:
    first = start(server("api", tmp_path / "order"))
    pid = first.until_ready().units[0].pid
    with pytest.raises(AlreadyRunning):
        Supervisor((), first.home, QUICK, os.environ).run()
    assert first.unit("api").pid == pid


def test_each_unit_starts_when_those_before_it_are_ready_and_they_stop_in_the_opposite_order(
    start: Start, tmp_path: Path
) -> None:
    order = tmp_path / "order"
    step = program("deploy", f"open({str(order)!r}, 'a').write('run deploy\\n')", once=True)
    running = start(server("ledger", order), step, server("api", order))
    assert [unit.state for unit in running.until_ready().units] == [UnitState.READY, UnitState.DONE, UnitState.READY]
    assert running.end().phase == Phase.STOPPED
    assert order.read_text().splitlines() == [
        "start ledger",
        "run deploy",
        "start api",
        "stop api",
        "stop ledger",
    ]


@pytest.mark.parametrize("preload", [(), ("http.server",)], ids=["alone", "forked"])
def test_a_killed_unit_comes_back_and_the_others_stay(start: Start, tmp_path: Path, preload: tuple[str, ...]) -> None:
    order = tmp_path / "order"
    running = start(server("ledger", order, preload=preload), server("api", order, preload=preload))
    before = {unit.name: unit.pid for unit in running.until_ready().units}
    for killed in range(1, 4):
        pid = running.unit("ledger").pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda killed=killed: running.unit("ledger").restarts == killed)
        until(lambda: running.unit("ledger").state == UnitState.READY)
        assert running.unit("ledger").last_exit == -signal.SIGKILL
    assert running.unit("api").pid == before["api"]
    assert running.unit("ledger").pid != before["ledger"]


def test_a_unit_that_keeps_dying_is_started_again_and_again(start: Start) -> None:
    running = start(program("moody", "import time; time.sleep(0.05)"))
    until(lambda: sum(unit.restarts for unit in running.report().units) >= 3)


def test_a_unit_that_ignores_sigterm_is_killed(start: Start) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    running = start(program("stubborn", code), settings=QUICK.model_copy(update={"stop_seconds": 0.3}))
    log = running.home / "logs" / "stubborn.log"
    until(lambda: log.exists() and log.read_text() == "up\n")
    assert running.end().units[0].last_exit == -signal.SIGKILL


def test_a_unit_that_stops_answering_is_killed_and_started_again(start: Start, tmp_path: Path) -> None:
    watchful = QUICK.model_copy(update={"hung_seconds": 0.6})
    running = start(server("ledger", tmp_path / "order"), server("api", tmp_path / "order"), settings=watchful)
    before = {unit.name: unit.pid for unit in running.until_ready().units}
    assert before["ledger"] is not None
    os.kill(before["ledger"], signal.SIGSTOP)
    until(lambda: running.unit("ledger").restarts == 1)
    until(lambda: running.unit("ledger").state == UnitState.READY)
    assert running.unit("ledger").last_exit == -signal.SIGKILL
    assert (running.unit("api").restarts, running.unit("api").pid) == (0, before["api"])


def test_a_unit_that_answers_no_is_busy_and_stays(start: Start, tmp_path: Path) -> None:
    watchful = QUICK.model_copy(update={"hung_seconds": 0.1})
    unit = server("indexer", tmp_path / "order", ready_file=tmp_path / "ready")
    (tmp_path / "ready").touch()
    running = start(unit, settings=watchful)
    running.until_ready()
    (tmp_path / "ready").unlink()
    asked = (tmp_path / "order").read_text().count("busy")
    until(lambda: (tmp_path / "order").read_text().count("busy") > asked + 10)
    assert running.unit("indexer").restarts == 0


def test_units_beside_each_other_start_together(start: Start, tmp_path: Path) -> None:
    meet = "import pathlib, sys, time\nme, other = map(pathlib.Path, sys.argv[1:])\nme.touch()\n"
    meet += "while not other.exists(): time.sleep(0.02)\n"
    places = str(tmp_path / "one"), str(tmp_path / "two")
    one = Unit("one", (sys.executable, "-c", meet, *places), once=True)
    two = Unit("two", (sys.executable, "-c", meet, *reversed(places)), once=True, beside=True)
    assert [unit.state for unit in start(one, two).until_ready().units] == [UnitState.DONE, UnitState.DONE]


def test_what_a_killed_supervisor_left_running_is_ended_first(start: Start, tmp_path: Path) -> None:
    unit = server("api", tmp_path / "order")
    lock = lockfile.take(tmp_path / "home" / "run" / "api.lock")
    assert lock is not None
    left = os.posix_spawn(
        unit.command[0], unit.command, os.environ, setsid=True, file_actions=[(os.POSIX_SPAWN_DUP2, lock, 9)]
    )
    lockfile.name_holder(lock, left)
    os.close(lock)
    until(lambda: (tmp_path / "order").exists() and (tmp_path / "order").read_text() == "start api\n")
    reaper = threading.Thread(target=os.waitpid, args=(left, 0))
    reaper.start()
    pid = start(unit).until_ready().units[0].pid
    reaper.join(timeout=60)
    assert pid != left
    assert (tmp_path / "order").read_text() == "start api\nstop api\nstart api\n"


def test_what_a_unit_prints_is_in_its_log(start: Start, tmp_path: Path) -> None:
    log = start(server("api", tmp_path / "order")).home / "logs" / "api.log"
    until(lambda: log.exists() and log.read_text() == "serving\n")


def test_the_last_report_stays_readable_after_the_end(start: Start, tmp_path: Path) -> None:
    running = start(server("api", tmp_path / "order"))
    running.until_ready()
    running.end()
    assert report_from_json(report_file(running.home).read_text()).phase == Phase.STOPPED
    assert running.report() == Report(Phase.STOPPED, None)
