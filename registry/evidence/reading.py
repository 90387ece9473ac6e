"""What the readers of a bundle's parts share."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex, read_data
from oracle.formats.fields import FieldError, Fields

MAX_DEPTH = 64
"""The longest Merkle proof."""
T = TypeVar("T")


def read_bytes(fields: Fields, name: str) -> bytes:
    """Bytes of any length, in lower-case hexadecimal. Raises FieldError or HexError."""
    return _bytes(fields.at(name), fields.take(name))


def read_hashes(fields: Fields, name: str, most: int = MAX_DEPTH) -> tuple[bytes, ...]:
    """A list of 32-byte values. Raises FieldError or HexError."""
    path = fields.at(name)
    values = tuple(_bytes(f"{path}[{at}]", each) for at, each in enumerate(fields.items(name, most)))
    if any(len(each) != 32 for each in values):
        raise FieldError(f"{path}: members must be 32 bytes")
    return values


def hashes_json(values: Sequence[bytes]) -> list[JsonValue]:
    """A list of byte strings as JSON."""
    return [data_hex(each) for each in values]


def ordered(items: Sequence[T], key: Callable[[T], Any], path: str) -> tuple[T, ...]:
    """The items, which must be sorted by `key` with no key twice. Raises FieldError."""
    if any(key(one) >= key(other) for one, other in pairwise(items)):
        raise FieldError(f"{path}: must be sorted, each once")
    return tuple(items)


def _bytes(path: str, value: JsonValue) -> bytes:
    data = read_data(path, value)
    if value != data_hex(data):
        raise FieldError(f"{path}: must be in lower case")
    return data
