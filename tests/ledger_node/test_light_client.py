"""Trust files and checkpoint files beside each other: trust never goes back, and neither contradicts the other."""

from dataclasses import replace
from pathlib import Path

import pytest

from ledger_node.consensus.checkpoint import CheckpointError
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import verify_headers
from ledger_node.consensus.rules import Followed
from ledger_node.light_client import Anchor, followed_further, known_states, save_checkpoint
from ledger_node.trust import Engine, Trust
from tests.ledger_node.consensus.chains import CliqueChain

CHAIN = CliqueChain(1, 2, 3, 4).rounds(12)
RULES = read_genesis(CHAIN.genesis_file())


def states(head: int) -> tuple[Followed, ...]:
    """What a checkpoint file holds that was followed to a block: the last final one is three before it."""
    outcome = verify_headers(CHAIN.file(CHAIN.blocks[: head + 1]), RULES)
    assert outcome.followed is not None
    return (*outcome.earlier, outcome.followed)


def other(state: Followed) -> Followed:
    return replace(state, tip=replace(state.tip, hash=b"\x55" * 32))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.json"


def save(file: Path, kept: tuple[Followed, ...]) -> Path:
    save_checkpoint(file, RULES, kept[-1], kept[:-1])
    return file


def trust_at(state: Followed) -> Trust:
    return Trust(Engine.CLIQUE, 7, RULES.genesis_hash, rules=RULES, checkpoint=state)


OWN = states(11)[0]
"""Block 8, which is final."""


def test_a_checkpoint_that_would_take_the_trust_back_is_refused(file: Path) -> None:
    for head in (9, 10):
        with pytest.raises(CheckpointError, match=f"{head - 3}, is before block 8 of the trust file"):
            followed_further(trust_at(OWN), save(file, states(head)))
    for head in (11, 12):
        assert followed_further(trust_at(OWN), save(file, states(head))).checkpoint == states(head)[0]


@pytest.mark.parametrize("head", [8, 9, 11])
def test_a_checkpoint_that_holds_another_state_at_the_trusted_block_is_refused(file: Path, head: int) -> None:
    kept = tuple(other(each) if each.tip.number == 8 else each for each in states(head))
    with pytest.raises(CheckpointError, match="another state at block 8 than the trust file"):
        followed_further(trust_at(OWN), save(file, kept))
    with pytest.raises(CheckpointError, match="another state at block 8 than the trust file"):
        known_states(Anchor(RULES, (OWN,)), file)


def test_headers_go_on_from_the_newer_of_checkpoint_and_trust_file(file: Path) -> None:
    anchor = Anchor(RULES, (OWN,))
    assert known_states(anchor, None) == known_states(anchor, file) == (OWN,)
    assert known_states(anchor, save(file, states(7))) == (OWN,)
    assert known_states(anchor, save(file, states(10))) == states(10)[1:]
    assert known_states(anchor, save(file, states(12))) == states(12)
    assert known_states(Anchor(RULES), file) == states(12)
