"""A cable that is cut: nothing is judged, and it is told."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ledger_node.hexvalues import address_hex
from oracle.formats.schema import Kind
from oracle.staleness import DAY_MS, HOUR_MS, silent
from oracle.store import FaultSeen
from oracle.telling import Status, Told, figures_of
from tests.oracle.consortium_kit import Consortium, Oracle
from tests.oracle.judgement_kit import DAY, MINUTE, Device, schema
from tests.oracle.test_rounds import NOW, covenant_of, scale

DEVICE = Device().id


@pytest.fixture
def four(tmp_path: Path) -> Consortium:
    made = Consortium(tmp_path, NOW)
    made.add_covenant(covenant_of(schema()))
    return made


def told(oracle: Oracle) -> dict[str, float]:
    """The figures of an oracle, by name."""
    quiet = len(silent(oracle.rounds.schemas.values(), oracle.log.arrived_ms, oracle.clock.now_ms()))
    parts: dict[str, Any] = {name: getattr(oracle, name) for name in ("database", "log", "store", "rounds", "slots")}
    counts, status = SimpleNamespace(counts=dict), Status(0, 0, 0, quiet, 0, idle=True)
    made = SimpleNamespace(**parts, clock=oracle.clock, peers=[], quarantine=counts, status=lambda: status)
    return {"".join((each.kind.name, *each.labels)): each.value for each in figures_of(cast("Told", made))}


@pytest.mark.parametrize(
    ("quiet_ms", "period_ms", "lateness_ms", "expected"),
    [
        (HOUR_MS, MINUTE, 0, False),
        (HOUR_MS + 1, MINUTE, 0, True),
        (4 * HOUR_MS, 2 * HOUR_MS, 0, False),
        (4 * HOUR_MS + 1, 2 * HOUR_MS, 0, True),
        (4 * HOUR_MS + 1, 2 * HOUR_MS, HOUR_MS, False),
    ],
)
def test_a_device_is_silent_after_two_periods_and_their_lateness_and_an_hour_at_least(
    quiet_ms: int, period_ms: int, lateness_ms: int, expected: bool
) -> None:
    made = schema(period_ms=period_ms, lateness_ms=lateness_ms)
    assert bool(silent([made], lambda _: NOW, NOW + quiet_ms)) == expected


def test_of_events_alone_a_device_may_rest_for_a_day_and_of_several_schemas_for_the_shortest_time() -> None:
    events = replace(schema(), kind=Kind.EVENT, period_ms=0)
    assert silent([events], lambda _: NOW, NOW + DAY_MS) == {}
    assert silent([events], lambda _: NOW, NOW + DAY_MS + 1) == {DEVICE: NOW}
    assert silent([events, schema()], lambda _: NOW, NOW + HOUR_MS + 1) == {DEVICE: NOW}


def test_a_device_that_was_never_heard_is_silent() -> None:
    assert silent([schema()], lambda _: None, NOW) == {DEVICE: None}


def test_a_cut_cable_is_told_although_no_slot_is_reported(four: Consortium) -> None:
    four.hear(scale(8).stream)
    four.run(2000)
    oracle, heard = four.oracles[0], four.oracles[0].log.arrived_ms(DEVICE)
    assert heard is not None
    four.clock.time_ms += 3 * HOUR_MS
    four.run(500)
    figures = told(oracle)
    assert (figures["oracle_open_slots"], figures["oracle_oldest_open_slot_seconds"]) == (0, 0)
    assert figures["oracle_oldest_awaited_slot_seconds"] == (four.clock.time_ms - heard) / 1000
    assert figures["oracle_silent_devices"] == 1


def test_a_stream_that_is_heard_now_is_not_awaited_however_old_its_readings(four: Consortium) -> None:
    four.clock.time_ms += 365 * DAY_MS
    four.hear(scale(8).stream)
    four.run(500)
    figures = told(four.oracles[0])
    assert figures["oracle_oldest_awaited_slot_seconds"] < 5
    assert figures["oracle_silent_devices"] == 0


def test_a_device_that_must_be_live_is_silent_but_no_slot_waits_for_it(four: Consortium) -> None:
    four.liveness[DEVICE] = 5000
    four.clock.time_ms = DAY + 10 * MINUTE + 5000
    four.run(4000)
    figures = told(four.oracles[0])
    assert (figures["oracle_oldest_awaited_slot_seconds"], figures["oracle_silent_devices"]) == (0, 1)


def test_an_event_that_waits_for_another_device_is_told(tmp_path: Path) -> None:
    scales = [Device(1), Device(2)]
    members = tuple(replace(schema().members[0], device=each.id) for each in scales)
    made = replace(schema(), kind=Kind.EVENT, period_ms=0, triggers=(0,), members=members)
    four = Consortium(tmp_path, NOW)
    four.add_covenant(covenant_of(made))
    oracle = four.oracles[0]
    assert oracle.slots.awaited_ms(made, NOW) == 0
    four.hear([scales[1].lives(NOW - HOUR_MS), scales[0].says([(NOW - MINUTE, 1, 5)])])
    four.run(500)
    assert oracle.slots.awaited_ms(made, NOW + 500) == 500
    four.hear([scales[1].lives(NOW)])
    assert oracle.slots.awaited_ms(made, NOW + 500) == 0


def test_contradictions_of_an_oracle_are_counted_by_its_address(four: Consortium) -> None:
    oracle, accused = four.oracles[0], b"\xab" * 20
    assert not [name for name in told(oracle) if name.startswith("oracle_kept_faults")]
    for attempt in (1, 2):
        oracle.store.add_fault(
            FaultSeen(accused, schema().id, DAY, attempt, "two reports", bytes([attempt]) * 32, b"2" * 32, NOW)
        )
    assert told(oracle)["oracle_kept_faults" + address_hex(accused)] == 2
