"""Real child processes for the tests of the supervisor."""

import socket
import sys
import time
from collections.abc import Callable

from api.supervisor.units import Unit


def free_port() -> int:
    """A port on loopback that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server(name: str, order: object, ready_file: object = sys.executable, *, preload: tuple[str, ...] = ()) -> Unit:
    """A unit that writes its starts and stops to a file; at /ready it says yes while the other file exists."""
    port = free_port()
    command = (sys.executable, "-m", "tests.api.supervisor.served", str(order), name, str(port), str(ready_file))
    return Unit(name, command, f"http://127.0.0.1:{port}/ready", preload=preload)


def program(name: str, code: str, **options: object) -> Unit:
    """A unit that runs a line of Python."""
    return Unit(name, (sys.executable, "-c", code), **options)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition holds; AssertionError when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
