"""A sender that is killed: four threads submit acts number 0 to COUNT - 1, again from 0 after each start.

DIE is `never`, or `before` or `after` and the number of the request at which it kills itself (SIGKILL): the two moments
between which the node hears of a transaction, or of several. `at random` waits at its end to be killed, if it was not
before.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ledger_node.batches import Call
from ledger_node.client import ChainClient
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox

directory, url, count, (moment, _, at) = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4].partition(" ")


THREADS = 4
T = TypeVar("T")


class MortalClient(ChainClient):
    broadcasts = 0

    def send_raw(self, raw: bytes) -> bytes:
        return self._mortally(lambda: super(MortalClient, self).send_raw(raw))

    def request_in_parts(self, calls: Sequence[Call], *args: Any, **options: Any) -> list[Any]:
        def asked() -> list[Any]:
            return super(MortalClient, self).request_in_parts(calls, *args, **options)

        return self._mortally(asked) if any(each.method == "eth_sendRawTransaction" for each in calls) else asked()

    def _mortally(self, broadcast: Callable[[], T]) -> T:
        self.broadcasts += 1
        own = self.broadcasts
        if moment == "before" and own == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        answer = broadcast()
        if moment == "after" and own == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def submit(thread: int) -> None:
    for number in range(thread, count, THREADS):
        outbox.submit(f"act {number}", number.to_bytes(19, "big") + b"\x01", number.to_bytes(4, "big"), gas=60_000)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


signer = LocalSigner(bytes.fromhex((directory / "key").read_text()))
outbox = Outbox(directory / "outbox.sqlite", MortalClient(url), signer)
threads = [threading.Thread(target=submit, args=(thread,)) for thread in range(THREADS)]
for each in threads:
    each.start()
for each in threads:
    each.join()
for number in range(count):
    outbox.wait(f"act {number}")
if moment == "at":
    signal.pause()
