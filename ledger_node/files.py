"""Files that are there whole or not at all, whatever breaks off: the process, or the power.

A content is on the disk before its name is, and the name before the call returns: a file that is synced can still be
lost with its name, which is in its folder (fsync(2)). Whoever finds a file there, made by a process that was killed,
cannot know whether its name is on the disk: `sync_folder` brings it there.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

SECRET_SIZE = 32
_PRIVATE, _PUBLIC = 0o600, 0o666


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, down to the disk. `mode` is its own. Raises OSError."""
    above = path.parent.parent
    if not path.parent.is_dir():
        make_folder(path.parent)
    elif os.access(above, os.R_OK | os.W_OK):
        # A process that was killed may have made the parent and not brought its name to the disk. Those further up it
        # had: each folder is synced before the next is made in it. Who may not write above has not made the parent.
        sync_folder(above)
    path.mkdir(mode=mode, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk. Raises OSError."""
    _sync(path, os.O_DIRECTORY)


def sync_database(path: Path) -> None:
    """Bring to the disk what is in a database of SQLite in WAL mode; for who opens it, before anything of it is told.

    SQLite syncs what it commits, and the folder with it. A process that was killed may have committed and not synced:
    the next one finds that in the WAL, reads it as committed, and syncs it no earlier than its own next commit. Raises
    OSError.
    """
    # The database itself is behind the WAL, and closing it would drop SQLite's locks on it.
    with suppress(FileNotFoundError):
        _sync(path.with_name(f"{path.name}-wal"))
    sync_folder(path.parent)


def write_new_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read. An existing one is never replaced. Raises FileExistsError, OSError."""
    _write(path, data, _PRIVATE, os.link)


def replace_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, over an older one if there is one. Raises OSError."""
    _write(path, data, _PRIVATE, os.replace)


def replace_atomically(path: Path, data: bytes) -> None:
    """Write a file that others may read, over an older one if there is one. Raises OSError."""
    _write(path, data, _PUBLIC, os.replace)


def replace_unsynced(path: Path, data: bytes) -> None:
    """Write a file in one step for who reads it now; after a power cut it may be older or empty. Raises OSError."""
    draft = _draft(path)
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_new_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with these files, each by its path in it. `path` may be an empty folder before, nothing else.

    Raises OSError (EEXIST, ENOTEMPTY, ENOTDIR where something is there); then nothing has changed.
    """
    make_folder(path.parent)
    draft = _draft(path)
    try:
        draft.mkdir()
        for name, data in files.items():
            make_folder((draft / name).parent)
            replace_atomically(draft / name, data)
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_folder(path.parent)


def load_or_make_secret(path: Path) -> bytes:
    """The 32 random bytes of a file, made on first use, for its owner only. Raises ValueError for others, OSError."""
    if not path.exists():
        # Another process may make it in the same moment; then its bytes are the secret.
        with suppress(FileExistsError):
            write_new_private(path, secrets.token_bytes(SECRET_SIZE))
    secret = path.read_bytes()
    if len(secret) != SECRET_SIZE:
        raise ValueError(f"{path.name}: must hold {SECRET_SIZE} bytes")
    sync_folder(path.parent)
    return secret


def _sync(path: Path, kind: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | kind)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes, mode: int, put: Callable[[Path, Path], None]) -> None:
    draft = _draft(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")
