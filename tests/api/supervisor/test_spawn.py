"""A process that is forked is started as one that runs its command alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.supervisor import lockfile
from api.supervisor.spawn import Process, spawn
from api.supervisor.units import Unit

PRELOAD = pytest.mark.parametrize("preload", [(), ("json",)], ids=["alone", "forked"])
TELLING = "tests.api.supervisor.telling"


@contextmanager
def spawned(folder: Path, *words: str, preload: tuple[str, ...]) -> Iterator[tuple[Process, Path]]:
    """A process and the file into which it writes."""
    log, lock = folder / "log", lockfile.take(folder / "lock")
    assert lock is not None
    with log.open("wb") as output:
        environment = {"ONLY": "this", "PATH": os.environ["PATH"]}
        unit = Unit("telling", (sys.executable, "-m", *words), preload=preload)
        process = spawn(unit, output.fileno(), lock, environment)
    os.close(lock)
    yield process, log


@PRELOAD
def test_its_session_signals_and_environment_are_its_own(tmp_path: Path, preload: tuple[str, ...]) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with spawned(tmp_path, TELLING, preload=preload) as (process, log):
            assert process.wait(30) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    told = json.loads(log.read_text())
    assert (told["session"], told["name"], told["argv"], told["terms"]) == (process.pid, "__main__", [], True)
    assert {name for name in told["environment"] if not name.startswith("LC_")} == {"ONLY", "PATH"}


@PRELOAD
def test_it_has_nothing_open_but_its_output_and_its_lock(tmp_path: Path, preload: tuple[str, ...]) -> None:
    with (tmp_path / "secret").open("wb"), spawned(tmp_path, TELLING, preload=preload) as (process, log):
        assert process.wait(30) == 0
    opened = [each for each in json.loads(log.read_text())["open"] if not each.startswith("/proc/")]
    assert opened == sorted([os.devnull, str(tmp_path / "lock"), str(log)])


@PRELOAD
@pytest.mark.parametrize(("word", "code", "said"), [("3", 3, ""), ("no key", 1, "no key\n")])
def test_its_exit_code_and_last_word_are_told(
    tmp_path: Path, preload: tuple[str, ...], word: str, code: int, said: str
) -> None:
    with spawned(tmp_path, TELLING, word, preload=preload) as (process, log):
        assert process.wait(30) == code
    assert (process.poll(), log.read_text()) == (code, said)


@PRELOAD
def test_what_it_raises_is_in_its_output(tmp_path: Path, preload: tuple[str, ...]) -> None:
    with spawned(tmp_path, "tests.api.supervisor.served", "no-such-folder/file", preload=preload) as (process, log):
        assert process.wait(30) == 1
    assert log.read_text().splitlines()[-1] == "IndexError: list index out of range"


@PRELOAD
def test_it_holds_its_lock_until_it_is_killed(tmp_path: Path, preload: tuple[str, ...]) -> None:
    order = str(tmp_path / "order")
    words = ("tests.api.supervisor.served", order, "api", "0", order)
    with spawned(tmp_path, *words, preload=preload) as (process, _):
        assert lockfile.held(tmp_path / "lock")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    assert not lockfile.held(tmp_path / "lock")
