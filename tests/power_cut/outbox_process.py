"""An outbox on the disk that loses its power; its chain is elsewhere and loses nothing. Tells what was submitted, and
each transaction before the chain hears of it."""

import sys
from pathlib import Path

from ledger_node.embedded.provider import EmbeddedProvider, chain_in_directory
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox
from ledger_node.transactions import transaction_hash
from tests.registry.consortium import LocalClient

COUNT = 10
PLACE = Path("home") / "outboxes" / "outbox.sqlite"
SEALER, SENDER = LocalSigner(b"\x05" * 32), LocalSigner(b"\x06" * 32)


class TellingClient(LocalClient):
    """Tells each transaction that it hands on, first."""

    def send_raw(self, raw: bytes) -> bytes:
        tell(f"broadcast {transaction_hash(raw).hex()}")
        return super().send_raw(raw)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def target(number: int) -> bytes:
    """Each act goes to an account of its own."""
    return bytes([number + 1]) * 20


def main(folder: Path, chain_folder: Path) -> None:
    chain = chain_in_directory(chain_folder, signer=SEALER)
    outbox = Outbox(folder / PLACE, TellingClient(EmbeddedProvider(chain)), SENDER)
    for number in range(COUNT):
        sent = outbox.submit(f"act {number}", target(number), b"", gas=60_000)
        tell(f"submitted {sent.key.split()[1]} {sent.transaction_hash.hex()}")
    for number in range(COUNT):
        outbox.wait(f"act {number}", 120)
    outbox.close()
    chain.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
