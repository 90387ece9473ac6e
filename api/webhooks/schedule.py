"""When a delivery is tried again. Pure. The waits are those that the Standard Webhooks specification recommends."""

from ledger_node.hashing import sha256

WAITS = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds after each failed attempt; after the last one the delivery has failed."""
LONGEST = 24 * 3600


def next_wait(delivery: str, tries: int, asked: int | None) -> int | None:
    """Milliseconds to wait after the given number of tries, None when it was the last one.

    Up to a tenth is added, fixed by the delivery, so that many that failed together do not come back together.
    `asked` is the receiver's Retry-After in seconds, heeded up to a day.
    """
    if tries > len(WAITS):
        return None
    wait = max(WAITS[tries - 1], min(asked or 0, LONGEST)) * 1000
    return wait + wait * sha256(f"{delivery} {tries}".encode())[0] // 2560
