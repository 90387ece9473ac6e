"""Which node is asked next."""

from hypothesis import given
from hypothesis import strategies as st

from ledger_node.endpoint_health import LAG_BLOCKS, LAG_SECONDS, LONGEST_PAUSE, Health, is_healthy, lag, order

GOOD = Health(verified=True, head=100, head_at=0)
health = st.builds(
    Health,
    failures=st.integers(0, 20),
    closed_until=st.floats(0, 200),
    paused=st.booleans(),
    strange=st.booleans(),
    head=st.none() | st.integers(0, 200),
    head_at=st.floats(0, 100),
)


def test_a_node_of_another_chain_is_never_asked() -> None:
    assert order([Health(strange=True), Health(strange=True)], 0, 0) == []


def test_a_node_that_asked_for_a_pause_is_not_asked_before_its_end_even_when_it_is_the_only_one() -> None:
    paused = GOOD.failed(10, asked_pause=7)
    assert order([paused], 0, 16.9) == []
    assert order([paused], 0, 17) == [0]
    assert paused.verified


def test_the_only_node_is_asked_again_though_it_failed() -> None:
    assert order([GOOD.failed(10)], 0, 10) == [0]


def test_a_failure_closes_for_longer_each_time_and_an_answer_opens() -> None:
    health = GOOD
    waits = []
    for _ in range(9):
        health = health.failed(0)
        waits.append(health.closed_until)
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert is_healthy(health.answered(), [GOOD], 0)


def test_a_node_that_failed_must_show_its_chain_again() -> None:
    assert not GOOD.failed(0).verified


def test_a_node_lags_by_blocks_or_by_time() -> None:
    near, far = GOOD.showed(100 - LAG_BLOCKS, 0), GOOD.showed(99 - LAG_BLOCKS, 0)
    assert is_healthy(near, [GOOD, near], LAG_SECONDS)
    assert not is_healthy(near, [GOOD, near], LAG_SECONDS + 1)
    assert not is_healthy(far, [GOOD, far], 0)
    assert is_healthy(GOOD, [GOOD, far], 10**6)  # a chain that rests makes nobody lag


def test_reads_stay_with_the_current_node_while_it_is_healthy() -> None:
    assert order([GOOD, GOOD, GOOD], 1, 0) == [1, 0, 2]
    assert order([GOOD, GOOD.failed(0), GOOD], 1, 0) == [0, 2, 1]


@given(st.lists(health, min_size=1, max_size=5), st.floats(0, 300))
def test_every_node_that_may_be_asked_is_and_the_healthy_ones_come_first(all_: list[Health], now: float) -> None:
    found = order(all_, 0, now)
    assert sorted(found) == [
        at for at, each in enumerate(all_) if not each.strange and not (each.paused and now < each.closed_until)
    ]
    well = [is_healthy(all_[at], all_, now) for at in found]
    assert well == sorted(well, reverse=True)
    assert all(lag(each, all_) >= 0 for each in all_)
