"""Starting a unit's process: as a program of its own, or as a fork of the supervisor that has its modules already.

A unit with `preload` is forked: eight processes of this product would otherwise each import the same libraries for
seconds. The fork leaves the supervisor behind at once (session, signals, descriptors, environment) and runs the unit's
module as `python -m` does, so what it runs is what the command runs alone.
"""

import contextlib
import gc
import importlib
import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol, TextIO

from api.supervisor.units import Unit

_LOOK_SECONDS = 0.02


class Process(Protocol):
    """A started process, asked as subprocess.Popen is."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        ...


class Forked:
    """A child of this process that was forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        begun = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(_LOOK_SECONDS)
        return code


def spawn(unit: Unit, output: int, lock: int, environment: Mapping[str, str]) -> Process:
    """Start the unit in a session of its own; it writes to `output` and holds `lock`. Raises OSError."""
    if not unit.preload:
        return subprocess.Popen(
            unit.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            pass_fds=(lock,),
            start_new_session=True,
        )
    for name in unit.preload:
        importlib.import_module(name)
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        _become(unit, output, lock, environment)
    return Forked(pid)


def preload_one(units: Iterable[Unit]) -> None:
    """Import the first module that one of the units will need and that is not there yet."""
    missing = (name for unit in units for name in unit.preload if name not in sys.modules)
    if (name := next(missing, None)) is not None:
        importlib.import_module(name)


def _become(unit: Unit, output: int, lock: int, environment: Mapping[str, str]) -> NoReturn:
    """Be the unit's process, in the fork: `unit.command` is (python, "-m", module, words...)."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _leave_descriptors(output, lock)
        sys.stdout, sys.stderr = _writing_to(1), _writing_to(2)
        os.environ.clear()
        os.environ.update(environment)
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(unit.name, encoding="utf-8")
        module, *words = unit.command[2:]
        sys.argv = [module, *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)  # noqa: T201
    finally:
        if sys.exception() is not None:
            traceback.print_exc()
        _end(code)


def _leave_descriptors(output: int, lock: int) -> None:
    """Keep the lock and the output alone. What else the supervisor has open becomes the empty device, not a free
    number: objects that were copied with the fork may close theirs at any time."""
    empty = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(empty, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    kept = {0, 1, 2, empty, lock}
    for descriptor in [int(name) for name in os.listdir("/dev/fd")]:
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.fstat(descriptor)
                os.dup2(empty, descriptor, inheritable=False)


def _writing_to(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _end(code: int) -> NoReturn:
    """End as an interpreter does, without unwinding into the supervisor's own frames."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
