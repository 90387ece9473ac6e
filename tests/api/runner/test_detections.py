"""Flags of readings are compared point by point with what a file says is true."""

from __future__ import annotations

from api.runner.detections import Score, flags_of, score
from oracle.formats.schema import Kind, Member, Schema, Zone
from oracle.quality import Limits, Sample

HOUR = 3_600_000
MEMBER = Member(b"d" * 16, 1, HOUR // 4, -6, Limits(low=0, high=100, stuck=3, stuck_floor=1))
SCHEMA = Schema("hourly", Kind.PERIOD, HOUR, 0, Zone(0, 0, 0), 0, 1, b"s" * 32, (MEMBER,), ())


def flagged(*values: int, start: int = 0) -> list[int]:
    samples = [Sample(start + at * HOUR // 4, value) for at, value in enumerate(values)]
    flags = flags_of(samples, SCHEMA, MEMBER)
    return [at for at, sample in enumerate(samples) if flags[sample.time_ms]]


def test_a_point_that_nobody_saw_counts_as_missed() -> None:
    assert score([1, 2], {1: True}, {1: True, 2: True}) == Score(1, 0, 1)


def test_a_flag_without_truth_lowers_precision_alone() -> None:
    result = score([1, 2, 3, 4], {1: True, 2: True}, {1: True})
    assert (result.precision, result.recall) == (0.5, 1.0)


def test_where_nothing_is_flagged_nothing_is_wrong() -> None:
    assert score([1, 2], {1: False}, {}).precision == 1.0


def test_points_that_are_not_asked_for_do_not_count() -> None:
    assert score([2], {1: True, 2: True}, {2: True}) == Score(1, 0, 0)


def test_a_run_is_flagged_from_its_first_reading() -> None:
    assert flagged(5, 7, 7, 7) == [1, 2, 3]


def test_zeros_are_never_stuck() -> None:
    assert flagged(0, 0, 0, 0) == []


def test_a_value_out_of_range_is_flagged() -> None:
    assert flagged(5, 101, 7, 8) == [1]


def test_a_run_that_is_cut_by_the_end_of_a_slot_is_judged_in_parts() -> None:
    assert flagged(1, 2, 7, 7, 7, 9) == []
