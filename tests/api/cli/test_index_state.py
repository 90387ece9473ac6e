"""What `cangdan status` says of the index: nothing of who says nothing of it first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import uvicorn

from api.cli import index_state as module
from api.cli.index_state import index_state
from registry.index.indexer import Progress
from registry.index.run import Status, _application
from registry.index.writer import Position


@contextmanager
def saying(body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ready": true}', b"<html>"])
def test_who_is_no_indexer_says_nothing_of_an_index(body: bytes) -> None:
    with saying(body) as port:
        assert index_state("127.0.0.1", port) is None


def test_where_nobody_listens_nothing_is_said() -> None:
    assert index_state("127.0.0.1", 1) is None


def test_how_far_it_is_and_how_long_it_takes_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 60)
    status = Status()
    server = uvicorn.Server(uvicorn.Config(_application(status), host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    begun = index_state("127.0.0.1", port)
    times = iter([0.0, 10.0])
    note = status._estimator.note
    status._estimator = type("Timed", (), {"note": lambda self, now, *more: note(next(times), *more)})()
    status.hear(Progress(Position(1_000, b""), 9_000))
    status.hear(Progress(Position(2_000, b""), 9_000))
    status.waker.listens(True)
    later = index_state("127.0.0.1", port)
    server.should_exit = True
    thread.join()
    assert begun is not None
    assert begun.text == "has not begun; polling"
    assert later is not None
    assert later.text == "at block 2000 of 9000, 22 %, 100 blocks/s, 1 min 10 s left; subscribed"
