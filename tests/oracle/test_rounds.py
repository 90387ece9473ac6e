"""Rounds of four oracles on their own files: who must wait, who must refuse, and that faults change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from oracle.agreement import Fault, rebuilt
from oracle.chain import Anchored
from oracle.formats.covenant import Covenant, Instalment
from oracle.formats.metric import Aggregate
from oracle.formats.observation import Observation
from oracle.formats.opening import Opening
from oracle.formats.report import Proposal, Report
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Rule
from oracle.formats.schema import Kind, Member, Schema
from oracle.formats.segment import Quality
from oracle.slots import SlotKeeper
from tests.oracle.consortium_kit import PACE, Consortium, Oracle
from tests.oracle.judgement_kit import (
    CONFIG,
    DAY,
    DAY_MS,
    HOUR,
    MINUTE,
    ORACLE_SIGNERS,
    SUBJECT,
    Device,
    metric,
    schema,
)

TEXT = Opening(b"t" * 32, b"{}")
NOW = DAY + HOUR


def covenant_of(*schemas: Schema, rules: Sequence[Rule] = ()) -> Covenant:
    """A covenant over some schemas; by default its one rule never fires."""
    made = schemas[0]
    never = Condition(
        made.id,
        made.metrics[0].subject,
        made.metrics[0].id,
        made.period_ms,
        EvidenceKind.MASS,
        Comparator.BELOW,
        1,
        False,
        frozenset({Quality.PASS}),
        -(1 << 63),
    )
    all_rules = tuple(rules) or (Rule(0, Action.REVIEW, 0, False, 0, TEXT.commitment, b"r" * 32, (never,)),)
    schedule = (Instalment(0, DAY, DAY + DAY_MS, TEXT),)
    names = tuple(f"rule-{each.index}" for each in all_rules)
    return Covenant(1, 2, 3, DAY, TEXT, all_rules, names, (TEXT,) * len(all_rules), schedule, schemas)


@pytest.fixture
def four(tmp_path: Path) -> Consortium:
    made = Consortium(tmp_path, NOW)
    made.add_covenant(covenant_of(schema()))
    return made


def scale(minutes: int, value: int = 100) -> Device:
    """A scale that read one value for some minutes, a segment a minute, and lives on."""
    device = Device()
    for minute in range(minutes):
        device.says([(DAY + minute * MINUTE + at * 10_000, 1, value) for at in range(6)])
    device.lives(DAY + minutes * MINUTE)
    return device


def agreed(oracle: Oracle, made: Schema, slot: int) -> Observation:
    known = oracle.anchored.find(made.id, slot)
    assert known is not None
    assert known.proposal is not None
    round_ = known.rebuild(made, known.proposal)
    assert round_.tree.root == known.root
    return round_.observations[0]


class LyingSlots(SlotKeeper):
    """The observations of an oracle that lies about every value."""

    def observe(self, schema: Schema, slot: int) -> tuple[Observation, ...]:
        return tuple(replace(each, value=-(10**9), salt=b"l" * 32) for each in super().observe(schema, slot))


def lies(oracle: Oracle) -> None:
    slots = LyingSlots(oracle.database, oracle.log, lambda _: 0, oracle.store, oracle.address)
    oracle.rounds._slots = slots


def proposal_of(four: Consortium, places: Sequence[int], by: int, attempt: int = 0, slot: int = DAY) -> Proposal:
    """A proposal over the own reports of some oracles."""
    reports: list[Report] = []
    for place in places:
        oracle = four.oracles[place]
        reports.append(oracle.store.reports(schema().id, slot)[oracle.address])
    return Proposal(schema().id, slot, attempt, tuple(reports)).signed(CONFIG, ORACLE_SIGNERS[by])


def reported(four: Consortium, minutes: int = 1) -> None:
    """Every oracle reports, and none goes on."""
    four.hear(scale(minutes).stream)
    for oracle in four.oracles:
        oracle.rounds._report_due(CONFIG)


def test_a_period_that_a_stream_has_not_passed_is_not_reported(four: Consortium) -> None:
    four.hear(scale(1).stream[:1])
    four.run()
    assert not four.chain.blocks


def test_a_device_that_may_store_and_forward_is_waited_for(four: Consortium) -> None:
    four.clock.time_ms += 365 * DAY_MS
    four.run()
    assert not four.chain.blocks


def test_a_live_device_that_stays_silent_is_missing_after_its_deadline(four: Consortium) -> None:
    four.clock.time_ms = DAY + MINUTE + 4000
    four.liveness[Device().id] = 5000
    four.run(500)
    assert not four.chain.blocks
    four.run(3000)
    assert [each.slot for each in four.chain.blocks] == [DAY]
    assert agreed(four.oracles[0], schema(), DAY).flag is Quality.MISSING


def test_each_period_is_anchored_once_and_known_to_all(four: Consortium) -> None:
    four.hear(scale(8).stream)
    four.run(2000)
    assert sorted(each.slot for each in four.chain.blocks) == [DAY + at * MINUTE for at in range(8)]
    for oracle in four.oracles:
        assert {agreed(oracle, schema(), each.slot).value for each in four.chain.blocks} == {100}
        assert not oracle.store.open_slots(10)


def test_one_silent_oracle_does_not_stop_the_rounds(four: Consortium) -> None:
    four.oracles[1].silent = True
    four.hear(scale(8).stream)
    four.run(6000)
    assert len(four.chain.blocks) == 8
    four.oracles[1].silent = False
    four.run(2000)
    assert agreed(four.oracles[1], schema(), DAY).value == 100


def test_two_silent_oracles_stop_the_rounds(four: Consortium) -> None:
    four.oracles[1].silent = four.oracles[2].silent = True
    four.hear(scale(4).stream)
    four.run(8000)
    assert not four.chain.blocks


@pytest.mark.parametrize("liar", range(4))
def test_one_lying_oracle_changes_no_value(four: Consortium, liar: int) -> None:
    lies(four.oracles[liar])
    four.hear(scale(4).stream)
    four.run(4000)
    assert len(four.chain.blocks) == 4
    for each in four.chain.blocks:
        assert agreed(four.oracles[(liar + 1) % 4], schema(), each.slot).value == 100


def test_a_lying_and_a_silent_oracle_together_get_no_lie_anchored(four: Consortium) -> None:
    lies(four.oracles[0])
    four.oracles[1].silent = True
    four.hear(scale(4).stream)
    four.run(6000)
    for each in four.chain.blocks:
        assert agreed(four.oracles[2], schema(), each.slot).value == 100


def test_an_oracle_signs_nothing_that_it_has_not_observed(four: Consortium) -> None:
    reported(four)
    made = proposal_of(four, (0, 1, 2), by=0)
    four.oracles[3].store.database.rows("DELETE FROM open_slots")
    assert four.oracles[3].rounds.answer([made]) == [Fault.NOT_OBSERVED]


def test_an_oracle_signs_no_attempt_that_has_not_begun(four: Consortium) -> None:
    reported(four)
    four.clock.time_ms += PACE.timeout_ms // 2
    assert four.oracles[0].rounds.answer([proposal_of(four, (0, 1, 2), by=2, attempt=2)]) == [Fault.TOO_EARLY]
    assert isinstance(four.oracles[0].rounds.answer([proposal_of(four, (0, 1, 2), by=1, attempt=1)])[0], bytes)


def test_an_oracle_signs_nothing_for_a_leader_out_of_turn(four: Consortium) -> None:
    reported(four)
    assert four.oracles[0].rounds.answer([proposal_of(four, (0, 1, 2), by=1)]) == [Fault.NOT_LEADER]


def test_an_oracle_signs_nothing_of_an_unknown_schema(four: Consortium) -> None:
    reported(four)
    made = replace(proposal_of(four, (0, 1, 2), by=0), schema=b"x" * 32)
    assert four.oracles[1].rounds.answer([made]) == [Fault.WRONG_SCHEMA]


def test_a_leader_that_proposes_two_rounds_gets_one_signature_of_each_oracle(four: Consortium) -> None:
    reported(four)
    one, other = proposal_of(four, (0, 1, 2), by=0), proposal_of(four, (0, 1, 3), by=0)
    first, second, *_ = four.oracles[1:]
    assert isinstance(first.rounds.answer([one])[0], bytes)
    assert first.rounds.answer([other]) == [Fault.SIGNED_OTHER]
    assert isinstance(second.rounds.answer([other])[0], bytes)
    (seen,) = first.store.faults(10)
    assert (seen.oracle, seen.fault) == (ORACLE_SIGNERS[0].address, "equivocation")


def test_a_signature_is_not_given_twice_after_a_restart(four: Consortium) -> None:
    reported(four)
    signer = four.oracles[1]
    assert isinstance(signer.rounds.answer([proposal_of(four, (0, 1, 2), by=0)])[0], bytes)
    signer.reopen()
    assert signer.rounds.answer([proposal_of(four, (0, 1, 3), by=0)]) == [Fault.SIGNED_OTHER]


def test_an_oracle_that_signed_the_other_round_learns_of_the_leaders_lie(four: Consortium) -> None:
    reported(four)
    one, other = proposal_of(four, (0, 1, 2), by=0), proposal_of(four, (0, 1, 3), by=0)
    four.oracles[0].silent = True
    four.oracles[1].rounds.answer([one])
    four.oracles[2].rounds.answer([other])
    root = rebuilt(one, schema(), CONFIG).tree.root
    four.chain.events.append(Anchored(schema().id, DAY, root, 1))
    four.run(1000)
    (seen,) = four.oracles[2].store.faults(10)
    assert seen.oracle == ORACLE_SIGNERS[0].address
    known = four.oracles[2].anchored.find(schema().id, DAY)
    assert known is not None
    assert (known.root, known.proposal) == (root, one)


def test_the_next_leader_proposes_again_what_was_proposed_before(four: Consortium) -> None:
    reported(four)
    made = proposal_of(four, (0, 1, 3), by=0)
    for oracle in four.oracles[1:]:
        oracle.rounds.answer([made])
    four.oracles[0].silent = True
    four.run(3000)
    assert [each.root for each in four.chain.blocks] == [rebuilt(made, schema(), CONFIG).tree.root]


def test_an_oracle_with_two_reports_of_a_slot_is_found_out(four: Consortium) -> None:
    reported(four)
    honest = proposal_of(four, (0, 1, 2), by=0)
    lie = replace(honest.reports[2], checkpoint=replace(honest.reports[2].checkpoint, size=0))
    reports = (*honest.reports[:2], lie.signed(CONFIG, ORACLE_SIGNERS[2]))
    four.oracles[1].rounds.step()
    four.oracles[1].rounds.hear(four.oracles[1].peers[1])
    four.oracles[1].rounds.answer([replace(honest, reports=reports).signed(CONFIG, ORACLE_SIGNERS[0])])
    assert ORACLE_SIGNERS[2].address in {each.oracle for each in four.oracles[1].store.faults(10)}


def test_restarts_at_any_point_anchor_each_period_once(four: Consortium) -> None:
    four.hear(scale(10).stream)
    for turn in range(60):
        for oracle in four.oracles:
            oracle.step()
        four.oracles[turn % 4].reopen()
        four.clock.time_ms += 50
    assert sorted(each.slot for each in four.chain.blocks) == [DAY + at * MINUTE for at in range(10)]
    assert four.chain.contradictions == 0


def test_an_event_is_a_round_at_once_when_all_devices_have_passed_it(tmp_path: Path) -> None:
    gate, terminal = Device(1), Device(2)
    made = schema(
        metric(aggregate=Aggregate.UNMATCHED, against=(1,), lookback_ms=HOUR),
        kind=Kind.EVENT,
        period_ms=0,
        members=(Member(gate.id, 3), Member(terminal.id, 2)),
        triggers=(0,),
    )
    four = Consortium(tmp_path, NOW)
    four.add_covenant(covenant_of(made))
    gate.says([(DAY + 500, 3, "DO-1"), (DAY + 900, 3, "")])
    four.hear(gate.stream)
    four.run()
    assert not four.chain.blocks
    terminal.says([(DAY + 100, 2, "DO-1")])
    terminal.lives(DAY + 600)
    four.hear(terminal.stream)
    four.run()
    assert [each.slot for each in four.chain.blocks] == [DAY + 500]
    assert agreed(four.oracles[0], made, DAY + 500).value == 0
    four.hear([terminal.lives(DAY + 1000)])
    four.run()
    assert agreed(four.oracles[3], made, DAY + 900).value == 1


def test_observations_are_of_the_subject(four: Consortium) -> None:
    four.hear(scale(1).stream)
    four.run()
    assert agreed(four.oracles[0], schema(), DAY).subject == SUBJECT
