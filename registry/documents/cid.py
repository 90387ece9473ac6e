"""Content identifiers: CIDv1 of a raw block under SHA-256, as IPFS names it (multiformats CID, base32 lower case)."""

import base64

from ledger_node.hashing import sha256

_PREFIX = bytes([0x01, 0x55, 0x12, 0x20])
"""Version 1, codec raw, hash sha2-256 of 32 bytes."""


class CidError(ValueError):
    """A text is not a CIDv1 of a raw block under SHA-256."""


def cid_of(block: bytes) -> str:
    """The CID of a block of bytes: `b` and 58 letters."""
    return "b" + base64.b32encode(_PREFIX + sha256(block)).decode().rstrip("=").lower()


def digest_of(cid: str) -> bytes:
    """The SHA-256 digest that a CID names. Raises CidError for any other form of CID."""
    try:
        raw = base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    except ValueError:
        raise CidError("cid: must be base32") from None
    if cid[:1] != "b" or len(raw) != 36 or raw[:4] != _PREFIX:
        raise CidError("cid: must be version 1, raw, sha2-256, base32")
    if cid != "b" + base64.b32encode(raw).decode().rstrip("=").lower():
        raise CidError("cid: must be in lower case and canonical")
    return raw[4:]
