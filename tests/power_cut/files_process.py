"""Writes files of every kind in folders that it makes, those that are replaced several times; tells what it wrote."""

import re
import sys
from pathlib import Path

from ledger_node.files import (
    load_or_make_secret,
    make_folder,
    replace_atomically,
    replace_private,
    sync_folder,
    write_new_private,
)

HOMES, VERSIONS = 4, 3
HOME = re.compile(r"home\d+")


def content(version: int) -> bytes:
    """Longer than a sector, and whole or not to be seen."""
    return bytes([version]) * (600 * version)


def name_of(path: Path) -> str:
    """The home that a file lies in, and the file's name."""
    return f"{next(part for part in path.parts if HOME.fullmatch(part))} {path.name}"


def tell(path: Path) -> None:
    sys.stdout.write(f"{name_of(path)} {path.read_bytes().hex()}\n")
    sys.stdout.flush()


def main(folder: Path, homes: int = HOMES) -> None:
    for number in range(homes):
        home = folder / f"home{number}" / "inner"
        make_folder(home)
        for path, write in ((home / "open", replace_atomically), (home / "private", replace_private)):
            begun = path.read_bytes()[0] if path.exists() else 0
            for version in range(begun + 1, VERSIONS + 1):
                write(path, content(version))
                tell(path)
        if (home / "key").exists():
            sync_folder(home)
        else:
            write_new_private(home / "key", content(VERSIONS))
        tell(home / "key")
        # In a folder of its own, so that nothing else brings its name to the disk.
        secret = home / "own" / "secret"
        make_folder(secret.parent)
        load_or_make_secret(secret)
        tell(secret)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
