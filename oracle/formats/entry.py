"""An entry of an oracle's log: a salted commitment, so the log shows no bodies (docs/formats/log.md)."""

from ledger_node.hashing import sha256
from ledger_node.merkle import leaf_hash

SALT_SIZE = 32
_DOMAIN = b"clr/entry/1"


def entry_data(salt: bytes, arrived_ms: int, segment: bytes) -> bytes:
    """The data of an entry's leaf: SHA-256 over domain, salt (32 bytes), arrival (8 bytes, big-endian) and segment."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"salt: must be {SALT_SIZE} bytes, has {len(salt)}")
    return sha256(_DOMAIN + salt + arrived_ms.to_bytes(8, "big") + segment)


def entry_leaf(salt: bytes, arrived_ms: int, segment: bytes) -> bytes:
    """The leaf hash of an entry (RFC 6962, SHA-256)."""
    return leaf_hash(entry_data(salt, arrived_ms, segment), sha256)
