import pytest

from benchmarks.result import Result, both


def result(**changes: object) -> Result:
    values = {"name": "n", "what": "w", "measured": 50.0, "unit": "acts/s", "against": "bare", "baseline": 200.0}
    return Result(**{**values, **changes})  # type: ignore[arg-type]


def test_the_ratio_is_measured_over_baseline():
    assert result().ratio == 0.25


def test_without_a_goal_none_is_told():
    assert set(result().as_json()) == {"name", "what", "measured", "unit", "against", "baseline", "ratio"}


@pytest.mark.parametrize(("goal", "met"), [(50.0, True), (50.1, False)])
def test_a_goal_is_met_when_it_is_reached(goal, met):
    told = result(goal=goal).as_json()
    assert (told["goal"], told["met"]) == (goal, met)


@pytest.mark.parametrize(("goal", "met"), [(50.0, True), (49.9, False)])
def test_a_goal_at_most_is_met_when_it_is_not_passed(goal, met):
    assert result(goal=goal, at_most=True).met is met


def test_numbers_are_told_with_four_digits():
    told = result(measured=1234.5678, baseline=3.0).as_json()
    assert (told["measured"], told["baseline"], told["ratio"]) == (1235.0, 3, 411.5)


def test_two_timings_take_turns_and_give_their_medians():
    turns = []

    def timing(name, values):
        given = iter(values)
        return lambda: turns.append(name) or next(given)

    assert both(3, timing("measured", [9.0, 1.0, 2.0]), timing("bare", [5.0, 4.0, 3.0])) == (2.0, 4.0)
    assert turns == ["measured", "bare"] * 3
