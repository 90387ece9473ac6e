"""Sets that the genesis file of a QBFT chain puts in the place of the followed one, and what becomes of votes."""

from dataclasses import replace

import pytest

from ledger_node.consensus.checkpoint import CheckpointError, dump_checkpoint, parse_checkpoint
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.rules import Recent, Vote
from tests.ledger_node.consensus.chains import Chain, CliqueChain, QbftChain, add, address, drop, text
from tests.ledger_node.consensus.outcomes import of, where


def test_transitions_of_the_genesis_override_the_set() -> None:
    change = {"block": 3, "validators": [text(address(each)) for each in (6, 7, 8, 9)]}
    for quorum_client, first in ((True, 4), (False, 3)):
        transitions = [change] if quorum_client else {"qbft": [change]}
        chain = QbftChain(1, 2, 3, 4, quorum_client=quorum_client, transitions=transitions)
        chain.rounds(first - 1)
        chain.validators = {6, 7, 8, 9}
        assert of(chain.rounds(3)).ok
        late = QbftChain(1, 2, 3, 4, quorum_client=quorum_client, transitions=transitions).rounds(5)
        assert where(of(late)) == (first, "set")


PEOPLE = (1, 2, 3, 4)


@pytest.mark.parametrize(("quorum_client", "ends"), [(True, None), (False, (6, "set"))])
def test_votes_from_before_a_transition_count_on_with_goquorum_alone(
    quorum_client: bool, ends: tuple[int, str] | None
) -> None:
    change = {"block": 3, "validators": [text(address(each)) for each in PEOPLE]}
    transitions = [change] if quorum_client else {"qbft": [change]}
    chain = QbftChain(*PEOPLE, quorum_client=quorum_client, transitions=transitions)
    for proposer in (1, 2):
        chain.seal(proposer=proposer, vote=add(5))
    chain.rounds(2)
    chain.seal(proposer=3, vote=add(5))
    chain.validators.add(5)
    chain.seal()
    assert where(of(chain)) == ends


def test_a_vote_of_who_left_by_a_transition_waits_on_in_a_checkpoint() -> None:
    change = {"block": 2, "validators": [text(address(each)) for each in (2, 3, 4)]}
    chain = QbftChain(*PEOPLE, transitions=[change])
    chain.seal(proposer=1, vote=add(5))
    chain.rounds(1)
    chain.validators.remove(1)
    rules, known = read_genesis(chain.genesis_file()), of(chain.rounds(1)).followed
    assert known is not None
    assert [each.voter for each in known.votes] == [address(1)]
    assert parse_checkpoint(dump_checkpoint(rules, known), rules) == (known,)


def set_at(block: int, *, quorum_client: bool = True) -> QbftChain:
    """Three blocks of four validators whom the genesis file puts in their own place at a block."""
    change = {"block": block, "validators": [text(address(each)) for each in PEOPLE]}
    transitions = [change] if quorum_client else {"qbft": [change]}
    return QbftChain(*PEOPLE, quorum_client=quorum_client, transitions=transitions).rounds(3)


@pytest.mark.parametrize(
    "chain",
    [
        CliqueChain(*PEOPLE).rounds(3),
        QbftChain(*PEOPLE).rounds(3),
        QbftChain(*PEOPLE, quorum_client=False).rounds(3),
        set_at(0),
        set_at(4),
        set_at(2, quorum_client=False),
    ],
)
def test_a_checkpoint_with_a_vote_of_nobody_whose_votes_are_kept_is_refused(chain: Chain) -> None:
    rules, known = read_genesis(chain.genesis_file()), of(chain).followed
    assert known is not None
    stranger, member = (replace(known, votes=(Vote(address(each), address(5), add=True),)) for each in (9, 1))
    with pytest.raises(CheckpointError, match=r"checkpoint\.votes\[0\]\.voter: is none of the validators"):
        parse_checkpoint(dump_checkpoint(rules, stranger), rules)
    assert parse_checkpoint(dump_checkpoint(rules, member), rules) == (member,)


@pytest.mark.parametrize("quorum_client", [True, False])
def test_a_checkpoint_of_qbft_with_recent_signers_is_refused(quorum_client: bool) -> None:
    chain = QbftChain(*PEOPLE, quorum_client=quorum_client).rounds(3)
    rules, known = read_genesis(chain.genesis_file()), of(chain).followed
    assert known is not None
    changed = replace(known, recents=(Recent(3, address(1)),))
    with pytest.raises(CheckpointError, match=r"checkpoint\.recents: must be empty but for clique"):
        parse_checkpoint(dump_checkpoint(rules, changed), rules)


def test_a_vote_on_whom_a_transition_let_in_while_votes_waited_is_refused() -> None:
    change = {"block": 2, "validators": [text(address(each)) for each in (1, 2, 3, 4, 5)]}
    chain = QbftChain(*PEOPLE, transitions=[change])
    chain.seal(proposer=1, vote=add(5))
    chain.rounds(1)
    chain.validators.add(5)
    chain.rounds(1)
    assert of(chain).ok
    chain.seal(proposer=2, vote=drop(5))
    assert where(of(chain)) == (4, "vote")


def test_a_block_without_a_vote_takes_back_one_for_address_0_with_goquorum() -> None:
    for quorum_client, waiting in ((True, 0), (False, 1)):
        chain = QbftChain(*PEOPLE, quorum_client=quorum_client)
        chain.seal(proposer=1, vote=(bytes(20), b"\xff"))
        chain.seal(proposer=1)
        followed = of(chain).followed
        assert followed is not None
        assert len(followed.votes) == waiting
