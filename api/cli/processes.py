"""What the verbs that run a process until it is told to stop have in common."""

import logging
import sys


def log_to_stderr() -> None:
    """Log lines with time, level and origin on standard error, where the supervisor collects them."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
