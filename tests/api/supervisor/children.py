"""Real child processes for the tests of the supervisor."""

import socket
import sys
import time
from collections.abc import Callable

from api.supervisor.units import Unit

SERVER = """
import http.server, pathlib, signal, sys
order, name, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
needed = pathlib.Path(sys.argv[4])
def tell(word):
    with order.open("a") as file:
        file.write(f"{word} {name}\\n")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path == "/ready" and needed.exists()
        if not ready:
            tell("busy")
        self.send_response(200 if ready else 503)
        self.end_headers()
    def log_message(self, *arguments):
        pass
def stop(number, frame):
    # A unit is asked to stop once with its rank and once by itself; both may come before it has ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
tell("start")
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def free_port() -> int:
    """A port on loopback that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server(name: str, order: object, ready_file: object = sys.executable) -> Unit:
    """A unit that writes its starts and stops to a file; at /ready it says yes while the other file exists."""
    port = free_port()
    command = (sys.executable, "-c", SERVER, str(order), name, str(port), str(ready_file))
    return Unit(name, command, f"http://127.0.0.1:{port}/ready")


def program(name: str, code: str, **options: object) -> Unit:
    """A unit that runs a line of Python."""
    return Unit(name, (sys.executable, "-c", code), **options)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until the condition holds; AssertionError when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
