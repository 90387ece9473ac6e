"""The size of pages: it shrinks at refusals, grows with patience, and never beyond its bounds."""

from registry.index.paging import FIRST, HEAVY, MOST, PageSize


def grown() -> PageSize:
    size = PageSize()
    for _ in range(20):
        size.went(size.now, 0)
    return size


def test_a_refusal_halves_what_was_asked_for_and_one_is_the_least() -> None:
    size = PageSize()
    for _ in range(10):
        size.refused(size.now)
    assert size.now == 1


def test_what_several_threads_had_asked_for_counts_once() -> None:
    size = grown()
    for _ in range(4):
        size.refused(MOST)
    assert size.now == MOST // 2


def test_it_grows_to_the_most_and_no_further() -> None:
    assert grown().now == MOST
    assert PageSize(3).now == 3
    assert PageSize().now == FIRST


def test_after_each_refusal_it_waits_longer_until_it_grows() -> None:
    size, waits = grown(), []
    for _ in range(3):
        size.refused(size.now)
        small, pages = size.now, 0
        while size.now == small:
            size.went(small, 0)
            pages += 1
        waits.append(pages)
    assert waits == [4, 8, 16]


def test_pages_that_are_not_full_say_nothing() -> None:
    size = PageSize()
    for _ in range(20):
        size.went(size.now - 1, 0)
    assert size.now == FIRST


def test_pages_full_of_logs_become_smaller_and_then_stay() -> None:
    size = grown()
    size.went(MOST, HEAVY + 1)
    assert size.now == MOST // 2
    for _ in range(20):
        size.went(size.now, HEAVY // 2 + 1)
    assert size.now == MOST // 2
