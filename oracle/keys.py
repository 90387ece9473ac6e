"""An oracle's keys: the one it signs with and the one that its log's bodies are encrypted with."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from ledger_node import secp256k1

BODY_KEY_SIZE = 32


@dataclass(frozen=True, slots=True)
class OracleKey:
    """A secp256k1 private key in memory; its text shows the address only. Raises SignatureError for a bad secret."""

    secret: bytes = field(repr=False)
    address: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", secp256k1.address_of(self.secret))

    def sign_digest(self, digest: bytes) -> bytes:
        """The 64-byte signature (EIP-2098) of a 32-byte digest."""
        return secp256k1.sign_digest(self.secret, digest)


def body_key(path: Path) -> bytes:
    """The 32-byte key in `path`; made, readable by its owner only, when there is none. Raises ValueError, OSError.

    Without the file the bodies of the log are lost, so it belongs in the backup.
    """
    if not path.exists():
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(BODY_KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        # The name too must be on the disk before the first body is encrypted under this key.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    key = path.read_bytes()
    if len(key) != BODY_KEY_SIZE:
        raise ValueError(f"{path.name}: must hold {BODY_KEY_SIZE} bytes")
    return key
