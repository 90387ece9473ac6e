"""Many senders at once against a ledger on this machine: each sends its signed transactions over one connection."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.consortium import BenchmarkError

Stream = list[bytes]
"""One sender's raw transactions, in order of nonce."""
HOST = "127.0.0.1"
LIMIT_SECONDS = 300.0
_LOOK = 0.02
_HEADERS = {"content-type": "application/json"}


def drive(port: int, streams: Sequence[Stream]) -> float:
    """Seconds from the first request until all transactions are in blocks.

    Raises BenchmarkError when one is refused, fails, or is in no block within LIMIT_SECONDS.
    """
    bodies = [[_body("eth_sendRawTransaction", "0x" + raw.hex()) for raw in stream] for stream in streams]
    senders = [_Sender(port, each) for each in bodies]
    begun = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(LIMIT_SECONDS)
    hashes = [hash_ for sender in senders for hash_ in sender.hashes()]
    connection = _connection(port)
    _await(connection, [sender.hashes()[-1] for sender in senders], begun + LIMIT_SECONDS)
    spent = time.perf_counter() - begun
    for first in range(0, len(hashes), 100):
        _check(connection, hashes[first : first + 100])
    connection.close()
    return spent


class _Sender(threading.Thread):
    def __init__(self, port: int, bodies: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._bodies = bodies
        self._answers: list[bytes] = []

    def run(self) -> None:
        connection = _connection(self._port)
        for body in self._bodies:
            self._answers.append(_post(connection, body))
        connection.close()

    def hashes(self) -> list[str]:
        """What the ledger answered. Raises BenchmarkError unless it took every transaction."""
        if len(self._answers) < len(self._bodies):
            raise BenchmarkError("a sender could not send all of its transactions")
        return [str(_result(json.loads(answer))) for answer in self._answers]


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(HOST, port, timeout=60)


def _body(method: str, *params: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def _post(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/", body, _HEADERS)
    return connection.getresponse().read()


def _result(answer: Any) -> Any:
    if "error" in answer:
        raise BenchmarkError(f"the ledger refused: {answer['error']['message']}")
    return answer["result"]


def _await(connection: http.client.HTTPConnection, hashes: Sequence[str], until: float) -> None:
    """Waits for the receipts of the last transaction of each sender, which are in no block before the others."""
    for hash_ in hashes:
        while _result(json.loads(_post(connection, _body("eth_getTransactionReceipt", hash_)))) is None:
            if time.perf_counter() > until:
                raise BenchmarkError(f"transaction {hash_} is in no block after {LIMIT_SECONDS:g} s")
            time.sleep(_LOOK)


def _check(connection: http.client.HTTPConnection, hashes: Sequence[str]) -> None:
    batch = [json.loads(_body("eth_getTransactionReceipt", hash_)) for hash_ in hashes]
    for answer in json.loads(_post(connection, json.dumps(batch).encode())):
        receipt = _result(answer)
        if receipt is None or receipt["status"] != "0x1":
            raise BenchmarkError("a transaction was mined as refused")
