"""Blocks executed again by another engine, geth's `evm t8n`: state root, receipts root, bloom and gas are the same."""

import json
import random
import subprocess

import pytest
import rlp

from ledger_node.embedded.provider import chain_in_directory
from ledger_node.embedded.vm import decode_transaction
from ledger_node.genesis import Prefund
from tests.ledger_node.embedded.chain_kit import (
    BURN,
    LOOP,
    RETURN_CONTEXT,
    REVERT_WITH_DATA,
    STORE_WORD,
    creation,
    new_person,
    word,
)

pytestmark = pytest.mark.geth
SELF_DESTRUCT = bytes.fromhex("600035ff")
"""Gives all it has to the address in its data and is gone."""
CALLER = bytes.fromhex("60206000602060006000" + "600035" + "5a" + "f1" + "600055" + "3d60015500")
"""Calls the address in its data, and stores whether that went well and how much came back."""
MAKER = bytes.fromhex("366000600037" + "6000" + "36" + "6000" + "6000" + "f5" + "80600055" + "3b60015500")
"""CREATE2 with its data as init code; stores address and code size."""
STORE_OR_DIE = bytes.fromhex("36600f57" + "6001600155" + "6002600255" + "00" + "5b" + "6003600355" + "33ff")
"""Without data it stores two words; with data it stores a third and is gone."""
CALL_AND_REVERT = bytes.fromhex("60206000602060006000" + "600035" + "5a" + "f1" + "60006000fd")
"""Calls the address in its data and takes everything back."""
TAKES = {0x08: 3, 0x09: 3, 0x15: 1, 0x19: 1, 0x31: 1, 0x35: 1, 0x3B: 1, 0x3F: 1, 0x40: 1, 0x50: 1, 0x54: 1}
TAKES |= {0x51: 1, 0x20: 2, 0x52: 2, 0x53: 2, 0x55: 2, 0x37: 3, 0x39: 3, 0xA0: 2, 0xA1: 3, 0xA2: 4, 0x3C: 4}
TAKES |= dict.fromkeys([*range(0x01, 0x08), 0x0A, 0x0B, *range(0x10, 0x15), 0x16, 0x17, 0x18, *range(0x1A, 0x1E)], 2)
TAKES |= dict.fromkeys([0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x48), 0x58, 0x59, 0x5A], 0)
"""Instruction to how many words it takes."""
MEMORY = (0x20, 0x37, 0x39, 0x3C, 0x51, 0x52, 0x53, 0xA0, 0xA1, 0xA2)
SMALL = (0, 1, 2, 3, 5, 31, 32, 64, 255)
CALLS = {0xF1: 7, 0xF2: 7, 0xF4: 6, 0xFA: 6}


def random_program(dice):
    """Instructions in any order, each on small numbers or on what others left."""
    code = bytearray()
    for _ in range(dice.randrange(20, 120)):
        if dice.random() < 0.08:
            call = dice.choice(list(CALLS))
            target = dice.choice((*range(1, 10), 0x77))
            for _ in range(CALLS[call] - 2):
                code += bytes([0x60, dice.choice((0, 1, 32, 96))])
            code += bytes([0x60, target, 0x61, 0xFF, 0xFF, call])
            continue
        instruction = dice.choice(list(TAKES))
        for _ in range(TAKES[instruction]):
            if instruction not in MEMORY and dice.random() < 0.2:
                code += bytes([0x7F]) + dice.randbytes(32)
            else:
                code += bytes([0x60, dice.choice(SMALL)])
        code.append(instruction)
        if dice.random() < 0.1:
            code += bytes([0x60, dice.choice(SMALL), 0x80, 0x55])
    return bytes(code)


class Judge:
    """geth's view of the chain: what `evm t8n` made of all blocks so far."""

    def __init__(self, evm, folder, chain, alloc):
        self.evm, self.folder, self.chain = evm, folder, chain
        self.alloc = {"0x" + each.address.hex(): {"balance": hex(each.balance)} for each in alloc}

    def execute(self, block):
        """Execute a block of the ledger on geth's state; geth's result."""
        header = block.header
        hashes = {
            str(number): "0x" + self.chain.store.block_by_number(number).hash.hex() for number in range(block.number)
        }
        environment = {
            "currentCoinbase": "0x" + header.coinbase.hex(),
            "currentDifficulty": hex(header.difficulty),
            "currentGasLimit": hex(header.gas_limit),
            "currentNumber": hex(header.block_number),
            "currentTimestamp": hex(header.timestamp),
            "blockHashes": hashes,
        }
        raws = [each.raw for each in self.chain.store.block_transactions(block.number)]
        items = [rlp.decode(raw) if raw[0] >= 0xC0 else raw for raw in raws]
        given = {"alloc": self.alloc, "env": environment, "txsRlp": "0x" + rlp.encode(items).hex()}
        command = [self.evm, "t8n", "--input.alloc=stdin", "--input.env=stdin", "--input.txs=stdin"]
        command += ["--output.result=stdout", "--output.alloc=stdout", "--state.fork=Berlin", "--state.reward=-1"]
        command += [f"--state.chainid={self.chain.genesis.chain_id}"]
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, check=True, cwd=self.folder
        )
        answer = json.loads(done.stdout)
        self.alloc = answer["alloc"]
        return answer["result"]

    def agree(self, block):
        """Assert that geth finds the same."""
        found = self.execute(block)
        header = block.header
        assert found.get("rejected", []) == []
        assert found["gasUsed"] == hex(header.gas_used)
        assert found["txRoot"] == "0x" + header.transaction_root.hex()
        assert found["receiptsRoot"] == "0x" + header.receipt_root.hex()
        assert found["logsBloom"] == "0x" + header.bloom.to_bytes(256, "big").hex()
        assert found["stateRoot"] == "0x" + header.state_root.hex()


@pytest.fixture
def rich():
    return new_person()


@pytest.fixture
def funded(tmp_path, rich):
    """A chain with one rich account."""
    alloc = (Prefund(bytes.fromhex(rich.address[2:]), 10**20),)
    chain = chain_in_directory(tmp_path / "ledger", alloc=alloc)
    yield chain
    chain.close()


@pytest.fixture
def judge(evm, tmp_path, funded):
    return Judge(evm, tmp_path, funded, funded.genesis.alloc)


def accept(chain, person, **fields):
    chain.accept(person.sign(**fields))
    person.nonce += 1


def deploy_all(chain, judge, person, programs):
    """Make all contracts in one block that geth agrees on; their addresses."""
    for program in programs:
        accept(chain, person, data=creation(program), gas=300_000)
    sealed = chain.seal()
    judge.agree(sealed.block)
    return [each.contract for each in sealed.transactions]


def test_acts_of_every_kind_have_the_same_outcome(funded, judge, rich):
    programs = (STORE_WORD, REVERT_WITH_DATA, BURN, RETURN_CONTEXT, LOOP, SELF_DESTRUCT, CALLER, MAKER)
    store, revert, burn, context, loop, gone, caller, maker = deploy_all(funded, judge, rich, programs)
    for value in (5, 6, 6, 0):
        accept(funded, rich, to=store, data=word(value))
    for target in (revert, burn, loop, context, bytes(19) + b"\x77", store, gone):
        accept(funded, rich, to=caller, data=word(int.from_bytes(target, "big")), gas=150_000)
    accept(funded, rich, to=loop, gas=100_000)
    accept(funded, rich, to=gone, value=7)
    accept(funded, rich, to=gone, data=word(0x99))
    accept(funded, rich, to=maker, data=creation(STORE_WORD))
    accept(funded, rich, to=maker, data=creation(STORE_WORD))
    accept(funded, rich, data=BURN, gas=90_000)
    accept(funded, rich, data=bytes.fromhex("6001600055"), gasPrice=3)
    accept(funded, rich, to=bytes(19) + b"\x55", value=10**9, gasPrice=1)
    accept(funded, rich, to=bytes(19) + b"\x56")
    keys = ["0x" + word(0).hex()]
    accept(
        funded,
        rich,
        to=store,
        data=word(9),
        type="0x1",
        accessList=[{"address": "0x" + store.hex(), "storageKeys": keys}],
    )
    block = funded.seal(budget=30).block
    assert len(block.transaction_hashes) == 21
    judge.agree(block)
    judge.agree(funded.seal().block)


def test_contracts_with_storage_that_are_destroyed_have_the_same_outcome(funded, judge, rich):
    caller, undoer, *mortals = deploy_all(funded, judge, rich, (CALLER, CALL_AND_REVERT, *[STORE_OR_DIE] * 4))
    for mortal in mortals:
        accept(funded, rich, to=mortal)
    judge.agree(funded.seal(budget=30).block)
    first, second, third, fourth = mortals
    accept(funded, rich, to=undoer, data=word(int.from_bytes(first, "big")))
    accept(funded, rich, to=undoer, data=word(int.from_bytes(second, "big")))
    accept(funded, rich, to=caller, data=word(int.from_bytes(second, "big")))
    accept(funded, rich, to=second, value=1)
    accept(funded, rich, to=third, data=b"\1")
    accept(funded, rich, to=fourth)
    accept(funded, rich, to=fourth, data=b"\1")
    block = funded.seal(budget=30).block
    assert len(block.transaction_hashes) == 7
    judge.agree(block)


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_have_the_same_outcome(funded, judge, rich, seed, monkeypatch):
    # They call precompiled contracts that are slow here, and go on sending after one that took too long.
    monkeypatch.setattr("ledger_node.embedded.chain.SUSPENDED_SECONDS", 0.0)
    dice = random.Random(seed)
    programs = [random_program(dice) for _ in range(20)]
    addresses = deploy_all(funded, judge, rich, programs)
    for _ in range(3):
        for address in addresses:
            accept(funded, rich, to=address, data=dice.randbytes(64), gas=900_000, value=dice.choice((0, 0, 5)))
        judge.agree(funded.seal(budget=30).block)


def test_the_transactions_of_a_block_decode_to_their_hashes(funded, rich):
    accept(funded, rich)
    sealed = funded.seal()
    assert [bytes(decode_transaction(each.raw).hash) for each in sealed.transactions] == list(
        sealed.block.transaction_hashes
    )
