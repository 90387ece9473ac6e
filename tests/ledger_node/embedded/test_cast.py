"""Foundry's `cast`, a client nobody here wrote: it reads, sends, calls and proves on the served ledger."""

import json
import subprocess
from pathlib import Path

import pytest

from ledger_node.proofs import verify_slot
from tests.ledger_node.embedded.chain_kit import REVERT_WITH_DATA, STORE_WORD, new_person, word

CAST = Path(__file__).parents[3] / "node_modules/.bin/cast"


@pytest.fixture
def cast(ledger):
    def run(verb, *arguments):
        command = [str(CAST), verb, "--rpc-url", ledger.http, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def sender():
    return new_person()


def send(cast, sender, *arguments):
    key = "0x" + bytes(sender.account.key).hex()
    return cast("send", "--legacy", "--gas-price", "0", "--json", "--private-key", key, *arguments)


def test_a_call_that_reverts_shows_its_data(cast, remote, sender):
    done = cast("call", sender.deploy(remote, REVERT_WITH_DATA), "0xdeadbeef")
    assert done.returncode == 1
    assert "deadbeef" in done.stderr


def test_a_transaction_of_the_wrong_nonce_is_refused_in_the_words_cast_knows(cast, remote, sender):
    sender.send(remote)
    done = send(cast, sender, "--nonce", "0", sender.address)
    assert "nonce too low" in done.stderr


def test_it_sends_reads_and_proves(cast, remote, sender):
    contract = sender.deploy(remote, STORE_WORD)
    receipt = json.loads(send(cast, sender, contract, "0x" + word(77).hex()).stdout)
    assert receipt["status"] == "0x1"
    assert int(cast("storage", contract, "0").stdout, 16) == 77
    assert cast("logs", "--from-block", receipt["blockNumber"], "--address", contract).returncode == 0
    proof = json.loads(cast("proof", contract, "0").stdout)
    nodes = [bytes.fromhex(node[2:]) for node in proof["storageProof"][0]["proof"]]
    assert verify_slot(bytes.fromhex(proof["storageHash"][2:]), 0, nodes) == 77


def test_it_traces_a_transaction(cast, remote, sender):
    contract = sender.deploy(remote, STORE_WORD)
    receipt = sender.send(remote, to=contract, data=word(1))
    done = cast("run", "0x" + bytes(receipt["transactionHash"]).hex())
    assert "emit topic 0" in done.stdout
