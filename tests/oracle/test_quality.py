"""QARTOD tests: each flag at its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.formats.segment import Quality
from oracle.quality import PASS, Check, Flag, Limits, Sample, assess

RATE, FLAT = Flag(Quality.SUSPECT, Check.RATE_OF_CHANGE), Flag(Quality.SUSPECT, Check.FLAT_LINE)
GROSS = Flag(Quality.FAIL, Check.GROSS_RANGE)


def flags(values: list[int], limits: Limits, every_ms: int = 60_000) -> list[Flag]:
    return list(assess([Sample(at * every_ms, value) for at, value in enumerate(values)], limits))


@pytest.mark.parametrize(
    ("limits", "field"),
    [({"low": 2, "high": 1}, "low"), ({"stuck": 1}, "stuck"), ({"step": -1}, "step"), ({"tolerance": -1}, "tolerance")],
)
def test_limits_that_contradict_are_refused(limits: dict[str, int], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Limits(**limits)


def test_without_limits_all_passes() -> None:
    assert flags([0, 10**18, -(10**18), 0, 0, 0, 0], Limits()) == [PASS] * 7


def test_a_value_outside_the_gross_range_fails_and_on_its_edge_passes() -> None:
    assert flags([-1, 0, 100, 101], Limits(low=0, high=100)) == [GROSS, PASS, PASS, GROSS]


def test_a_step_over_the_limit_is_suspect_and_a_step_of_the_limit_passes() -> None:
    assert flags([0, 10, 21, 11], Limits(step=10)) == [PASS, PASS, RATE, PASS]


def test_a_failed_reading_is_no_base_for_the_next_step() -> None:
    assert flags([0, 1000, 1], Limits(high=100, step=5)) == [PASS, GROSS, PASS]


def test_a_rate_allows_more_where_more_time_has_passed() -> None:
    limits = Limits(step=10, step_ms=60_000)
    assert flags([0, 20], limits, every_ms=120_000) == [PASS, PASS]
    assert flags([0, 21], limits, every_ms=120_000) == [PASS, RATE]
    assert flags([0, 10, 21], limits, every_ms=1) == [PASS, PASS, RATE]


def test_a_run_is_stuck_as_a_whole_from_the_configured_length() -> None:
    assert flags([5, 5, 7, 7, 7, 7, 8], Limits(stuck=3)) == [PASS, PASS, FLAT, FLAT, FLAT, FLAT, PASS]


def test_zeros_are_stuck_unless_the_floor_says_that_they_are_not() -> None:
    assert flags([0, 0, 0], Limits(stuck=3)) == [FLAT] * 3
    assert flags([0, 0, 0, 1, 1, 1], Limits(stuck=3, stuck_floor=0)) == [PASS] * 3 + [FLAT] * 3


def test_a_run_stays_within_the_tolerance_of_its_first_reading() -> None:
    assert flags([10, 11, 10, 12], Limits(stuck=3, tolerance=1)) == [FLAT] * 3 + [PASS]
    assert flags([10, 11, 12, 13], Limits(stuck=3, tolerance=1)) == [PASS] * 4


def test_a_missing_reading_is_flagged_and_ends_a_run() -> None:
    samples = [Sample(0, 5), Sample(1, 5), Sample(2, 0, Quality.MISSING), Sample(3, 5)]
    missing = Flag(Quality.MISSING, Check.DEVICE)
    assert list(assess(samples, Limits(stuck=3))) == [PASS, PASS, missing, PASS]


@pytest.mark.parametrize("quality", [Quality.SUSPECT, Quality.FAIL])
def test_the_devices_own_doubt_stays(quality: Quality) -> None:
    assert assess([Sample(0, 5, quality)], Limits()) == (Flag(quality, Check.DEVICE),)


def test_out_of_range_is_worse_than_the_devices_doubt() -> None:
    assert assess([Sample(0, 5, Quality.SUSPECT)], Limits(high=1)) == (GROSS,)


@given(st.lists(st.integers(-5, 5), max_size=40), st.integers(2, 5))
def test_exactly_the_members_of_long_runs_are_stuck(values: list[int], length: int) -> None:
    def run(at: int) -> int:
        first = last = at
        while first and values[first - 1] == values[at]:
            first -= 1
        while last + 1 < len(values) and values[last + 1] == values[at]:
            last += 1
        return last - first + 1

    expected = [FLAT if run(at) >= length else PASS for at in range(len(values))]
    assert flags(values, Limits(stuck=length)) == expected
