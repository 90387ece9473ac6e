"""Log files stay within their size."""

import os
from pathlib import Path

from api.supervisor.logfile import LogFile, last_line, pump


def test_a_full_log_is_rotated_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", limit=4, kept=2)
    for data in (b"one\n", b"two\n", b"tri\n", b"for\n"):
        log.write(data)
    log.close()
    read = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert read == {"a.log": b"for\n", "a.log.1": b"tri\n", "a.log.2": b"two\n"}


def test_a_log_goes_on_where_the_last_process_ended(tmp_path: Path) -> None:
    for data in (b"first\n", b"second\n"):
        log = LogFile(tmp_path / "a.log", limit=100, kept=1)
        log.write(data)
        log.close()
    assert (tmp_path / "a.log").read_bytes() == b"first\nsecond\n"


def test_a_pump_copies_until_the_pipe_ends(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    thread = pump(reader, LogFile(tmp_path / "a.log", limit=1_000_000, kept=1))
    os.write(writer, b"x" * 60_000)
    os.close(writer)
    thread.join(timeout=60)
    assert (tmp_path / "a.log").stat().st_size == 60_000


def test_the_last_line_is_the_last_that_says_something(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("begin\n" * 5000 + "cause\n\n  \n")
    assert last_line(tmp_path / "a.log") == "cause"
    assert last_line(tmp_path / "missing.log") == ""
