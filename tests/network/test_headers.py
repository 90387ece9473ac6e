"""The network's own headers, followed from its genesis file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from ledger_node.consensus.rules import Followed, Rules
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import COVERED, Block, other_digit
from tests.network.clique import EPOCH, Network
from tests.scenarios import kit

DIGITS = 7
"""Of a field's digits every so manieth is changed, in each block from another one on: all of them in seven blocks."""


@pytest.fixture(scope="module")
def blocks(network: Network, product: object) -> list[Block]:
    """All blocks so far, as a node tells them; a product has written."""
    network.wait_for_block(EPOCH + 20)
    client = network.nodes[2].client
    return [dict(client.block_json(number)) for number in range(client.block_number() + 1)]


@pytest.fixture(scope="module")
def rules(network: Network) -> Rules:
    return read_genesis(network.genesis.read_bytes())


@pytest.fixture(scope="module")
def states(blocks: list[Block], rules: Rules) -> list[Followed]:
    """What is known after each block."""
    found = [start(rules, read_header(blocks[0]))]
    for block in blocks[1:]:
        found.append(follow(rules, found[-1], read_header(block)))
    return found


def file(blocks: Sequence[Block]) -> bytes:
    return json.dumps({"headers": blocks}).encode()


def where(outcome: Outcome) -> tuple[int | None, str] | None:
    return None if outcome.failure is None else (outcome.failure.at, outcome.failure.step.value)


def test_the_command_accepts_them(network: Network, blocks: list[Block], tmp_path: Path) -> None:
    headers, checkpoint = tmp_path / "headers.json", tmp_path / "checkpoint.json"
    words = ("--trust", str(network.genesis), "--checkpoint", str(checkpoint), "--json")
    for first, last in ((0, len(blocks) - 20), (len(blocks) - 20, len(blocks))):
        headers.write_bytes(file(blocks[first:last]))
        done = kit.cangdan("chain", "verify-headers", str(headers), *words)
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        assert (result["consensus"], result["checked"], len(result["validators"])) == ("clique", last - first, 4)


def test_there_are_blocks_of_every_kind_among_them(blocks: list[Block]) -> None:
    assert len(blocks) > EPOCH
    assert any(block["transactions"] for block in blocks)


def test_any_changed_digit_is_refused(blocks: list[Block], rules: Rules, states: list[Followed]) -> None:
    busy = max(range(1, len(blocks)), key=lambda number: len(blocks[number]["transactions"]))
    for at, number in enumerate((1, EPOCH - 1, EPOCH, EPOCH + 1, busy, busy + 1, len(blocks) - 1)):
        block = {name: value for name, value in blocks[number].items() if name != "hash"}
        for name in COVERED:
            for place in range(at % DIGITS, len(str(block[name])) - 2, DIGITS):
                changed = other_digit(block, name, place, place)
                outcome = verify_headers(file([changed]), rules, [states[number - 1]])
                assert not outcome.ok, (number, name, place)


def test_a_header_dropped_or_doubled_is_refused(blocks: list[Block], rules: Rules) -> None:
    middle = len(blocks) // 2
    dropped = blocks[:middle] + blocks[middle + 1 :]
    doubled = blocks[: middle + 1] + blocks[middle:]
    assert where(verify_headers(file(dropped), rules)) == (middle, "number")
    assert where(verify_headers(file(doubled), rules)) == (middle + 1, "number")
