"""Clique headers judged by geth's own package: both accept the same, and know the same after each chain."""

import json
import os
import random
import subprocess
from typing import Any

import pytest

from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.rules import Followed, HeaderRefused
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import CliqueChain, address, text

CHAINS = 600 if os.environ.get("CANGDAN_DEEP") else 60
PEOPLE = range(9)


def judged(judge: str, asked: list[tuple[dict[str, Any], list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """What geth says of chains, each a genesis file and headers."""
    given = [{"genesis": genesis, "headers": headers} for genesis, headers in asked]
    done = subprocess.run([judge], input=json.dumps(given), capture_output=True, text=True, check=True)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def spoilt(dice: random.Random, chain: CliqueChain) -> dict[str, Any]:
    """A change to the next header that may break a rule."""
    limit = int(chain.head["gasLimit"], 16)
    return dice.choice(
        [
            {"gasLimit": hex(limit + dice.choice([-1, 1]) * (limit // 1024 - dice.randrange(2)))},
            {"difficulty": hex(dice.randrange(4))},
            {"nonce": "0x" + dice.choice(["00" * 8, "ff" * 8, "01" * 8])},
            {"miner": text(address(dice.choice(PEOPLE)))},
            {"gasUsed": hex(limit + dice.randrange(2))},
            {"timestamp": hex(int(chain.head["timestamp"], 16) + dice.randrange(3))},
            {"bare": bytes(32) + b"".join(sorted(address(each) for each in chain.signers))},
            {"bare": bytes(32)},
            {"mixHash": "0x" + "00" * 31 + dice.choice(["00", "01"])},
            {"baseFeePerGas": hex(10**9)},
        ]
    )


def random_chain(seed: int) -> tuple[CliqueChain, int, Followed]:
    """A chain with votes, absences, intruders and errors; how many headers we accept, and what we know after them."""
    dice = random.Random(seed)
    first = dice.sample(PEOPLE, dice.randrange(1, 6))
    chain = CliqueChain(*first, epoch=dice.randrange(2, 12), period=dice.randrange(3))
    rules = read_genesis(chain.genesis_file())
    followed = start(rules, read_header(chain.head))
    wanted = dice.sample(PEOPLE, 3)
    for done in range(dice.randrange(5, 60)):
        chain.signers = {each for each in PEOPLE if address(each) in followed.validators}
        if not chain.signers:
            break
        recent = (
            {each.signer for each in followed.recents[-(len(chain.signers) // 2) :]} if len(chain.signers) > 1 else ()
        )
        free = [each for each in sorted(chain.signers) if address(each) not in recent] or sorted(chain.signers)
        signer = dice.choice(list(PEOPLE) if dice.random() < 0.02 else free)
        vote = None
        if len(chain.blocks) % chain.epoch and dice.random() < 0.7:
            subject = dice.choice(wanted)
            vote = (subject, dice.random() < 0.9 if subject not in chain.signers else dice.random() < 0.1)
        changes = spoilt(dice, chain) if dice.random() < 0.015 else {}
        block = chain.seal(signer, vote=vote, **changes)
        try:
            followed = follow(rules, followed, read_header(block))
        except HeaderRefused:
            return chain, done, followed
    return chain, len(chain.blocks) - 1, followed


def test_geth_and_we_accept_the_same_headers_and_know_the_same_after_them(clique_judge: str) -> None:
    made = [random_chain(seed) for seed in range(CHAINS)]
    answers = judged(clique_judge, [(chain.genesis, chain.blocks[1:]) for chain, _, _ in made])
    refused = grown = 0
    for seed, ((chain, accepted, followed), answer) in enumerate(zip(made, answers, strict=True)):
        assert answer["genesisHash"] == chain.blocks[0]["hash"], seed
        assert answer["accepted"] == accepted, (seed, answer["error"])
        snapshot = answer["snapshot"]
        assert sorted(snapshot["signers"]) == [text(each) for each in followed.validators], seed
        votes = [(text(each.voter), text(each.subject), each.add) for each in followed.votes]
        assert [(each["signer"], each["address"], each["authorize"]) for each in snapshot["votes"] or []] == votes, seed
        recents = {str(each.number): text(each.signer) for each in followed.recents}
        assert snapshot["recents"] == recents, seed
        refused += accepted < len(chain.blocks) - 1
        grown += len(followed.validators) != len(read_set(chain))
    assert refused >= CHAINS // 10
    assert grown >= CHAINS // 10


def read_set(chain: CliqueChain) -> tuple[bytes, ...]:
    """The set of block 0."""
    return start(read_genesis(chain.genesis_file()), read_header(chain.blocks[0])).validators


def test_geth_and_we_agree_on_the_base_fee(clique_judge: str) -> None:
    dice = random.Random(7)
    asked, ours = [], []
    for _ in range(12):
        chain = CliqueChain(1, 2, 3, londonBlock=dice.choice([0, 1, 3]))
        rules = read_genesis(chain.genesis_file())
        followed = start(rules, read_header(chain.head))
        for number in range(1, 12):
            limit = int(chain.head["gasLimit"], 16)
            london = number >= int(chain.genesis["config"]["londonBlock"])
            if london and "baseFeePerGas" not in chain.head:
                limit *= 2
            fee = geth_base_fee(chain.head) if london else None
            used = dice.choice([0, limit // 2, limit // 2 + 1, limit])
            wrong = dice.randrange(40) == 0
            fee = fee + 1 if wrong and fee is not None else fee
            more = {} if fee is None else {"baseFeePerGas": hex(fee)}
            block = chain.seal(gasLimit=hex(limit), gasUsed=hex(used), **more)
            try:
                followed = follow(rules, followed, read_header(block))
            except HeaderRefused:
                break
        asked.append((chain.genesis, chain.blocks[1:]))
        ours.append(followed.tip.number)
    assert [each["accepted"] for each in judged(clique_judge, asked)] == ours
    assert max(ours) == 11


def geth_base_fee(parent: dict[str, Any]) -> int:
    """EIP-1559 by its own text."""
    if "baseFeePerGas" not in parent:
        return 10**9
    fee, used, target = int(parent["baseFeePerGas"], 16), int(parent["gasUsed"], 16), int(parent["gasLimit"], 16) // 2
    if used > target:
        return fee + max(fee * (used - target) // target // 8, 1)
    return fee - fee * (target - used) // target // 8


@pytest.mark.parametrize("london", [None, 0])
def test_block_0_is_what_geth_makes_of_the_file(clique_judge: str, london: int | None) -> None:
    dice = random.Random(3)
    asked = []
    for count in (0, 1, 2, 40):
        chain = CliqueChain(1, 2, 3)
        chain.genesis["alloc"] = {dice.randbytes(20).hex(): account(dice) for _ in range(count)}
        chain.genesis["config"] |= {} if london is None else {"londonBlock": london}
        chain.genesis["config"] |= {"homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0}
        chain.genesis["nonce"] = hex(dice.randrange(2**64))
        chain.genesis["coinbase"] = "0x" + dice.randbytes(20).hex()
        asked.append((chain.genesis, []))
    found = [each["genesisHash"] for each in judged(clique_judge, asked)]
    assert found == [text(read_genesis(json.dumps(genesis).encode()).genesis_hash) for genesis, _ in asked]


def account(dice: random.Random) -> dict[str, Any]:
    """An account as genesis files of geth have them."""
    made: dict[str, Any] = {"balance": dice.choice(["0", "1000", "0x1", hex(dice.randrange(2**90))])}
    if dice.random() < 0.5:
        words = ["0x" + dice.randbytes(32).hex(), "0x" + "00" * 31 + "07", "0x" + "00" * 32]
        made["storage"] = {"0x" + dice.randbytes(32).hex(): dice.choice(words) for _ in range(dice.randrange(5))}
    if dice.random() < 0.5:
        made |= {"code": "0x" + dice.randbytes(dice.randrange(50)).hex(), "nonce": hex(dice.randrange(300))}
    return made
