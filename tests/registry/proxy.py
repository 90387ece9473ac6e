"""A JSON-RPC proxy over HTTP that passes everything on, and alters one thing in one answer when it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

Path = tuple[str | int, ...]
"""Where in an answer something stands: members and places in lists."""


@dataclass
class Proxy:
    """`upstream` answers; what `alter` gives instead is told. `url` is where the proxy listens."""

    upstream: Callable[[str, list[Any]], Any]
    alter: Callable[[str, list[Any], Any], Any] = lambda method, params, answer: answer
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        method, params = request["method"], request.get("params", [])
        self.asked.append(method)
        result = json.loads(json.dumps(self.upstream(method, params)))
        return {"jsonrpc": "2.0", "id": request["id"], "result": self.alter(method, params, result)}


@contextmanager
def serving(proxy: Proxy) -> Iterator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            several = isinstance(request, list)
            told = [proxy.answer(each) for each in request] if several else proxy.answer(request)
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def leaves(answer: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The hexadecimal texts in an answer that have a digit, and where they stand."""
    if isinstance(answer, str) and answer.startswith("0x") and len(answer) > 2:
        yield path, answer
    pairs = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for name, each in pairs:
        yield from leaves(each, (*path, name))


def altered(answer: Any, path: Path, random: Random) -> Any:
    """The answer with one digit of one text changed; a number keeps its first digit from being zero.

    In lower case, so that no checksum of an address tells.
    """
    if not path:
        at = random.randrange(2, len(answer))
        digit = random.choice([each for each in "123456789abcdef" if each != answer[at].lower()])
        return (answer[:at] + digit + answer[at + 1 :]).lower()
    name, *rest = path
    parts = dict(answer) if isinstance(answer, dict) else list(answer)
    parts[name] = altered(parts[name], tuple(rest), random)
    return parts
