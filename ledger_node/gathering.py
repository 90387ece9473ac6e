"""What several threads want done, done by one of them for all: one commit and one request instead of many. Pure."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

AT_ONCE = 2
"""So often at once the second step is done: a node works on one request while it answers the other."""
PATIENCE_SECONDS = 0.05
"""So long those that have begun wait at most for that; then they are finished beside the others."""
RETURN_SECONDS = 0.005
"""So long, after several were served, those that come next wait at most for as many more: threads that come again."""
WishT = TypeVar("WishT")


@dataclass(slots=True, eq=False)
class _Place(Generic[WishT]):
    """A wish that waits. Its thread is `called` to lead, which is to serve all that wait, or because it `is_served`."""

    wish: WishT
    leads: bool = False
    is_served: bool = False
    called: threading.Event = field(default_factory=threading.Event)


class Gathering(Generic[WishT]):
    """Serves wishes together, each once, in the order in which they came.

    It is done in two steps: while some are finished, the next begin, and others gather behind them.
    """

    def __init__(self, begin: Callable[[Sequence[WishT]], Callable[[], None]]) -> None:
        """`begin` does the first step for all that it is given, one call after the other, and returns the second."""
        self._begin = begin
        self._change = threading.Condition()
        self._finishing = threading.Semaphore(AT_ONCE)
        self._waiting: list[_Place[WishT]] = []
        self._is_led = False
        self._enough = 0
        self._until = 0.0

    def have_served(self, wish: WishT) -> None:
        """Return once the wish was served, by this thread or another. What a step raises, its own thread raises."""
        place = _Place(wish)
        try:
            with self._change:
                self._waiting.append(place)
                place.leads, self._is_led = not self._is_led, True
                if len(self._waiting) >= self._enough:
                    self._change.notify()
            if not place.leads:
                place.called.wait()
            if not place.is_served:
                self._serve()
        finally:
            if not place.is_served:
                self._withdraw(place)

    def _serve(self) -> None:
        with self._change:
            self._change.wait_for(lambda: len(self._waiting) >= self._enough, self._until - time.monotonic())
            served, self._waiting = self._waiting, []
        is_counted = False
        try:
            try:
                finish = self._begin([each.wish for each in served])
                is_counted = self._finishing.acquire(timeout=PATIENCE_SECONDS)
            finally:
                self._call_next()
            finish()
        finally:
            if is_counted:
                self._finishing.release()
            self._tell(served)

    def _call_next(self) -> None:
        """Have the first of those that wait lead."""
        with self._change:
            self._is_led = bool(self._waiting)
            for each in self._waiting[:1]:
                each.leads = True
                each.called.set()

    def _tell(self, served: Sequence[_Place[WishT]]) -> None:
        with self._change:
            self._enough = len(self._waiting) + len(served) if len(served) > 1 else 0
            self._until = time.monotonic() + RETURN_SECONDS
            for each in served:
                each.is_served = True
                each.called.set()

    def _withdraw(self, place: _Place[WishT]) -> None:
        """Its thread was interrupted while it waited: another one leads, if this one was to."""
        with self._change:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.leads:
                return  # another thread serves it already
        if place.leads:
            self._call_next()
