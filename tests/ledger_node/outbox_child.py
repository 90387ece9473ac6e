"""A sender that is killed: submits acts number 0 to COUNT - 1 in order, again from 0 after each start.

DIE is `never`, or `before` or `after` and the number of the broadcast at which it kills itself (SIGKILL): the two
moments between which the node hears of a transaction. `at random` waits at its end to be killed, if it was not before.
"""

import os
import signal
import sys
from pathlib import Path

from ledger_node.client import ChainClient
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox

directory, url, count, (moment, _, at) = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4].partition(" ")


class MortalClient(ChainClient):
    broadcasts = 0

    def send_raw(self, raw: bytes) -> bytes:
        self.broadcasts += 1
        if moment == "before" and self.broadcasts == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().send_raw(raw)
        if moment == "after" and self.broadcasts == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


signer = LocalSigner(bytes.fromhex((directory / "key").read_text()))
outbox = Outbox(directory / "outbox.sqlite", MortalClient(url), signer)
for number in range(count):
    outbox.submit(f"act {number}", number.to_bytes(19, "big") + b"\x01", number.to_bytes(4, "big"), gas=60_000)
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
for number in range(count):
    outbox.wait(f"act {number}")
if moment == "at":
    signal.pause()
