"""A lock file lives as long as the process that was started with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from api.supervisor import lockfile

# Ignores SIGTERM when told to, says that it is up, and waits.
CHILD = """
import signal, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def child_with(path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    lock = lockfile.take(path)
    assert lock is not None
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdout=subprocess.PIPE, pass_fds=(lock,), start_new_session=True
    )
    lockfile.name_holder(lock, process.pid)
    os.close(lock)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.stdout.close()
    return process


def test_a_held_lock_is_refused_and_its_holder_named(tmp_path: Path) -> None:
    process = child_with(tmp_path / "a.lock")
    try:
        assert lockfile.take(tmp_path / "a.lock") is None
        assert lockfile.holder(tmp_path / "a.lock") == process.pid
    finally:
        process.kill()
        process.wait()


def test_a_killed_process_lets_go_of_its_lock(tmp_path: Path) -> None:
    process = child_with(tmp_path / "a.lock")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not lockfile.held(tmp_path / "a.lock")
    assert lockfile.holder(tmp_path / "a.lock") is None


def test_a_file_that_is_missing_is_held_by_nobody(tmp_path: Path) -> None:
    assert not lockfile.held(tmp_path / "a.lock")
    assert not (tmp_path / "a.lock").exists()


def test_ending_is_done_when_nobody_holds_the_lock(tmp_path: Path) -> None:
    assert lockfile.end_group(tmp_path / "a.lock", seconds=0)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    process = child_with(tmp_path / "a.lock", "stubborn")
    assert lockfile.end_group(tmp_path / "a.lock", seconds=0.3)
    assert process.wait() == -signal.SIGKILL
