"""A node between a client and a real node, that misbehaves as a test says."""

import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FORWARD = object()


@dataclass(frozen=True)
class Http:
    """An answer that is no JSON-RPC: a status and headers; `hang` in seconds before it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    hang: float = 0.0


@dataclass
class Proxy:
    """`rule` is given method and parameters: FORWARD, Http, or an answer's members (result or error).

    Of several requests in one, each is put to the rule; one Http is the answer to all of them.

    `forward` puts a request to the real node, for rules that want to change its answer or ask twice.
    """

    target: str
    url: str = ""
    rule: Callable[[str, list[Any]], Any] = lambda method, params: FORWARD
    takes_batches: bool = True
    asked: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)

    def forward(self, method: str, params: list[Any]) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.target, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.loads(response.read())
        return {key: answer[key] for key in ("result", "error") if key in answer}

    def answer(self, method: str, params: list[Any]) -> Any:
        self.asked[method] += 1
        found = self.rule(method, params)
        return self.forward(method, params) if found is FORWARD else found


@contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """A proxy before the node at `target`."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if isinstance(asked, list) and not proxy.takes_batches:
                asked = {"id": None, "method": "a batch", "params": []}
            each = asked if isinstance(asked, list) else [asked]
            answers = [proxy.answer(one["method"], one["params"]) for one in each]
            broken = next((answer for answer in answers if isinstance(answer, Http)), None)
            status, headers, body = 200, (), b""
            if broken is not None:
                status, headers = broken.status, broken.headers
                proxy.ended.wait(broken.hang)
            else:
                told = [
                    {"jsonrpc": "2.0", "id": one["id"], **answer} for one, answer in zip(each, answers, strict=True)
                ]
                body = json.dumps(told if isinstance(asked, list) else told[0]).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        server.shutdown()
        server.server_close()
