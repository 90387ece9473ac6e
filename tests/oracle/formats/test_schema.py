"""Schemas: what is refused, by field; then that one schema has one text."""

from dataclasses import replace
from typing import Any

import pytest

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError
from ledger_node.hashing import keccak256
from oracle.formats.fields import FieldError
from oracle.formats.metric import Aggregate
from oracle.formats.schema import Kind, Member, Schema, from_json, parse, read_period, to_json, write_period
from oracle.quality import Limits
from tests.oracle.judgement_kit import DAY, DAY_MS, Device, metric, schema


def text_of(made: Schema) -> Any:
    return canonical_json.loads(made.encoded)


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("format", "cangdan/schema/2", "schema.format: must be"),
        ("name", "", "schema.name: must be a text"),
        ("kind", "sometimes", "schema.kind: must be one of"),
        ("period", "P1M", "schema.period: must be an ISO 8601 duration of days"),
        ("period", "PT", "schema.period"),
        ("period", "PT0S", "schema.period: must last"),
        ("startMs", -1, "schema.startMs: must be a whole number"),
        ("startMs", True, "schema.startMs: must be a whole number"),
        ("salt", "0x12", "schema.salt: must be 32 bytes"),
        ("salt", "0x" + "AB" * 32, "schema.salt: must be in lower case"),
        ("members", [], "schema.members: must be a list of 1"),
        ("metrics", [], "schema.metrics: must be a list of 1"),
        ("zone", {"latE6": 91_000_000, "lonE6": 0}, "schema.zone.latE6"),
        ("extra", 1, "schema.extra: is unknown"),
    ],
)
def test_a_bad_field_is_refused_by_name(path: str, value: object, rule: str) -> None:
    given = text_of(schema())
    given[path] = value
    with pytest.raises(FieldError, match=rule):
        from_json(given)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"aggregate": "guess"}, "aggregate: must be one of"),
        ({"members": [1]}, "members: members must be whole numbers from 0 to 0"),
        ({"members": []}, "members: must name a member"),
        ({"members": [0, 0]}, "members: a member stands twice"),
        ({"aggregate": "count", "exp10": 1}, "exp10: must be 0 for a count"),
        ({"aggregate": "unmatched"}, "against: goes with unmatched"),
        ({"against": [0]}, "against: goes with unmatched"),
        ({"codes": [1]}, "codes: goes with count_event"),
        ({"aggregate": "absent"}, "expected: goes with absent"),
        ({"aggregate": "distinct", "combine": "mean"}, "combine: has no meaning for distinct"),
        ({"completenessBps": 10_001}, "completenessBps: must be a whole number"),
        ({"subject": "0x00"}, "subject: must be 32 bytes"),
    ],
)
def test_a_bad_metric_is_refused_by_field(changes: dict[str, object], rule: str) -> None:
    given = text_of(schema())
    given["metrics"][0] |= changes
    with pytest.raises(FieldError, match=r"schema\.metrics\[0\]\." + rule):
        from_json(given)


def test_completeness_needs_a_cadence() -> None:
    made = schema(metric(completeness_bps=1), members=(Member(Device().id, 1),))
    with pytest.raises(FieldError, match="completenessBps: needs members with a cadenceMs"):
        from_json(to_json(made))


def test_days_start_at_midnight_of_the_zone() -> None:
    with pytest.raises(FieldError, match="startMs: periods of days must start at midnight"):
        from_json(to_json(schema(period_ms=DAY_MS, start_ms=DAY + 1)))


def test_an_event_schema_needs_triggers() -> None:
    with pytest.raises(FieldError, match="triggers: an event schema needs"):
        from_json(to_json(schema(kind=Kind.EVENT, period_ms=0)))


def test_one_channel_stands_once() -> None:
    with pytest.raises(FieldError, match="members: a channel stands twice"):
        from_json(to_json(schema(members=(Member(Device().id, 1),) * 2)))


def test_one_subject_has_a_metric_once() -> None:
    with pytest.raises(FieldError, match="metrics: two metrics have one subject and name"):
        from_json(to_json(schema(metric(), metric(aggregate=Aggregate.MAX))))


def test_a_text_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(JsonError, match="not canonical"):
        parse(schema().encoded + b"\n")


def test_what_is_written_is_read_back() -> None:
    members = (
        Member(Device().id, 1, 10_000, -3, Limits(low=0, high=9, stuck=3, stuck_floor=0)),
        Member(Device(2).id, 4),
    )
    made = schema(
        metric(daylight_margin_ms=60_000, lookback_ms=5, exp10=-3, suspect_bps=1),
        metric(name="moves", aggregate=Aggregate.UNMATCHED, members=(0,), against=(1,)),
        metric(name="units", aggregate=Aggregate.ABSENT, expected=("a", "b")),
        members=members,
        lateness_ms=7,
    )
    assert parse(made.encoded) == made


def test_an_event_schema_is_read_back() -> None:
    made = schema(kind=Kind.EVENT, period_ms=0, triggers=(0,))
    assert parse(made.encoded) == made


def test_the_id_is_the_digest_of_the_text_and_hides_it_by_the_salt() -> None:
    made = schema()
    assert made.id == keccak256(made.encoded)
    assert replace(made, salt=b"z" * 32).id != made.id


@pytest.mark.parametrize("text", ["PT1S", "PT1M", "PT15M", "PT1H", "P1D", "P7D", "P1DT2H3M4S"])
def test_periods_are_read_and_written(text: str) -> None:
    assert write_period(read_period(text)) == text
