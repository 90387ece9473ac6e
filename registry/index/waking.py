"""When the indexer looks at its node again: as soon as a new block is heard of, and in any case after a pause."""

import threading

QUIET_SECONDS = 10.0
"""The pause while a subscription lives: it may have died unnoticed, or be one of another node."""


class Waker:
    """What one indexer waits at; others tell it of new blocks. What they tell is a hint, nothing of it is believed."""

    def __init__(self, poll_seconds: float, quiet_seconds: float = QUIET_SECONDS) -> None:
        """`quiet_seconds` is the pause while new blocks are heard of, `poll_seconds` otherwise."""
        self._poll_seconds = poll_seconds
        self._quiet_seconds = max(poll_seconds, quiet_seconds)
        self._told = threading.Event()
        self._stopping = threading.Event()
        self._heard = -1
        self.subscribed = False
        """Whether new blocks are heard of."""

    @property
    def stopped(self) -> bool:
        """Whether the indexer is to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends the waiting for good."""
        self._stopping.set()
        self._told.set()

    def heard(self, number: int) -> None:
        """There may be a new block of that number."""
        self._heard = number
        self._told.set()

    def listens(self, yes: bool) -> None:
        """From now on new blocks are heard of, or no longer: either way some may have been missed."""
        self.subscribed = yes
        self._told.set()

    def wait(self, reached: int | None) -> None:
        """Returns when something is heard, or after the pause; `reached` is the last block of the index, None after a
        failure. The pause is the short one until the block that was heard of last is reached: the node that is read
        may be another one than the node that told."""
        quiet = self.subscribed and reached is not None and reached >= self._heard
        self._told.wait(self._quiet_seconds if quiet else self._poll_seconds)
        if not self.stopped:
            self._told.clear()
