"""Executing rules: what is not executed, what is executed once, and what is kept of refusals."""

from dataclasses import replace
from pathlib import Path

import pytest
from eth_abi.abi import decode

from oracle.chain import Refusal
from oracle.firings import FiringState
from oracle.formats.covenant import Covenant
from oracle.formats.metric import Aggregate
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Rule
from oracle.formats.schema import Kind, Member, Schema
from oracle.formats.segment import Quality
from tests.oracle.consortium_kit import CREDIT_DOMAIN, Consortium
from tests.oracle.judgement_kit import DAY, HOUR, MINUTE, Device, metric, schema
from tests.oracle.test_rounds import NOW, TEXT, covenant_of

SCALE, GATE, TERMINAL = Device(1).id, Device(2).id, Device(3).id
MASS_SCHEMA = schema(metric(completeness_bps=6000))
MOVES_SCHEMA = schema(
    metric(name="moves", aggregate=Aggregate.UNMATCHED, against=(1,), lookback_ms=HOUR),
    kind=Kind.EVENT,
    period_ms=0,
    members=(Member(GATE, 3), Member(TERMINAL, 2)),
    triggers=(0,),
)


def condition(made: Schema, kind: EvidenceKind, comparator: Comparator, count: int, threshold: int) -> Condition:
    asked = made.metrics[0]
    flags = frozenset({Quality.PASS})
    return Condition(made.id, asked.subject, asked.id, made.period_ms, kind, comparator, count, False, flags, threshold)


LIGHT = condition(MASS_SCHEMA, EvidenceKind.MASS, Comparator.BELOW, 2, 24_000)
STILL_LIGHT = replace(LIGHT, count=5)
MOVED = condition(MOVES_SCHEMA, EvidenceKind.MOVEMENT, Comparator.AT_LEAST, 1, 1)
HOLD = Rule(0, Action.HOLD, 0, False, 10 * MINUTE, TEXT.commitment, b"0" * 32, (MOVED, LIGHT))
ALONE = Rule(1, Action.REVIEW, 0, False, 10 * MINUTE, TEXT.commitment, b"1" * 32, (STILL_LIGHT,))
COVENANT = covenant_of(MASS_SCHEMA, MOVES_SCHEMA, rules=(HOLD, ALONE))
FACILITY = COVENANT.facility(CREDIT_DOMAIN)


class Yard:
    """A consortium that watches one bay: a scale, a gate, an order terminal."""

    def __init__(self, directory: Path, covenant: Covenant = COVENANT) -> None:
        self.four = Consortium(directory, NOW)
        self.four.add_covenant(covenant)
        self.scale, self.gate, self.terminal = Device(1), Device(2), Device(3)

    def minutes(self, *weights: int, stolen: int | None = None) -> None:
        """Each minute's weight; in minute `stolen` something moves without an order."""
        first = len(self.scale.stream)
        for minute, weight in enumerate(weights, start=first):
            start = DAY + minute * MINUTE
            self.scale.says([(start + at * 10_000, 1, weight) for at in range(6)])
            if minute == stolen:
                self.gate.says([(start + 20_000, 3, "")])
        end = DAY + (first + len(weights)) * MINUTE
        self.gate.lives(end)
        self.terminal.lives(end)
        for device in (self.scale, self.gate, self.terminal):
            self.four.hear(device.stream)
        self.four.run(3000)

    def ends(self) -> None:
        """The scale passes the end of its last minute."""
        self.four.hear([self.scale.lives(DAY + len(self.scale.stream) * MINUTE)])
        self.four.run(3000)

    @property
    def acted(self) -> list[tuple[Action, int]]:
        """What was executed: action and last slot in minutes."""
        done = self.four.chain.executions
        return [(each.firing.rule.action, (each.firing.last_slot - DAY) // MINUTE) for each in done]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_an_honest_stretch_does_nothing(yard: Yard) -> None:
    yard.minutes(24_560, 24_558, 24_561, 24_559)
    yard.ends()
    assert yard.acted == []


def test_one_scale_that_lies_alone_is_reviewed_only(yard: Yard) -> None:
    yard.minutes(*[20_000] * 6)
    yard.ends()
    assert yard.acted == [(Action.REVIEW, 4)]


def test_a_movement_alone_does_nothing(yard: Yard) -> None:
    yard.minutes(24_560, 24_560, 24_560, stolen=1)
    yard.ends()
    assert yard.acted == []


def test_a_movement_while_the_weight_falls_is_held_once(yard: Yard) -> None:
    yard.minutes(24_560, 16_380, 16_380, 16_380, stolen=1)
    yard.ends()
    assert yard.acted == [(Action.HOLD, 2)]
    for oracle in yard.four.oracles:
        (kept,) = oracle.firings.of(FACILITY, COVENANT)
        assert kept.state is FiringState.ACTED


def test_every_episode_of_a_backlog_is_acted_on(tmp_path: Path) -> None:
    short = replace(ALONE, index=0, window_ms=MINUTE, conditions=(LIGHT,))
    yard = Yard(tmp_path, covenant_of(MASS_SCHEMA, rules=(short,)))
    yard.four.chain.refuse = Refusal("RoundUnknown", "RoundUnknown()")
    yard.minutes(*([20_000, 20_000, 25_000] * 4))
    yard.four.chain.refuse = None
    yard.ends()
    yard.four.run(6000)
    assert yard.acted == [(Action.REVIEW, slot) for slot in (1, 4, 7, 10)]


def test_one_silent_oracle_does_not_stop_the_hold(yard: Yard) -> None:
    for silent in yard.four.oracles[:1]:
        silent.silent = True
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    yard.four.run(6000)
    assert yard.acted == [(Action.HOLD, 2)]


def test_a_refusal_is_kept_with_its_cause_and_ends_the_matter(yard: Yard) -> None:
    yard.four.chain.refuse = Refusal("FacilityNotOpen", "FacilityNotOpen(facility=0x01, status=2)")
    chain = yard.four.chain
    chain.facilities[FACILITY] = replace(chain.facilities[FACILITY], open=False)
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    yard.four.run(6000)
    for oracle in yard.four.oracles:
        (kept,) = oracle.firings.of(FACILITY, COVENANT)
        assert (kept.state, kept.cause) == (FiringState.REFUSED, "FacilityNotOpen(facility=0x01, status=2)")
    yard.four.chain.refuse = None
    for oracle in yard.four.oracles:
        oracle.reopen()
    yard.four.run(3000)
    assert yard.acted == []


@pytest.mark.parametrize("name", ["FacilityNotOpen", "CoverUnknown", "RoundUnknown", "SomethingNew"])
def test_a_refusal_of_a_node_that_lags_costs_no_episode(yard: Yard, name: str) -> None:
    yard.four.chain.refuse = Refusal(name, f"{name}()")
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    yard.four.run(6000)
    assert {oracle.firings.of(FACILITY, COVENANT)[0].state for oracle in yard.four.oracles} == {FiringState.PENDING}
    yard.four.chain.refuse = None
    yard.four.run(6000)
    assert yard.acted == [(Action.HOLD, 2)]


def test_a_restart_between_firing_and_execution_executes_once(yard: Yard) -> None:
    yard.four.chain.refuse = Refusal("RoundUnknown", "RoundUnknown()")
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    assert yard.acted == []
    yard.four.chain.refuse = None
    for oracle in yard.four.oracles:
        oracle.reopen()
    yard.four.run(6000)
    assert yard.acted == [(Action.HOLD, 2)]


def test_a_restart_after_execution_executes_nothing_again(yard: Yard) -> None:
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    for oracle in yard.four.oracles:
        oracle.reopen()
    yard.four.run(3000)
    assert yard.acted == [(Action.HOLD, 2)]


def test_an_execution_while_an_oracle_was_down_ends_its_firing(yard: Yard) -> None:
    yard.four.chain.refuse = Refusal("RoundUnknown", "RoundUnknown()")
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    down = yard.four.oracles[0]
    assert down.firings.pending() == 1
    down.silent = True
    yard.four.chain.refuse = None
    yard.four.run(6000)
    assert yard.acted == [(Action.HOLD, 2)]
    down.silent = False
    down.reopen()
    yard.four.run(3000)
    (kept,) = down.firings.of(FACILITY, COVENANT)
    assert (kept.state, down.firings.pending()) == (FiringState.ACTED, 0)


def test_an_execution_by_somebody_else_is_enough(yard: Yard) -> None:
    yard.four.chain.last[FACILITY, 0] = DAY + HOUR
    yard.minutes(24_560, 16_380, 16_380, stolen=1)
    yard.ends()
    assert yard.acted == []


def test_a_claim_waits_for_its_cover(tmp_path: Path) -> None:
    claim = replace(ALONE, index=0, action=Action.OPEN_CLAIM)
    covenant = covenant_of(MASS_SCHEMA, rules=(claim,))
    yard = Yard(tmp_path, covenant)
    yard.minutes(*[20_000] * 5)
    yard.ends()
    assert yard.acted == []
    yard.four.chain.covers[covenant.facility(CREDIT_DOMAIN), 0] = b"v" * 32
    yard.four.run(6000)
    assert yard.acted == [(Action.OPEN_CLAIM, 4)]
    assert yard.four.chain.executions[0].action_data == b"v" * 32


def test_a_claim_that_no_cover_will_ever_take_ends(tmp_path: Path) -> None:
    covenant = covenant_of(MASS_SCHEMA, rules=(replace(ALONE, index=0, action=Action.OPEN_CLAIM),))
    yard = Yard(tmp_path, covenant)
    facility = covenant.facility(CREDIT_DOMAIN)
    yard.four.chain.covers[facility, 0] = Refusal("CoverNotInForce", "no cover of rule 0 was in force at 4")
    yard.minutes(*[20_000] * 5)
    yard.ends()
    yard.four.run(6000)
    for oracle in yard.four.oracles:
        kept = oracle.firings.of(facility, covenant)[0]
        assert (kept.state, kept.cause) == (FiringState.REFUSED, "no cover of rule 0 was in force at 4")
    assert yard.acted == []


def test_a_deferral_names_the_instalment_of_its_evidence(tmp_path: Path) -> None:
    defer = replace(ALONE, index=0, action=Action.DEFER, parameter=30)
    yard = Yard(tmp_path, covenant_of(MASS_SCHEMA, rules=(defer,)))
    yard.minutes(*[20_000] * 5)
    yard.ends()
    (done,) = yard.four.chain.executions
    ordinal, start, due, _, _ = decode(["uint16", "uint64", "uint64", "bytes32", "bytes32[]"], done.action_data)
    assert (ordinal, start <= done.firing.last_slot < due) == (0, True)
