"""An oracle's keys: the one it signs with and the one that its log's bodies are encrypted with."""

from dataclasses import dataclass, field
from pathlib import Path

from ledger_node import secp256k1
from ledger_node.files import load_or_make_secret


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
    return load_or_make_secret(path)
