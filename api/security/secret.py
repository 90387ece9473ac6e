"""The secret of this API process: 32 random bytes in a file of its own, and keys derived from it by purpose."""

import hmac
import os
import secrets
from pathlib import Path


def load_or_make(path: Path) -> bytes:
    """The secret of `path`, made on first use, readable by its owner only. Raises ValueError for a damaged file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) != 32:
            raise ValueError(f"{path.name}: must hold 32 bytes") from None
        return secret
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret


def derive(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose: HMAC-SHA-256 of the purpose under the secret."""
    return hmac.digest(secret, purpose.encode(), "sha256")
