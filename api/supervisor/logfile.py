"""Log files of a bounded size."""

import os
import threading
from pathlib import Path


class LogFile:
    """Appends bytes to a file; at `limit` bytes it becomes NAME.1, the old NAME.1 becomes NAME.2, and so on."""

    def __init__(self, path: Path, limit: int, kept: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._limit, self._kept = path, limit, kept
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append, after rotating when the file would grow past its limit."""
        if self._file.tell() and self._file.tell() + len(data) > self._limit:
            self._rotate()
        self._file.write(data)

    def close(self) -> None:
        """Close the file; nothing may be written afterwards."""
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept, 0, -1):
            older = self._numbered(number - 1) if number > 1 else self._path
            if older.exists():
                older.replace(self._numbered(number))
        self._file = self._path.open("ab", buffering=0)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def pump(descriptor: int, log: LogFile) -> threading.Thread:
    """Copy everything that comes out of a pipe into a log, in a thread that ends with the pipe and closes both.

    What cannot be written (a full disk) is dropped: a process must not stand still because of its log.
    """

    def copy() -> None:
        with open(descriptor, "rb", buffering=0) as source:
            while data := source.read(65536):
                try:
                    log.write(data)
                except OSError:
                    continue
        log.close()

    thread = threading.Thread(target=copy, name=f"log-{descriptor}", daemon=True)
    thread.start()
    return thread


def last_line(path: Path) -> str:
    """The last line of a log that says something; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
