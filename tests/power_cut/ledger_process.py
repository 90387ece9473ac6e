"""A ledger that is founded, takes transactions as its server does, and seals; it tells each answer that it gave."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eth_account import Account

from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.files import open_files
from ledger_node.embedded.node import local_node
from ledger_node.embedded.rpc.dispatch import Dispatcher
from ledger_node.embedded.sealer import Pace, Sealer
from ledger_node.hashing import keccak256
from ledger_node.rlp_strict import encode
from tests.ledger_node.embedded.chain_kit import STORE_WORD, Person, creation, word

COUNT = 8
"""Transactions of each person."""
PLACE = Path("home") / "ledger"
PEOPLE = tuple(Person(Account.from_key(bytes([number]) * 32)) for number in (1, 2))


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def send_all(person: Person, dispatcher: Dispatcher) -> None:
    contract = keccak256(encode([bytes.fromhex(person.address[2:]), b""]))[12:]

    def ask(method: str, *params: object) -> object:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        answer = json.loads(dispatcher.handle(body) or b"{}")
        assert "result" in answer, answer
        return answer["result"]

    person.nonce = int(str(ask("eth_getTransactionCount", person.address, "pending")), 16)
    while person.nonce < COUNT:
        fields = {"to": contract, "data": word(person.nonce)} if person.nonce else {"data": creation(STORE_WORD)}
        tell(f"sent {ask('eth_sendRawTransaction', '0x' + person.sign(**fields).hex())}")
        head = ask("eth_getBlockByNumber", "latest", False)
        assert isinstance(head, dict)
        tell(f"block {int(head['number'], 16)} {head['hash']}")
        person.nonce += 1


def main(folder: Path) -> None:
    genesis, signer = open_files(folder / PLACE)
    tell(f"sealer 0x{signer.address.hex()}")
    chain = EmbeddedChain(folder / PLACE, genesis, signer)
    tell(f"block {chain.head.number} 0x{chain.head.hash.hex()}")
    sealer = Sealer(chain, Pace(interval=0.01, idle=0))
    sealer.start()
    dispatcher = Dispatcher(local_node(chain), {})
    with ThreadPoolExecutor(len(PEOPLE)) as threads:
        for done in [threads.submit(send_all, person, dispatcher) for person in PEOPLE]:
            done.result()
    while chain.waiting:
        assert sealer.is_alive()
        threading.Event().wait(0.01)
    sealer.stop()
    chain.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
