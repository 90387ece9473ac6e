"""RLP with one reading: a text that is not the canonical encoding of its own value is refused (Yellow Paper, B)."""

from typing import cast

import rlp
from rlp.exceptions import DecodingError

Item = bytes | list["Item"]
"""A byte string or a list of items."""


MOST_NESTED = 16
"""So deep may lists lie in lists; no format of the chain comes near it."""


class RlpError(ValueError):
    """Bytes that are not canonical RLP, or not the kind of item that was due."""


def encode(item: Item) -> bytes:
    """The canonical RLP of `item`."""
    if isinstance(item, bytes):
        return rlp_string(item)
    return rlp_list(b"".join([encode(each) for each in item]))


def decode(data: bytes) -> Item:
    """The item that `data` encodes. Raises RlpError for anything but one canonical item and nothing after it, and for
    lists that lie deeper than MOST_NESTED in each other."""
    try:
        item = cast("Item", rlp.decode(data, strict=True))
    except (DecodingError, RecursionError, IndexError):
        raise RlpError("not canonical RLP") from None
    if not _is_flat(item, MOST_NESTED) or encode(item) != data:
        raise RlpError("not canonical RLP")
    return item


def scalar(number: int) -> bytes:
    """The bytes of a non-negative number, big-endian without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def read_scalar(item: Item, size: int = 32) -> int:
    """The number in a byte string of at most `size` bytes. Raises RlpError for lists and leading zeros."""
    if not isinstance(item, bytes) or len(item) > size or item[:1] == b"\x00":
        raise RlpError(f"not a number of at most {size} bytes without leading zeros")
    return int.from_bytes(item, "big")


def rlp_string(data: bytes) -> bytes:
    """The RLP of a byte string."""
    if len(data) == 1 and data[0] < 0x80:
        return data
    return _prefix(0x80, len(data)) + data


def rlp_list(payload: bytes) -> bytes:
    """The RLP of a list whose items' RLP, one after the other, is `payload`."""
    return _prefix(0xC0, len(payload)) + payload


def _is_flat(item: Item, depth: int) -> bool:
    if isinstance(item, bytes):
        return True
    return depth > 0 and all(_is_flat(each, depth - 1) for each in item)


def _prefix(offset: int, length: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    digits = scalar(length)
    return bytes([offset + 55 + len(digits)]) + digits
