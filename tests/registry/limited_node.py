"""A node with limits, as a process: python -m tests.registry.limited_node BLOCKS prints its port and serves.

The method `test_limits` gives it others; they are an object: `batch` requests in one at most (0: it knows no batches),
`bytes` of an answer at most (said by `says`: 413, or an error for each request that is too much), `slow` requests in
one from which on it takes longer than anybody waits, `busy` for every so many requests one 429, `methods` that it does
not know.
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from random import Random
from typing import Any

from ledger_node.client import RpcError
from tests.registry.simulated import Chain, answer

SEED = 11
LIMITS = "test_limits"
"""Tells how often which limit was met since the last call, and the most requests in one that were answered."""
SLOW_SECONDS = 2.5
Json = dict[str, Any]


def chain(blocks: int) -> Chain:
    made = Chain(Random(SEED))
    made.grow(blocks)
    return made


@dataclass
class Limited:
    chain: Chain
    limits: Json = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    _asked: "count[int]" = field(default_factory=lambda: count(1))

    def serve(self, body: bytes) -> tuple[int, Any]:
        """Status and answer."""
        request = json.loads(body)
        several = isinstance(request, list)
        each = request if several else [request]
        if each[0]["method"] == LIMITS:
            met, self.met, [self.limits] = self.met, Counter(), each[0]["params"]
            return 200, {"id": each[0]["id"], "jsonrpc": "2.0", "result": met}
        every = self.limits.get("busy")
        if every and next(self._asked) % every == 0:
            self.met["busy"] += 1
            return 429, None
        if several and len(each) > self.limits.get("batch", 1_000):
            self.met["batch"] += 1
            return 200, {"id": None, "jsonrpc": "2.0", "error": {"code": -32600, "message": "batch too large"}}
        if len(each) >= self.limits.get("slow", 1_000):
            self.met["slow"] += 1
            time.sleep(SLOW_SECONDS)
        told = [self._one(single) for single in each]
        told = [self._within(single) for single in told] if self.limits.get("says") != 413 else told
        if len(json.dumps(told)) > self.limits.get("bytes", 1 << 30):
            self.met["bytes"] += 1
            return 413, None
        self.met["most"] = max(self.met["most"], len(each))
        return 200, told if several else told[0]

    def _one(self, request: Json) -> Json:
        head = {"id": request["id"], "jsonrpc": "2.0"}
        try:
            if request["method"] in self.limits.get("methods", ()):
                raise RpcError(-32601, f"the method {request['method']} does not exist/is not available")
            return {**head, "result": answer(self.chain.blocks, request["method"], *request["params"])}
        except RpcError as error:
            return {**head, "error": {"code": error.code, "message": error.message}}

    def _within(self, told: Json) -> Json:
        if len(json.dumps(told)) <= self.limits.get("bytes", 1 << 30):
            return told
        self.met["bytes"] += 1
        return {"id": told["id"], "jsonrpc": "2.0", "error": {"code": -32003, "message": "response too large"}}


def main(blocks: int) -> None:
    node = Limited(chain(blocks))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, told = node.serve(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
