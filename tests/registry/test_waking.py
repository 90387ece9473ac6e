"""How long the indexer waits until it looks again."""

import time
from collections.abc import Callable

from registry.index.waking import Waker

SHORT, LONG = 0.01, 100_000.0


def returns(waker: Waker, reached: int | None) -> Callable[[float], bool]:
    """Whether it waited for so many seconds at most; it waits for ever or for a moment."""
    begun = time.monotonic()
    waker.wait(reached)
    return lambda seconds: time.monotonic() - begun < seconds


def test_without_a_subscription_it_polls() -> None:
    assert returns(Waker(SHORT, LONG), 7)(LONG)


def test_what_was_heard_before_it_waits_wakes_it_once() -> None:
    waker = Waker(LONG)
    waker.heard(8)
    waker.wait(7)
    assert not waker._told.is_set()


def test_until_the_block_that_was_heard_of_is_reached_it_polls() -> None:
    waker = Waker(SHORT, LONG)
    waker.listens(True)
    waker.heard(9)
    waker.wait(8)
    assert returns(waker, 8)(LONG)


def test_after_a_failure_it_polls() -> None:
    waker = Waker(SHORT, LONG)
    waker.listens(True)
    waker.wait(8)
    assert returns(waker, None)(LONG)


def test_the_end_of_a_subscription_wakes_it() -> None:
    waker = Waker(SHORT, LONG)
    waker.listens(True)
    waker.wait(0)
    waker.listens(False)
    waker.wait(0)
    assert returns(waker, 0)(LONG)


def test_once_stopped_it_never_waits_again() -> None:
    waker = Waker(LONG)
    waker.stop()
    waker.wait(0)
    waker.wait(0)
    assert waker.stopped
