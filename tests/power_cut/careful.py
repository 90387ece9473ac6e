"""A process that does a little of everything to a folder; tests say what of it a disk keeps."""

import mmap
import os
import sqlite3
import sys
from pathlib import Path


def write(path: Path, data: bytes, *, synced: bool) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        if synced:
            os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def main(folder: Path, mapped: str = "") -> None:
    (folder / "inner").mkdir()
    sync_folder(folder)
    write(folder / "inner" / "synced", b"s" * 2000, synced=True)
    write(folder / "inner" / "lazy", b"l" * 2000, synced=False)
    write(folder / "inner" / "gone", b"g", synced=True)
    sync_folder(folder / "inner")
    sys.stdout.write("so far\n")
    sys.stdout.flush()
    write(folder / "inner" / "nameless", b"n", synced=True)
    (folder / "inner" / "gone").unlink()
    (folder / "inner" / "synced").replace(folder / "inner" / "renamed")
    os.link(folder / "inner" / "lazy", folder / "inner" / "linked")
    with (folder / "inner" / "renamed").open("r+b") as file:
        file.seek(1000)
        file.write(b"t" * 2000)
        file.truncate(2500)
    with (folder / "inner" / "lazy").open("ab") as file:
        file.write(b"more")
    database = sqlite3.connect(folder / "some.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE kept (value)")
    database.close()
    if mapped:
        with (folder / "inner" / "renamed").open("r+b") as file:
            mmap.mmap(file.fileno(), 0)[0] = 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
