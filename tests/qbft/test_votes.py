"""A fifth validator is voted in and out again: the set is followed from the genesis, and nothing else is believed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.runner.settling import wait_for
from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.rules import Followed
from ledger_node.headers import read_header
from ledger_node.hexvalues import read_address
from tests.ledger_node.consensus.chains import COVERED, Block, other_digit
from tests.qbft.headers import extra, file, said_of, seal, where, with_seals
from tests.qbft.validators import EPOCH, VALIDATORS, Network, Node
from tests.scenarios import kit

DIGITS = 7
"""Of a field's digits every so manieth is changed, in each block from another one on: all of them in seven blocks."""
AWAY = 7
"""So many blocks, of which one of five misses its turn at least once."""


@dataclass(frozen=True, slots=True)
class Voted:
    """All blocks, and those from which on the fifth was a validator, and was none any more."""

    blocks: list[Block]
    joined: int
    left: int


@pytest.fixture(scope="module")
def voted(network: Network, late: Node) -> Voted:
    """The fifth seals past an epoch block and a round in which another is dead, and has no say after that."""
    network.vote(late, True)
    joined = network.nodes[0].head
    network.wait_for_block(joined + 1)  # who has not the newest block cannot take the place of one that dies
    network.kill(network.nodes[2])
    network.wait_for_block(joined + 1 + AWAY)
    network.start(network.nodes[2])
    network.wait_for_block(joined + EPOCH)
    wait_for(lambda: any(_made(block, late) for block in network.blocks()[joined:]), "a block of the fifth")
    network.vote(late, False)
    network.wait_for_block(network.nodes[0].head + VALIDATORS)
    blocks = network.blocks()
    sizes = [len(extra(block).validators) for block in blocks]
    first = sizes.index(VALIDATORS + 1)
    return Voted(blocks, first, sizes.index(VALIDATORS, first))


def _made(block: Block, node: Node) -> bool:
    return read_address("miner", block["miner"]) == node.address


@pytest.fixture(scope="module")
def states(network: Network, voted: Voted) -> list[Followed]:
    """What is known after each block."""
    rules = read_genesis(network.genesis.read_bytes())
    found = [start(rules, read_header(voted.blocks[0]))]
    for block in voted.blocks[1:]:
        found.append(follow(rules, found[-1], read_header(block)))
    return found


def test_the_set_that_was_voted_for_is_followed(states: list[Followed], voted: Voted, network: Network) -> None:
    first = tuple(node.address for node in network.nodes[:VALIDATORS])
    five = tuple(sorted((*first, network.late.address)))
    assert states[voted.joined - 2].validators == first
    assert states[voted.joined - 1].validators == states[voted.left - 2].validators == five
    assert states[-1].validators == first


def test_there_are_blocks_of_every_kind_among_them(voted: Voted, network: Network) -> None:
    of_five = voted.blocks[voted.joined : voted.left]
    assert any(int(block["number"], 16) % EPOCH == 0 for block in of_five)
    assert any(extra(block).round > 0 for block in of_five)
    assert any(_made(block, network.late) for block in of_five)
    assert {extra(block).vote for block in voted.blocks} == {
        None,
        (network.late.address, True),
        (network.late.address, False),
    }


def test_the_command_follows_them_in_two_parts(network: Network, voted: Voted, tmp_path: Path) -> None:
    headers, checkpoint = tmp_path / "headers.json", tmp_path / "checkpoint.json"
    words = ("--trust", str(network.genesis), "--checkpoint", str(checkpoint), "--json")
    parts = ((0, voted.left - 1, VALIDATORS + 1), (voted.left - 1, len(voted.blocks), VALIDATORS))
    for first, last, members in parts:
        headers.write_bytes(file(voted.blocks[first:last]))
        done = kit.cangdan("chain", "verify-headers", str(headers), *words)
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        found = (result["consensus"], result["checked"], len(result["validators"]))
        assert found == ("qbft", last - first, members)


def test_any_changed_digit_is_refused(voted: Voted, states: list[Followed], network: Network) -> None:
    blocks = voted.blocks
    of_five = range(voted.joined, voted.left)
    epoch = next(number for number in of_five if number % EPOCH == 0)
    later = next(number for number in of_five if extra(blocks[number]).round)
    votes = [number for number, block in enumerate(blocks) if extra(block).vote]
    busy = max(range(1, len(blocks)), key=lambda number: len(blocks[number]["transactions"]))
    for at, number in enumerate((1, busy, votes[0], epoch, later, votes[-1], len(blocks) - 1)):
        block = {name: value for name, value in blocks[number].items() if name != "hash"}
        for name in COVERED:
            for place in range(at % DIGITS, len(str(block[name])) - 2, DIGITS):
                said = said_of(network, [other_digit(block, name, place, place)], [states[number - 1]])
                assert not said.ok, (number, name, place)


def test_a_header_dropped_or_doubled_is_refused(voted: Voted, network: Network) -> None:
    blocks, middle = voted.blocks, voted.joined
    assert where(said_of(network, blocks[:middle] + blocks[middle + 1 :])) == (middle, "number")
    assert where(said_of(network, blocks[: middle + 1] + blocks[middle:])) == (middle + 1, "number")


def test_a_seal_of_a_past_validator_is_refused(voted: Voted, states: list[Followed], network: Network) -> None:
    newest = voted.blocks[-1]
    past = seal(newest, network.late.key)
    for seals in ([*extra(newest).seals[:-1], past], [*extra(newest).seals, past]):
        assert where(said_of(network, [with_seals(newest, seals)], states[-2:-1])) == (0, "seals")


def test_past_validators_among_themselves_are_refused(voted: Voted, states: list[Followed], network: Network) -> None:
    """The set of before the vote, all of whom have sealed."""
    newest = voted.blocks[-1]
    block = with_seals(newest, [], validators=states[voted.left - 2].validators)
    sealed = with_seals(block, [seal(block, node.key) for node in network.nodes])
    assert where(said_of(network, [sealed], states[-2:-1])) == (0, "set")
