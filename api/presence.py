"""Which processes serve one database: each holds a shared lock for as long as it lives, however it ends."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO


def enter(path: Path, alone: Callable[[], None]) -> IO[bytes]:
    """Take the shared lock of a file; close what is returned to leave. Raises OSError.

    `alone` is called first when no other process holds it; others that enter wait until it has returned.
    """
    file = open(path, "ab")  # noqa: SIM115 - the lock lives as long as it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        alone()
    fcntl.flock(file, fcntl.LOCK_SH)
    return file
