"""Streams keep the file's own times and gaps, and a seed decides a simulated one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.runner.pack import load
from api.runner.pack_parts import Recorded, RecordedChannel
from api.runner.quantities import duration_ms, scaled, time_ms
from api.runner.streams import Sample, StreamError, batches, recorded, simulated, truth

SCENARIOS = Path(__file__).parents[3] / "api" / "scenarios"


def a_stream(**changes: object) -> Recorded:
    fields = {"file": "a.csv", "time": "t", "channels": {"power": RecordedChannel(column="v", exp10=-3)}, **changes}
    return Recorded.model_validate(fields)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("t,w\n", "no column 'v'"),
        ("t,v\n2011-01-01T00:00:00,1\n", "line 2: t: .* no offset"),
        ("t,v\n2011-01-01T00:00:00Z,abc\n", "line 2: v: 'abc' is not a number"),
        ("t,v\n2011-01-01T00:00:00Z,nan\n", "line 2: v: 'nan' is not a number"),
        ("t,v\n2011-01-01T00:00:00Z,1,2\n", "line 2: has another number of cells"),
        ("t,v\n2011-01-01T00:15:00Z,1\n2011-01-01T00:00:00Z,1\n", "line 3: t: times must rise"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_row(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(rows)
    with pytest.raises(StreamError, match=words):
        list(recorded(a_stream(), path, ()))


def test_empty_cells_stay_gaps_and_times_stay_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,v\n2011-01-01T00:00:00Z,1.5\n2011-01-01T00:15:00Z,\n2011-01-01T00:30:00Z,0.0005\n")
    start = time_ms("2011-01-01T00:00:00Z")
    assert list(recorded(a_stream(), path, ())) == [
        Sample(start, "power", 1500, -3),
        Sample(start + 1_800_000, "power", 0, -3),
    ]


def test_an_omitted_episode_becomes_a_gap_and_nothing_else_changes() -> None:
    stream = load(SCENARIOS / "pv-plant.yaml").devices["inverter"].stream.recorded
    assert stream is not None
    path = SCENARIOS / stream.file
    first, last = (time_ms(end) for end in stream.episodes["snow"])
    everything = list(recorded(stream, path, ()))
    assert list(recorded(stream, path, ("snow",))) == [s for s in everything if not first <= s.t_ms <= last]
    assert len(everything) == 3000 - 1149


def test_the_truth_column_is_not_among_the_samples() -> None:
    stream = load(SCENARIOS / "pv-plant.yaml").devices["inverter"].stream.recorded
    assert stream is not None
    assert {sample.channel for sample in recorded(stream, SCENARIOS / stream.file, ())} == {"power"}
    assert sum(truth(stream, SCENARIOS / stream.file).values()) == 245


def test_the_seed_decides_the_noise_and_an_omitted_episode_only_its_own_stretch() -> None:
    pack = load(SCENARIOS / "e-fence.yaml")
    stream = pack.devices["scale-1"].stream.simulated
    assert stream is not None
    profile = pack.profiles["load-cell"]
    one, same = (list(simulated(stream, profile, 0, "1", ())) for _ in range(2))
    assert one == same
    assert one != list(simulated(stream, profile, 0, "2", ()))
    honest = list(simulated(stream, profile, 0, "1", ("theft",)))
    assert {a.t_ms for a, b in zip(one, honest, strict=True) if a != b} == set(range(2_400_000, 3_120_000, 10_000))


def test_simulated_samples_come_in_time_order_with_their_events() -> None:
    pack = load(SCENARIOS / "e-fence.yaml")
    stream = pack.devices["gate-a"].stream.simulated
    assert stream is not None
    samples = list(simulated(stream, pack.profiles["gate"], 1_000, "1", ()))
    assert all(before.t_ms <= after.t_ms for before, after in pairwise(samples))
    assert [s.value for s in samples if s.channel == "order"] == ["DO-1001", "", "DO-2002"]


@given(st.lists(st.integers(0, 10_000), max_size=60).map(sorted), st.integers(1, 500), st.integers(1, 20))
def test_batches_lose_nothing_and_keep_both_bounds(times: list[int], longest: int, most: int) -> None:
    samples = [Sample(t, "c", 0, 0) for t in times]
    made = list(batches(samples, longest, most))
    assert [sample for batch in made for sample in batch] == samples
    assert all(len(batch) <= most and batch[-1].t_ms - batch[0].t_ms < longest for batch in made)


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1M", "PT1.5S", "-PT1H"])
def test_a_duration_that_is_not_days_to_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        duration_ms(text)


def test_numbers_are_scaled_half_to_even() -> None:
    assert [scaled(text, 0) for text in ("0.5", "1.5", "2.5", "-0.5")] == [0, 2, 2, 0]
    assert scaled("0.054507312999999995", -6) == 54507
