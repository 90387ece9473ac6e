"""Which node to ask next: circuits, pauses that nodes ask for, and nodes that lag. Pure; times in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LAG_BLOCKS = 5
"""A node whose newest block is more blocks behind the best one's lags."""
LAG_SECONDS = 30.0
"""A node whose newest block has not changed for longer, while another one has a newer one, lags too."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a client knows of one node. `failures` counts those since its last good answer.

    Before `closed_until` it is not asked while another one can be: it failed, or asked for a pause (`paused`), which
    is kept even when there is no other. `head` was first told at `head_at`. `verified`: it serves the chain.
    `strange`: it serves another one.
    """

    failures: int = 0
    closed_until: float = 0.0
    paused: bool = False
    verified: bool = False
    strange: bool = False
    head: int | None = None
    head_at: float = 0.0

    def answered(self) -> "Health":
        """After a good answer: its circuit is closed."""
        return replace(self, failures=0, closed_until=0.0, paused=False) if self.failures or self.paused else self

    def failed(self, now: float, asked_pause: float | None = None) -> "Health":
        """After a failure: not asked for a while, twice as long each time, or for the seconds that it asked for.

        It may be another node when it comes back, so its chain must be verified again.
        """
        pause = min(FIRST_PAUSE * 2 ** min(self.failures, 10), LONGEST_PAUSE)
        wait = pause if asked_pause is None else min(max(asked_pause, 0.0), LONGEST_PAUSE)
        return replace(
            self,
            failures=self.failures + 1,
            closed_until=now + wait,
            paused=asked_pause is not None,
            verified=self.verified and asked_pause is not None,
        )

    def showed(self, head: int, now: float) -> "Health":
        """After it told its newest block's number."""
        return self if head == self.head else replace(self, head=head, head_at=now)


def lag(health: Health, all_: Sequence[Health]) -> int:
    """How many blocks a node is behind the best one; 0 for one that has not told."""
    heads = [each.head for each in all_ if each.head is not None and not each.strange]
    return max(max(heads) - health.head, 0) if heads and health.head is not None else 0


def lags(health: Health, all_: Sequence[Health], now: float) -> bool:
    """Whether a node is too far behind to be asked."""
    behind = lag(health, all_)
    return behind > LAG_BLOCKS or (behind > 0 and now - health.head_at > LAG_SECONDS)


def is_healthy(health: Health, all_: Sequence[Health], now: float) -> bool:
    """Whether a node would be asked now."""
    return not health.strange and now >= health.closed_until and not lags(health, all_, now)


def order(all_: Sequence[Health], current: int, now: float) -> list[int]:
    """The nodes to ask, the first one first; those of another chain never, those that asked for a pause not yet.

    The current one while it is healthy, then the healthy ones as they were given, then those that lag, then those
    that failed, the one first that has waited longest.
    """

    def rank(at: int) -> tuple[int, float, int]:
        health = all_[at]
        if now < health.closed_until:
            return 2, health.closed_until, at
        if lags(health, all_, now):
            return 1, float(lag(health, all_)), at
        return 0, 0.0 if at == current else 1.0, at

    usable = [at for at, each in enumerate(all_) if not each.strange and not (each.paused and now < each.closed_until)]
    return sorted(usable, key=rank)
