"""Seven validators, of whom two may be dead: blocks of the second round after a missed one, and the set that stands."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from api.runner.settling import wait_for
from ledger_node.consensus.qbft import quorum
from tests.ledger_node.consensus.chains import Block
from tests.qbft.engines import Binary
from tests.qbft.headers import extra, said_of, where, with_seals
from tests.qbft.validators import Network, running_network

SEVEN, FAULTY = 7, 2


@dataclass(frozen=True, slots=True)
class Lived:
    """All blocks, and those that came while two validators with turns in a row were dead."""

    network: Network
    blocks: list[Block]
    with_five: range


@pytest.fixture(scope="module")
def lived(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with running_network(binary, tmp_path_factory.mktemp("seven"), SEVEN) as network:
        alive, dead = network.nodes[0], network.nodes[1 : 1 + FAULTY]
        network.kill(*dead)
        first = alive.head + 1
        wait_for(lambda: any(extra(block).round >= FAULTY for block in network.blocks(alive)[first:]), "a later round")
        network.wait_for_block(first + SEVEN)
        with_five = range(first, alive.head + 1)
        network.start(*dead)
        network.wait_for_block(alive.head + 2)
        yield Lived(network, network.blocks(alive), with_five)


def test_five_of_seven_go_on_and_skip_two_turns_in_a_row(lived: Lived) -> None:
    assert len(lived.with_five) > SEVEN
    assert max(extra(lived.blocks[number]).round for number in lived.with_five) >= FAULTY


def test_their_headers_hold(lived: Lived) -> None:
    said = said_of(lived.network, lived.blocks)
    assert (said.failure, said.checked) == (None, len(lived.blocks))


def test_four_seals_of_seven_are_too_few(lived: Lived) -> None:
    blocks = lived.blocks[: lived.with_five[-1] + 1]
    few = with_seals(blocks[-1], extra(blocks[-1]).seals[: quorum(SEVEN) - 1])
    assert where(said_of(lived.network, [*blocks[:-1], few])) == (len(blocks) - 1, "seals")
