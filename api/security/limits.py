"""Limits on requests, in a moving window of a minute, by actor or by address."""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.problems import ProblemError


class RequestLimits:
    """Counts in this process; a limit that is passed raises ProblemError rate-limited with Retry-After."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, bucket: str, who: str, per_minute: int) -> None:
        """Count one request of `who` in `bucket`. Raises ProblemError when the minute is full."""
        item = RateLimitItemPerMinute(per_minute)
        if self._limiter.hit(item, bucket, who):
            return
        reset = self._limiter.get_window_stats(item, bucket, who).reset_time
        wait = max(1, int(reset - time.time()) + 1)
        raise ProblemError(
            "rate-limited",
            f"{bucket}: at most {per_minute} requests a minute",
            headers={"Retry-After": str(wait)},
        )
