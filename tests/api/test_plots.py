"""Plots: what must never be drawn first, then what is."""

from datetime import UTC
from xml.etree import ElementTree

import pytest

from api.console.plots import (
    COLUMNS,
    Labels,
    Point,
    Threshold,
    nice_steps,
    number,
    series_svg,
    stretches,
    strip_svg,
    thin,
    time_steps,
)

MINUTE = 60_000
LABELS = Labels("Weight <bay>", "from 1 to 2", "kg")


def day(values: list[float | None], states: list[str] | None = None) -> list[Point]:
    states = states or ["missing" if value is None else "pass" for value in values]
    return [Point(at * MINUTE, value, state) for at, (value, state) in enumerate(zip(values, states, strict=True))]


def path_of(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    return next(each.get("d", "") for each in root.iter() if each.tag.endswith("path"))


def test_a_series_without_values_is_not_drawn():
    assert series_svg(day([None, None]), [], LABELS, MINUTE) == ""


def test_markup_in_a_label_is_escaped():
    assert "<bay>" not in series_svg(day([1.0, 2.0]), [], LABELS, MINUTE)


def test_no_plot_carries_a_style_attribute():
    svg = series_svg(day([1.0, 2.0]), [Threshold(1.5, "limit")], LABELS, MINUTE)
    assert "style=" not in svg + strip_svg(day([1.0]), MINUTE, "states")


def test_a_missing_value_breaks_the_line():
    assert path_of(series_svg(day([1.0, 2.0, None, 3.0, 4.0]), [], LABELS, MINUTE)).count("M") == 2


def test_a_hole_in_time_breaks_the_line():
    points = [Point(0, 1.0), Point(MINUTE, 1.0), Point(10 * MINUTE, 1.0), Point(11 * MINUTE, 1.0)]
    assert path_of(series_svg(points, [], LABELS, MINUTE)).count("M") == 2


def test_a_lone_point_is_still_visible():
    assert "h.1" in path_of(series_svg(day([None, 5.0, None]), [], LABELS, MINUTE))


def test_thinning_keeps_the_extremes_and_the_gap():
    values: list[float | None] = [float(at % 7) for at in range(20_000)]
    values[4321], values[9876] = 99.0, -99.0
    values[15_000] = None
    kept = thin(day(values))
    assert len(kept) <= 3 * COLUMNS
    assert {99.0, -99.0, None} <= {point.value for point in kept}
    assert [point.time for point in kept] == sorted(point.time for point in kept)


def test_few_points_are_not_thinned():
    points = day([1.0] * 100)
    assert thin(points) == points


def test_stretches_join_neighbours_of_one_state_only():
    runs = stretches(day([1, 1, None, None, 1], ["pass", "pass", "missing", "missing", "fail"]), MINUTE)
    assert [(run.state, run.count, (run.end - run.start) // MINUTE) for run in runs] == [
        ("pass", 2, 2),
        ("missing", 2, 2),
        ("fail", 1, 1),
    ]


def test_the_strip_has_a_rectangle_for_each_stretch():
    assert strip_svg(day([1, None, 1]), MINUTE, "states").count("<rect") == 3


def test_the_beginning_of_each_abnormal_run_is_marked():
    points = day([1, 2, 3, 4, 5], ["pass", "fail", "fail", "pass", "suspect"])
    svg = series_svg(points, [], LABELS, MINUTE)
    assert (svg.count("mark-fail"), svg.count("mark-suspect")) == (1, 1)


@pytest.mark.parametrize(("low", "high", "steps"), [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-4, 4, [-4, -2, 0, 2, 4])])
def test_steps_of_an_axis_are_round(low, high, steps):
    assert [round(step, 6) for step in nice_steps(low, high, 5)] == steps


def test_time_steps_are_at_most_five_and_round():
    labels = [label for _, label in time_steps(0, 7 * 3600_000, UTC)]
    assert labels == ["00:00", "02:00", "04:00", "06:00"]


@pytest.mark.parametrize(("value", "text"), [(24560.0, "24,560"), (-0.5, "−0.5"), (0.1 + 0.2, "0.3"), (-0.0, "0")])
def test_numbers_say_no_more_than_they_mean(value, text):
    assert number(value) == text
