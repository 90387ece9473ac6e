"""How fast an index comes nearer to its node, and when it will be there. Pure; times in seconds."""

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 30.0
"""The rate is that of the last so many seconds."""
_LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """`percent` of the chain is in the index; `rate` in blocks a second, None while it is not known.

    `seconds` are left until it is caught up; None when it does not come nearer, or not yet known.
    """

    percent: float
    rate: float | None
    seconds: float | None

    @property
    def text(self) -> str:
        """In words, as a line of a log ends."""
        parts = [f"{self.percent:.1f} %"]
        if self.rate is not None:
            parts.append(f"{self.rate:,.0f} blocks/s")
        if self.seconds is not None:
            parts.append(f"{duration(self.seconds)} left")
        return ", ".join(parts)


@dataclass(slots=True)
class Estimator:
    """Notes where index and node are, and estimates from the notes of the last seconds."""

    _notes: deque[tuple[float, int, int]] = field(default_factory=deque)

    def note(self, now: float, block: int, head: int) -> Estimate:
        """The estimate when the index is at `block` and its node at `head`."""
        notes = self._notes
        if notes and block < notes[-1][1]:
            # The chain stepped back: how fast the index was before says nothing of a way that it goes twice.
            notes.clear()
        notes.append((now, block, head))
        while len(notes) > 2 and now - notes[1][0] >= WINDOW_SECONDS:
            notes.popleft()
        then, first, first_head = notes[0]
        percent = 100.0 if block >= head else 100.0 * block / head
        if now - then < _LEAST_SECONDS:
            return Estimate(percent, None, None)
        rate = (block - first) / (now - then)
        nearer = rate - (head - first_head) / (now - then)
        left = max(head - block, 0)
        return Estimate(percent, rate, 0.0 if not left else left / nearer if nearer > 0 else None)


def duration(seconds: float) -> str:
    """Seconds in the two largest units, from seconds to days: 3 min 20 s."""
    rest = max(round(seconds), 0)
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
        if len(parts) == 2:
            break
    return " ".join(parts)
