"""How long an index takes to catch up: what is not known is not told first, then rate and time left."""

import pytest

from registry.index.estimate import WINDOW_SECONDS, Estimator, duration


def test_one_look_gives_neither_rate_nor_time() -> None:
    told = Estimator().note(5.0, 10, 1000)
    assert (told.percent, told.rate, told.seconds) == (1.0, None, None)
    assert told.text == "1.0 %"


def test_an_index_that_does_not_come_nearer_has_no_time_left_to_tell() -> None:
    made = Estimator()
    made.note(0.0, 100, 1000)
    told = made.note(10.0, 200, 1100)
    assert (told.rate, told.seconds) == (10.0, None)


def test_a_step_back_forgets_how_fast_it_was() -> None:
    made = Estimator()
    made.note(0.0, 100, 1000)
    made.note(10.0, 500, 1000)
    assert made.note(20.0, 497, 1000).rate is None


def test_what_comes_to_the_chain_meanwhile_is_counted() -> None:
    made = Estimator()
    made.note(0.0, 0, 1000)
    told = made.note(10.0, 600, 1100)
    assert told.rate == 60
    assert told.seconds == 500 / (60 - 10)
    assert told.text == "54.5 %, 60 blocks/s, 10 s left"


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    made = Estimator()
    made.note(0.0, 0, 10_000)
    for second in range(1, 101):
        told = made.note(float(second), second if second <= 60 else 60 + (second - 60) * 50, 10_000)
    assert told.rate == 50
    assert len(made._notes) <= WINDOW_SECONDS + 2


def test_an_index_that_is_there_is_whole() -> None:
    made = Estimator()
    made.note(0.0, 0, 10)
    told = made.note(10.0, 10, 10)
    assert (told.percent, told.seconds) == (100.0, 0.0)
    assert made.note(11.0, 11, 10).percent == 100.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7_265, "2 h 1 min"), (200_000, "2 d 7 h")],
)
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
