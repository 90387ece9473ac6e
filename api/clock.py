"""The clock port: milliseconds since 1970, handed in wherever time is read."""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def system_clock() -> int:
    """The machine's time in milliseconds."""
    return time.time_ns() // 1_000_000
