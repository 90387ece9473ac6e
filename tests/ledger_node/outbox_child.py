"""A sender that is killed: submits acts number 0 to COUNT - 1 in order, again from 0 after each start."""

import sys
from pathlib import Path

from ledger_node.client import ChainClient
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


directory, url, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
signer = LocalSigner(bytes.fromhex((directory / "key").read_text()))
outbox = Outbox(directory / "outbox.sqlite", ChainClient(url), signer)
_say("open")
for number in range(count):
    outbox.submit(f"act {number}", number.to_bytes(19, "big") + b"\x01", number.to_bytes(4, "big"), gas=60_000)
    _say(str(number))
for number in range(count):
    outbox.wait(f"act {number}")
_say("done")
