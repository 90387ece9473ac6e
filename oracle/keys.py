"""The key that the bodies of an oracle's log are encrypted with."""

from pathlib import Path

from ledger_node.files import load_or_make_secret


def body_key(path: Path) -> bytes:
    """The 32-byte key in `path`; made, readable by its owner only, when there is none. Raises ValueError, OSError.

    Without the file the bodies of the log are lost, so it belongs in the backup.
    """
    return load_or_make_secret(path)
