"""What threads want is served together: each wish once, in order, and nobody is left waiting."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from ledger_node.gathering import Gathering

MANY = 200


class Server:
    """Notes what it is given together; a step can be held up."""

    def __init__(self) -> None:
        self.begun: list[list[int]] = []
        self.finished: list[list[int]] = []
        self.first = threading.Event()
        self.second = threading.Event()
        self.first.set()
        self.second.set()
        self.error: Exception | None = None
        self.gathering = Gathering(self.begin)

    def begin(self, wishes: Sequence[int]) -> Callable[[], None]:
        self.begun.append(list(wishes))
        assert self.first.wait(60)
        if self.error is not None:
            raise self.error
        return lambda: self.finish(wishes)

    def finish(self, wishes: Sequence[int]) -> None:
        assert self.second.wait(60)
        self.finished.append(list(wishes))

    def waits(self, count: int) -> bool:
        return len(self.gathering._waiting) == count

    @contextmanager
    def wanted(self, *wishes: int) -> Iterator[list[threading.Thread]]:
        """A thread each wants these, one after the other; they are ended with the block."""
        threads = [threading.Thread(target=self.gathering.have_served, args=(each,), daemon=True) for each in wishes]
        for thread in threads:
            thread.start()
        yield threads
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_alone_is_served_at_once() -> None:
    server = Server()
    for wish in range(3):
        server.gathering.have_served(wish)
    assert server.begun == server.finished == [[0], [1], [2]]


def test_what_is_wanted_while_others_begin_begins_together_in_order() -> None:
    server = Server()
    server.first.clear()
    with server.wanted(0):
        until(lambda: server.begun == [[0]])
        with server.wanted(1):
            until(lambda: server.waits(1))
            with server.wanted(2):
                until(lambda: server.waits(2))
                server.first.set()
    assert server.begun == [[0], [1, 2]]
    assert sorted(server.finished) == [[0], [1, 2]]


def test_the_next_begin_while_those_before_are_finished() -> None:
    server = Server()
    server.second.clear()
    with server.wanted(0):
        until(lambda: server.begun == [[0]])
        with server.wanted(1):
            until(lambda: server.begun == [[0], [1]])
            assert server.finished == []
            server.second.set()
    assert sorted(server.finished) == [[0], [1]]


def test_those_who_are_slow_to_be_finished_hold_nobody_up_for_long() -> None:
    server = Server()
    server.second.clear()
    with server.wanted(0, 1, 2, 3):
        until(lambda: sum(map(len, server.begun)) == 4)
        with server.wanted(4):
            until(lambda: server.begun[-1] == [4])
            server.second.set()
    assert sorted(each for some in server.finished for each in some) == list(range(5))


def test_each_of_many_wishes_is_served_once_before_its_thread_goes_on() -> None:
    server, missed = Server(), list[int]()

    def want(first: int) -> None:
        for wish in range(first, MANY, 8):
            server.gathering.have_served(wish)
            missed.extend([wish] if not any(wish in some for some in server.finished) else [])

    threads = [threading.Thread(target=want, args=(first,), daemon=True) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert missed == []
    assert sorted(each for some in server.begun for each in some) == list(range(MANY))


def test_an_error_is_its_threads_own_and_leaves_the_others_served() -> None:
    server = Server()
    server.error = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        server.gathering.have_served(0)
    server.error = None
    server.gathering.have_served(1)
    assert server.finished == [[1]]


def test_a_thread_that_is_interrupted_while_it_waits_takes_its_wish_back(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.first.clear()
    with server.wanted(0):
        until(lambda: server.begun == [[0]])
        with monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", interrupted_in(threading.current_thread(), threading.Event.wait))
            with pytest.raises(KeyboardInterrupt):
                server.gathering.have_served(1)
        with server.wanted(2):
            until(lambda: server.waits(1))
            server.first.set()
    assert server.begun == [[0], [2]]


def interrupted_in(
    interrupted: threading.Thread, wait: Callable[[threading.Event, float | None], bool]
) -> Callable[[threading.Event, float | None], bool]:
    """How events are waited for when one thread is interrupted as it does; the others may begin to wait meanwhile."""

    def waits(event: threading.Event, timeout: float | None = None) -> bool:
        if threading.current_thread() is interrupted:
            raise KeyboardInterrupt
        return wait(event, timeout)

    return waits
