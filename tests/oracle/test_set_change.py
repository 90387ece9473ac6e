"""The set of oracles changes while rounds are open: no reading is lost, and what the old set signed still holds."""

from pathlib import Path

import pytest

from ledger_node.keys import LocalSigner
from ledger_node.signing import Signer
from oracle.agreement import Fault
from oracle.anchored import AnchoredRounds
from oracle.formats.report import Config, config_digest
from oracle.pull import PullState
from oracle.rounds import SET_MARK
from tests.oracle.consortium_kit import Consortium, Oracle
from tests.oracle.judgement_kit import CONFIG, DAY, HUB, MINUTE, ORACLE_SIGNERS, schema
from tests.oracle.test_pull import Pair, fill, pair
from tests.oracle.test_rounds import NOW, agreed, covenant_of, proposal_of, reported, scale

__all__ = ["pair"]
OTHERS = [LocalSigner(bytes([number]) * 32) for number in range(11, 15)]


def set_of(signers: list[Signer], epoch: int) -> Config:
    """A set of oracles with f = 1."""
    oracles = tuple(each.address for each in signers)
    return Config(CONFIG.domain, config_digest(20590, HUB, epoch, 1, oracles), oracles, 1, epoch)


@pytest.fixture
def four(tmp_path: Path) -> Consortium:
    made = Consortium(tmp_path, NOW)
    made.add_covenant(covenant_of(schema()))
    return made


def joined(four: Consortium, signers: list[LocalSigner], directory: Path) -> list[Oracle]:
    """Oracles that start with empty files and hear all that the others do."""
    directory.mkdir()
    made = [Oracle(each, directory, four.chain, four.clock, four.liveness) for each in signers]
    four.oracles += made
    for oracle in four.oracles:
        oracle.others = [each for each in four.oracles if each is not oracle]
        oracle.reopen()
    for oracle in made:
        oracle.add_covenant(covenant_of(schema()))
    return made


def opened_without_quorum(four: Consortium, minutes: int) -> None:
    """Slots that two of four report, so that no round comes about."""
    four.oracles[2].silent = four.oracles[3].silent = True
    four.hear(scale(minutes).stream)
    four.run(4000)
    assert not four.chain.blocks
    assert len(four.oracles[0].store.open_slots(100)) == minutes


def test_what_was_reported_for_another_set_is_signed_by_nobody(four: Consortium) -> None:
    reported(four)
    made = proposal_of(four, (0, 1, 2), by=0)
    four.chain.events.append(set_of([*ORACLE_SIGNERS[:3], OTHERS[0]], 2))
    (fault,) = four.oracles[1].rounds.answer([made])
    assert isinstance(fault, Fault)


def test_rounds_that_were_open_are_anchored_by_the_new_set(four: Consortium, tmp_path: Path) -> None:
    opened_without_quorum(four, 3)
    joined(four, OTHERS[:2], tmp_path / "new")
    for oracle in four.oracles:
        oracle.hears(scale(3).stream)
    four.chain.events.append(set_of([*ORACLE_SIGNERS[:2], *OTHERS[:2]], 2))
    four.run(4000)
    assert sorted((each.slot, each.epoch) for each in four.chain.blocks) == [(DAY + at * MINUTE, 2) for at in range(3)]
    for oracle in (four.oracles[0], four.oracles[4]):
        assert agreed(oracle, schema(), DAY).value == 100
        assert not oracle.store.open_slots(1)


def test_four_others_anchor_what_four_left_open_and_rebuild_what_they_anchored(
    four: Consortium, tmp_path: Path
) -> None:
    stream = scale(5).stream
    four.hear(stream[:3])
    four.run(2000)
    assert [each.epoch for each in four.chain.blocks] == [1, 1]
    four.oracles[1].silent = four.oracles[2].silent = True
    four.hear(stream[3:])
    four.run(2000)
    new = joined(four, OTHERS, tmp_path / "new")
    for oracle in new:
        oracle.hears(stream)
    four.chain.events.append(set_of(list(OTHERS), 2))
    four.run(4000)
    assert sorted((each.slot, each.epoch) for each in four.chain.blocks) == [
        (DAY + at * MINUTE, 1 if at < 2 else 2) for at in range(5)
    ]
    for oracle in (four.oracles[0], *new):
        assert [agreed(oracle, schema(), DAY + at * MINUTE).value for at in range(5)] == [100] * 5


def test_a_round_under_the_old_set_is_rebuilt_after_a_restart_under_the_new_one(four: Consortium) -> None:
    four.hear(scale(1).stream)
    four.run(1000)
    four.chain.events.append(set_of([*reversed(ORACLE_SIGNERS)], 2))
    four.run(500)
    four.oracles[0].reopen()
    known = four.oracles[0].anchored.find(schema().id, DAY)
    assert known is not None
    assert (known.config, four.oracles[0].store.mark(SET_MARK)) == (CONFIG, 2)
    assert agreed(four.oracles[0], schema(), DAY).value == 100


def test_the_same_report_for_a_new_set_is_no_equivocation(four: Consortium) -> None:
    opened_without_quorum(four, 1)
    four.oracles[2].silent = four.oracles[3].silent = False
    four.chain.events.append(set_of([*reversed(ORACLE_SIGNERS)], 2))
    four.run(3000)
    assert [each.epoch for each in four.chain.blocks] == [2]
    assert all(not oracle.store.faults(10) for oracle in four.oracles)


def test_a_restart_while_the_set_changes_loses_no_slot(four: Consortium) -> None:
    opened_without_quorum(four, 3)
    four.oracles[2].silent = four.oracles[3].silent = False
    four.chain.events.append(set_of([*reversed(ORACLE_SIGNERS)], 2))
    for turn in range(60):
        for oracle in four.oracles:
            oracle.step()
        four.oracles[turn % 4].reopen()
        four.clock.time_ms += 50
    assert sorted(each.slot for each in four.chain.blocks) == [DAY + at * MINUTE for at in range(3)]
    assert four.chain.contradictions == 0


def test_one_that_left_is_known_as_one_that_was(four: Consortium) -> None:
    four.chain.events.append(set_of([*ORACLE_SIGNERS[:3], OTHERS[0]], 2))
    four.run(200)
    kept = AnchoredRounds(four.oracles[0].store)
    assert kept.was_oracle(ORACLE_SIGNERS[3].address)
    assert kept.was_oracle(OTHERS[0].address)
    assert not kept.was_oracle(OTHERS[1].address)


def test_one_that_left_may_read_no_bodies_and_is_still_read(pair: Pair) -> None:
    fill(pair.one, 2)
    pair.chain.oracles.discard(pair.one.key.address)
    assert pair.puller.pull().state is PullState.COMPLETE
    assert pair.two.log.size() == 2
