"""Lock files that tell whether a process lives: the lock goes with the process, however it ends.

A pid alone proves nothing, since numbers are used again. A process that was started with a locked file holds the lock
until it has ended, also after kill -9 and also when the one that started it is gone.
"""

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

LOOKS = 5


def take(path: Path) -> int | None:
    """Lock the file and return its descriptor; None when another process holds it. Close it to let go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(LOOKS):
        if _flock(descriptor, fcntl.LOCK_EX):
            return descriptor
        # Somebody may just be looking (see held), which takes microseconds.
        time.sleep(0.01)
    os.close(descriptor)
    return None


def name_holder(descriptor: int, pid: int) -> None:
    """Write into a locked file which process it stands for."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def holder(path: Path) -> int | None:
    """The process that holds the lock; None when nobody does."""
    if not held(path):
        return None
    text = path.read_text(encoding="ascii").strip()
    return int(text) if text.isdecimal() else None


def held(path: Path) -> bool:
    """Whether some process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def end_group(path: Path, seconds: float) -> bool:
    """End the holder's process group: SIGTERM, and SIGKILL after so many seconds. True when the lock is free."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        pid = holder(path)
        if pid is None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        if wait_free(path, patience):
            return True
    return not held(path)


def wait_free(path: Path, seconds: float) -> bool:
    """Wait until nobody holds the lock; False when that takes longer."""
    deadline = time.monotonic() + seconds
    while held(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
