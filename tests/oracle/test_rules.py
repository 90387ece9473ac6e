"""Rules: what does not fire, what does, and why; the twin of the RuleEngine contract."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode
from hypothesis import given
from hypothesis import strategies as st

from oracle.formats.observation import Observation
from oracle.formats.rule import (
    OBSERVATION_ABI,
    RULE_ABI,
    Action,
    Comparator,
    Condition,
    EvidenceKind,
    Firing,
    Rule,
)
from oracle.formats.segment import Quality
from oracle.rules import Tracker, explain, meets
from tests.oracle.judgement_kit import DAY, DAY_MS, MINUTE, SUBJECT, first_firing, observed, schema

MASS = Condition(
    schema=schema().id,
    subject=SUBJECT,
    metric=schema().metrics[0].id,
    period_ms=MINUTE,
    kind=EvidenceKind.MASS,
    comparator=Comparator.BELOW,
    count=3,
    missing_skips=False,
    flags=frozenset({Quality.PASS}),
    threshold=100,
)
MOVES = replace(
    MASS,
    schema=b"m" * 32,
    period_ms=0,
    kind=EvidenceKind.MOVEMENT,
    comparator=Comparator.AT_LEAST,
    count=1,
    threshold=1,
)


def rule(*conditions: Condition, window: int = DAY_MS) -> Rule:
    return Rule(0, Action.REVIEW, 0, False, window, b"c" * 32, b"s" * 32, conditions or (MASS,))


def series(*values: int | None, start: int = 0) -> list[Observation]:
    """One observation a minute; None is missing."""
    return [
        observed(value or 0, DAY + (start + at) * MINUTE, Quality.MISSING if value is None else Quality.PASS)
        for at, value in enumerate(values)
    ]


def move(time: int, value: int = 1) -> Observation:
    return observed(value, time, schema=MOVES.schema)


def slots(firing: Firing | None) -> list[int]:
    assert firing is not None
    return [(each.slot - DAY) // MINUTE for each in firing.evidence[0]]


def test_too_short_a_run_does_not_fire() -> None:
    assert first_firing(rule(), series(50, 50, 200)) is None


def test_a_good_value_between_starts_the_count_anew() -> None:
    assert first_firing(rule(), series(50, 50, 100, 50, 50)) is None


def test_a_value_on_the_line_does_not_count() -> None:
    assert first_firing(rule(), series(50, 100, 50)) is None


def test_a_missing_value_breaks_the_run_unless_it_may_be_skipped() -> None:
    assert first_firing(rule(), series(50, None, 50, 50)) is None
    assert slots(first_firing(rule(replace(MASS, missing_skips=True)), series(50, None, 50, 50))) == [0, 1, 2, 3]


def test_a_missing_value_never_stands_at_an_end() -> None:
    skips = replace(MASS, missing_skips=True)
    assert slots(first_firing(rule(skips), series(None, 50, 50, 50, None))) == [1, 2, 3]


def test_a_missing_value_never_counts_as_a_value_below() -> None:
    assert first_firing(rule(replace(MASS, missing_skips=True)), series(50, None, 50)) is None


@pytest.mark.parametrize("flag", [Quality.SUSPECT, Quality.FAIL, Quality.NOT_EVALUATED])
def test_a_flag_that_is_not_accepted_breaks_the_run(flag: Quality) -> None:
    given_ = series(50, 50, 50)
    given_[1] = replace(given_[1], flag=flag)
    assert first_firing(rule(replace(MASS, missing_skips=True)), given_) is None


def test_a_slot_that_was_never_observed_breaks_the_run() -> None:
    assert first_firing(rule(), [*series(50, 50), *series(50, start=3)]) is None


def test_another_subject_does_not_count() -> None:
    assert first_firing(rule(), [replace(each, subject=b"x" * 32) for each in series(50, 50, 50)]) is None


def test_one_kind_alone_is_not_enough_for_two_conditions() -> None:
    both = rule(MASS, MOVES)
    assert first_firing(both, series(50, 50, 50)) is None
    assert first_firing(both, [move(DAY)]) is None


def test_evidence_further_apart_than_the_window_does_not_fire() -> None:
    both = rule(MASS, MOVES, window=5 * MINUTE)
    assert first_firing(both, [*series(50, 50, 50), move(DAY + 5 * MINUTE + 1)]) is None
    assert first_firing(both, [*series(50, 50, 50), move(DAY + 5 * MINUTE)]) is not None


def test_evidence_that_was_acted_on_does_not_fire_again() -> None:
    given_ = series(50, 50, 50, 50, 50)
    assert slots(first_firing(rule(), given_)) == [0, 1, 2]
    assert first_firing(rule(), given_, after=DAY + 2 * MINUTE) is None
    assert slots(first_firing(rule(), [*given_, *series(50, start=5)], after=DAY + 2 * MINUTE)) == [3, 4, 5]


def test_more_evidence_than_the_engine_takes_does_not_fire() -> None:
    skips = replace(MASS, count=2, missing_skips=True)
    assert first_firing(rule(skips), series(50, *[None] * 62, 50)) is not None
    assert first_firing(rule(skips), series(50, *[None] * 63, 50)) is None


def test_silence_may_itself_be_what_counts() -> None:
    silent = replace(MASS, flags=frozenset({Quality.MISSING}), comparator=Comparator.EQUAL, threshold=0)
    assert slots(first_firing(rule(silent), series(50, None, None, None))) == [1, 2, 3]


def test_two_kinds_fire_together_when_the_later_one_arrives() -> None:
    firing = first_firing(rule(MASS, MOVES), [*series(50, 50, 50, 50), move(DAY + MINUTE + 5)])
    assert firing is not None
    assert (firing.first_slot, firing.last_slot) == (DAY, DAY + 2 * MINUTE)


@pytest.mark.parametrize(
    ("comparator", "value", "nearest"),
    [
        (Comparator.BELOW, 90, 100),
        (Comparator.AT_MOST, 90, 101),
        (Comparator.ABOVE, 110, 100),
        (Comparator.AT_LEAST, 110, 99),
        (Comparator.EQUAL, 100, 101),
        (Comparator.UNEQUAL, 7, 100),
    ],
)
def test_the_explanation_says_which_value_would_not_have_counted(
    comparator: Comparator, value: int, nearest: int
) -> None:
    condition = replace(MASS, comparator=comparator, count=1)
    firing = first_firing(rule(condition), series(value))
    assert firing is not None
    (told,) = explain(firing).conditions
    assert (told.nearest.value, told.nearest.instead) == (value, nearest)
    assert not comparator.holds(nearest, condition.threshold)


def test_the_explanation_takes_the_value_nearest_to_the_line() -> None:
    firing = first_firing(rule(), series(10, 99, 50))
    assert firing is not None
    told = explain(firing)
    assert told.conditions[0].nearest.slot == DAY + MINUTE
    assert told.clause == firing.rule.clause


def test_a_firing_is_encoded_as_the_engine_encodes_it() -> None:
    firing = first_firing(rule(MASS, MOVES), [*series(50, 50, 50), move(DAY)])
    assert firing is not None
    told_rule, told_evidence = decode([RULE_ABI, f"{OBSERVATION_ABI}[][]"], firing.encode())
    assert told_rule[:7] == firing.rule.abi()[:7]
    assert [list(each) for each in told_evidence] == [[each.abi() for each in run] for run in firing.evidence]


values_ = st.lists(st.one_of(st.none(), st.integers(95, 105)), max_size=14)


@given(values_, st.integers(1, 4), st.booleans(), st.integers(0, 12))
def test_whatever_fires_meets_the_rule(given_: list[int | None], count: int, skips: bool, window: int) -> None:
    condition = replace(MASS, count=count, missing_skips=skips)
    firing = first_firing(rule(condition, window=window * MINUTE), series(*given_))
    if firing is not None:
        assert meets(condition, firing.evidence[0])
        assert firing.last_slot - firing.first_slot <= window * MINUTE


@given(values_, st.integers(1, 4), st.booleans())
def test_whatever_meets_the_rule_makes_it_fire(given_: list[int | None], count: int, skips: bool) -> None:
    condition = replace(MASS, count=count, missing_skips=skips)
    told = series(*given_)
    possible = [
        told[a:b] for a in range(len(told)) for b in range(a + 1, len(told) + 1) if meets(condition, tuple(told[a:b]))
    ]
    firing = first_firing(rule(condition), told)
    assert (firing is not None) == bool(possible)
    if firing is not None:
        assert firing.last_slot == min(run[-1].slot for run in possible)
    afters = [each.slot - 1 for each in told]
    found = [each for each in (first_firing(rule(condition), told, after) for after in afters) if each is not None]
    assert {each.first_slot for each in found} <= {run[0].slot for run in possible}
    assert {each.last_slot for each in found} == {run[-1].slot for run in possible}


@given(values_, st.integers(1, 3))
def test_the_order_in_which_observations_arrive_changes_nothing(given_: list[int | None], count: int) -> None:
    told = series(*given_)
    made = rule(replace(MASS, count=count))
    assert first_firing(made, told) == first_firing(made, told[::-1])


@given(values_, st.integers(1, 3))
def test_acting_on_each_firing_never_uses_an_observation_twice(given_: list[int | None], count: int) -> None:
    told, made, after, used = series(*given_), rule(replace(MASS, count=count)), -1, []
    while (firing := first_firing(made, told, after)) is not None:
        used += [each.slot for each in firing.evidence[0]]
        after = firing.last_slot
    assert len(used) == len(set(used))


@given(values_, st.lists(st.integers(0, 13), max_size=3, unique=True), st.integers(1, 3), st.booleans())
def test_one_by_one_is_the_same_as_all_at_once(
    given_: list[int | None], moved: list[int], count: int, skips: bool
) -> None:
    made = rule(replace(MASS, count=count, missing_skips=skips), MOVES, window=4 * MINUTE)
    told = sorted([*series(*given_), *(move(DAY + at * MINUTE + 1) for at in moved)], key=lambda each: each.slot)
    tracker, after, seen = Tracker(made), -1, []
    for observation in told:
        tracker.feed(observation)
        tracker.forget()
        seen.append(observation)
        firing = tracker.firing()
        assert firing == first_firing(made, seen, after)
        if firing is not None:
            after = firing.last_slot
            tracker.acted(after)
