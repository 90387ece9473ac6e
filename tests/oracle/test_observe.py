"""Observations: flags before values, then each aggregate, then what makes them recomputable."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.formats.metric import Aggregate, Combine
from oracle.formats.observation import NO_SOURCES, salt_of, sources_of
from oracle.formats.schema import Kind, Member, Schema
from oracle.formats.segment import Quality, Reading
from oracle.observe import closing_ms, contributing, event_slots, observe
from oracle.quality import Limits
from tests.oracle.judgement_kit import DAY, DAY_MS, HOUR, MINUTE, Device, metric, schema, streams

TEN_SECONDS = [DAY + at * 10_000 for at in range(6)]


def scale(*values: int, exp10: int = 0) -> Device:
    """A scale that read these values, ten seconds apart, and lives on."""
    device = Device()
    if values:
        device.says([(DAY + at * 10_000, 1, value) for at, value in enumerate(values)], exp10=exp10)
    device.lives(DAY + MINUTE)
    return device


def only(made: Schema, *devices: Device, slot: int = DAY) -> tuple[int, Quality, int]:
    """Value, flag and count of the schema's one metric."""
    (seen,) = observe(made, slot, streams(*devices))
    return seen.value, seen.flag, seen.count


def with_limits(made: Schema, **limits: int) -> Schema:
    return replace(made, members=(replace(made.members[0], limits=Limits(**limits)),))


def test_a_time_within_a_slot_is_no_slot() -> None:
    with pytest.raises(ValueError, match="is not the start of a slot"):
        observe(schema(), DAY + 1, {})


def test_a_time_before_the_schema_starts_is_no_slot() -> None:
    with pytest.raises(ValueError, match="is not the start of a slot"):
        observe(schema(), DAY - MINUTE, {})


def test_no_reading_is_missing() -> None:
    assert only(schema(), scale()) == (0, Quality.MISSING, 0)


def test_a_reading_the_device_calls_missing_is_no_reading() -> None:
    device = Device()
    device.sends((Reading(0, 1, 0, 0, Quality.MISSING),), DAY)
    assert only(schema(), device) == (0, Quality.MISSING, 0)


def test_too_few_readings_fail() -> None:
    made = schema(metric(completeness_bps=9000))
    assert only(made, scale(5, 5, 5, 5, 5)) == (5, Quality.FAIL, 5)


def test_enough_readings_pass() -> None:
    made = schema(metric(completeness_bps=9000))
    assert only(made, scale(5, 5, 5, 5, 5, 5)) == (5, Quality.PASS, 6)


def test_many_readings_of_one_moment_are_not_complete() -> None:
    device = Device()
    device.says([(DAY + at, 1, 5) for at in range(6)])
    assert only(schema(metric(completeness_bps=5000)), device)[1] is Quality.FAIL


def test_a_reading_outside_the_gross_range_is_not_used() -> None:
    assert only(with_limits(schema(), high=100), scale(10, 1000, 20)) == (15, Quality.PASS, 2)


def test_readings_that_all_fail_are_a_failure_and_not_missing() -> None:
    assert only(with_limits(schema(), high=100), scale(1000)) == (0, Quality.FAIL, 0)


def test_a_stuck_run_is_suspect() -> None:
    made = with_limits(schema(), stuck=3, stuck_floor=0)
    assert only(made, scale(7, 7, 7))[1] is Quality.SUSPECT


def test_zeros_are_not_stuck() -> None:
    made = with_limits(schema(), stuck=3, stuck_floor=0)
    assert only(made, scale(0, 0, 0))[1] is Quality.PASS


def test_a_few_doubtful_readings_may_be_allowed() -> None:
    made = with_limits(schema(metric(suspect_bps=2000)), step=5)
    assert only(made, scale(10, 10, 10, 10, 20))[1] is Quality.PASS


def test_a_value_that_fits_no_word_fails() -> None:
    made = schema(metric(exp10=-18))
    assert only(made, scale(1 << 62)) == (0, Quality.FAIL, 1)


def test_a_sum_with_a_member_that_is_silent_fails() -> None:
    other = Device(2)
    members = (Member(Device().id, 1), Member(other.id, 1))
    made = schema(metric(members=(0, 1)), members=members)
    assert only(made, scale(5), other)[:2] == (5, Quality.FAIL)


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        (Aggregate.MEAN, 4),
        (Aggregate.SUM, 18),
        (Aggregate.MIN, 1),
        (Aggregate.MAX, 9),
        (Aggregate.FIRST, 3),
        (Aggregate.LAST, 5),
        (Aggregate.DELTA, 2),
        (Aggregate.COUNT, 4),
        (Aggregate.STUCK_RUN, 1),
    ],
)
def test_each_aggregate_of_one_member(aggregate: Aggregate, value: int) -> None:
    assert only(schema(metric(aggregate=aggregate)), scale(3, 1, 9, 5)) == (value, Quality.PASS, 4)


@pytest.mark.parametrize(("how", "value"), [("sum", 60), ("mean", 20), ("median", 20), ("min", 10), ("max", 30)])
def test_each_way_to_combine_members(how: str, value: int) -> None:
    devices = [Device(number) for number in (1, 2, 3)]
    for device in devices:
        device.says([(DAY, 1, device.number * 10)])
    made = schema(
        metric(members=(0, 1, 2), combine=Combine(how)), members=tuple(Member(each.id, 1) for each in devices)
    )
    assert only(made, *devices)[0] == value


def test_a_mean_is_rounded_half_to_even() -> None:
    assert [only(schema(), scale(*values))[0] for values in ((2, 3), (3, 4), (-2, -3))] == [2, 4, -2]


def test_readings_of_another_exponent_are_converted_exactly() -> None:
    assert only(schema(metric(exp10=-1)), scale(1234, 1236, exp10=-3))[0] == 12
    assert only(schema(metric(exp10=-3)), scale(2, exp10=1))[0] == 20_000


def test_only_readings_within_the_period_count() -> None:
    device = Device()
    device.says([(DAY - 1, 1, 100), (DAY, 1, 5), (DAY + MINUTE - 1, 1, 7), (DAY + MINUTE, 1, 100)])
    assert only(schema(), device)[0] == 6


def test_only_the_members_channel_counts() -> None:
    device = Device()
    device.says([(DAY, 1, 5), (DAY, 2, 900)])
    assert only(schema(), device)[0] == 5


def test_a_look_back_keeps_the_last_value() -> None:
    device = Device()
    device.says([(DAY, 1, 42)])
    device.lives(DAY + 2 * MINUTE)
    made = schema(metric(aggregate=Aggregate.LAST, lookback_ms=MINUTE))
    assert only(made, device, slot=DAY + MINUTE)[0] == 42


def test_a_stuck_run_counts_what_reaches_into_the_period_only() -> None:
    device = Device()
    device.says([(DAY + at * 10_000, 1, 7 if at < 5 else at) for at in range(12)])
    made = schema(metric(aggregate=Aggregate.STUCK_RUN, lookback_ms=MINUTE))
    assert only(made, device)[0] == 5
    assert only(made, device, slot=DAY + MINUTE)[0] == 1


def test_a_gap_ends_a_stuck_run() -> None:
    device = Device()
    device.says([(DAY + at, 1, 7) for at in (0, 10_000, 30_000, 40_000, 50_000)])
    assert only(schema(metric(aggregate=Aggregate.STUCK_RUN)), device)[0] == 3


def test_the_night_is_not_evaluated() -> None:
    made = schema(metric(daylight_margin_ms=0))
    assert only(made, scale(5)) == (0, Quality.NOT_EVALUATED, 0)


def test_only_daylight_counts() -> None:
    device = Device()
    device.says([(DAY + hour * HOUR, 1, hour) for hour in range(24)])
    members = (Member(device.id, 1, HOUR),)
    made = schema(metric(daylight_margin_ms=0, completeness_bps=10_000), members=members, period_ms=DAY_MS)
    assert only(made, device) == (12, Quality.PASS, 9)


def test_nothing_said_by_a_living_device_is_a_count_of_zero() -> None:
    made = schema(metric(aggregate=Aggregate.COUNT_EVENT, codes=(1,)), members=(Member(Device().id, 1),))
    assert only(made, scale()) == (0, Quality.PASS, 0)


def test_nothing_said_by_a_silent_device_is_missing() -> None:
    made = schema(metric(aggregate=Aggregate.COUNT_EVENT, codes=(1,)), members=(Member(Device().id, 1),))
    assert only(made, Device()) == (0, Quality.MISSING, 0)


def test_a_count_of_a_device_that_fell_silent_is_suspect() -> None:
    device = Device()
    device.says([(DAY, 1, 1)])
    made = schema(metric(aggregate=Aggregate.COUNT_EVENT, codes=(1,)), members=(Member(device.id, 1),))
    assert only(made, device) == (1, Quality.SUSPECT, 1)


def test_events_of_other_codes_do_not_count() -> None:
    made = schema(metric(aggregate=Aggregate.COUNT_EVENT, codes=(1, 3)), members=(Member(Device().id, 1),))
    assert only(made, scale(1, 2, 3, 4))[0] == 2


def test_units_that_are_absent_extra_and_distinct() -> None:
    device = Device()
    device.says([(DAY, 1, "a"), (DAY + 1, 1, "b"), (DAY + 2, 1, "b"), (DAY + 3, 1, "z")])
    device.lives(DAY + MINUTE)
    members = (Member(device.id, 1),)
    expected = ("a", "b", "c")
    absent = schema(metric(aggregate=Aggregate.ABSENT, expected=expected), members=members)
    extra = schema(metric(aggregate=Aggregate.EXTRA, expected=expected), members=members)
    distinct = schema(metric(aggregate=Aggregate.DISTINCT), members=members)
    assert [only(each, device)[0] for each in (absent, extra, distinct)] == [1, 1, 3]


def gate_and_terminal() -> tuple[Schema, Device, Device]:
    gate, terminal = Device(1), Device(2)
    unmatched = metric(aggregate=Aggregate.UNMATCHED, against=(1,), lookback_ms=HOUR)
    members = (Member(gate.id, 3), Member(terminal.id, 2))
    return schema(unmatched, kind=Kind.EVENT, period_ms=0, members=members, triggers=(0,)), gate, terminal


def test_a_movement_with_an_order_opened_before_is_matched() -> None:
    made, gate, terminal = gate_and_terminal()
    terminal.says([(DAY, 2, "DO-1")])
    gate.says([(DAY + 1000, 3, "DO-1")])
    terminal.lives(DAY + 2000)
    assert only(made, gate, terminal, slot=DAY + 1000) == (0, Quality.PASS, 1)


@pytest.mark.parametrize("order", ["", "DO-2"])
def test_a_movement_without_an_opened_order_is_unmatched(order: str) -> None:
    made, gate, terminal = gate_and_terminal()
    terminal.says([(DAY, 2, "DO-1"), (DAY + 1, 2, "")])
    gate.says([(DAY + 1000, 3, order)])
    terminal.lives(DAY + 2000)
    assert only(made, gate, terminal, slot=DAY + 1000) == (1, Quality.PASS, 1)


def test_an_order_opened_after_the_movement_does_not_match() -> None:
    made, gate, terminal = gate_and_terminal()
    gate.says([(DAY + 1000, 3, "DO-1")])
    terminal.says([(DAY + 1001, 2, "DO-1")])
    assert only(made, gate, terminal, slot=DAY + 1000)[0] == 1


def test_an_order_older_than_the_look_back_does_not_match() -> None:
    made, gate, terminal = gate_and_terminal()
    terminal.says([(DAY, 2, "DO-1")])
    gate.says([(DAY + HOUR + 1, 3, "DO-1")])
    terminal.lives(DAY + 2 * HOUR)
    assert only(made, gate, terminal, slot=DAY + HOUR + 1)[0] == 1


def test_a_movement_while_the_terminal_is_silent_is_suspect() -> None:
    made, gate, terminal = gate_and_terminal()
    gate.says([(DAY + 1000, 3, "")])
    assert only(made, gate, terminal, slot=DAY + 1000) == (1, Quality.SUSPECT, 1)


def test_each_trigger_opens_a_slot() -> None:
    made, gate, _ = gate_and_terminal()
    segment = gate.says([(DAY - 1, 3, "x"), (DAY + 5, 3, "x"), (DAY + 5, 1, 1), (DAY + 9, 3, ""), (DAY + 20, 1, 1)])
    assert event_slots(made, segment) == [DAY + 5, DAY + 9]


def test_a_period_closes_after_the_lateness() -> None:
    assert closing_ms(schema(lateness_ms=500), DAY) == DAY + MINUTE + 500


def test_sources_and_salt_cover_the_contributing_segments_only() -> None:
    device = Device()
    device.says([(DAY - MINUTE, 1, 1)])
    two = [device.says([(DAY, 1, 5)]), device.says([(DAY + 10_000, 1, 6)])]
    device.says([(DAY + MINUTE, 1, 1)])
    made = schema()
    (seen,) = observe(made, DAY, streams(device))
    assert contributing(made, made.metrics[0], DAY, streams(device)) == two
    assert seen.sources == sources_of(two)
    assert seen.salt == salt_of(seen.place, two, made.salt)


def test_a_missing_value_has_no_sources_and_a_salt_from_the_schema() -> None:
    made = schema()
    (seen,) = observe(made, DAY, {})
    assert (seen.sources, seen.salt) == (NO_SOURCES, salt_of(seen.place, [], made.salt))
    (other,) = observe(replace(made, salt=b"z" * 32), DAY, {})
    assert other.salt != seen.salt


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=6), st.integers(0, 5))
def test_the_cut_of_the_stream_into_segments_changes_no_value(values: list[int], cut: int) -> None:
    whole, parts = Device(), Device()
    readings = [(DAY + at * 10_000, 1, value) for at, value in enumerate(values)]
    whole.says(readings)
    for part in (readings[:cut], readings[cut:]):
        if part:
            parts.says(part)
    for aggregate in (Aggregate.MEAN, Aggregate.SUM, Aggregate.LAST, Aggregate.STUCK_RUN):
        made = schema(metric(aggregate=aggregate))
        assert only(made, whole) == only(made, parts)
