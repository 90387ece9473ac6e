"""What the tests of outboxes share."""

import time

from ledger_node.outbox import Outbox, Sent, Status


def until(outbox: Outbox, key: str, status: Status) -> Sent:
    """The act once it has the status; the outbox looks at the chain meanwhile."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        outbox.step()
        found = outbox.find(key)
        if found is not None and found.status is status:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{key} never was {status}")
