"""ABI decoding compiled once a type: runs of fixed words are read by one `struct` call and one mask over their padding.

Strict: padding must be what the encoder writes, numbers must fit, offsets and lengths must stay within the data (the
Contract ABI Specification, "Strict Encoding Mode", except that parts may stand in any order). Pure.
"""

import re
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

Read = Callable[[bytes, int], Any]
"""The value whose encoding begins at a place."""
_WORD = 32
_NUMBERS = {8: "B", 16: "H", 32: "I", 64: "Q"}
_SIZED = re.compile(r"(uint|int|bytes)([0-9]+)\Z")
_ARRAY = re.compile(r"(.+)\[([0-9]*)\]\Z")


class DecodingFault(ValueError):
    """The data is no encoding of the type."""


def split_types(inner: str) -> list[str]:
    """The types in the text between the brackets of a tuple type."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(inner):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
    return [*parts, inner[start:]] if inner else []


def decode(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values that abi.encode of these types made, addresses as 20 bytes. Raises DecodingFault."""
    values: tuple[Any, ...] = reader(kinds)(data, 0)
    return values


def reader(kinds: Sequence[str]) -> Read:
    """What reads the values of these types as a tuple, made once: it raises DecodingFault."""
    return _tuple(tuple(kinds))


@cache
def fixed_size(kind: str) -> int | None:
    """How many bytes every value of a type takes, None for a type whose values differ in size."""
    if kind in ("bytes", "string"):
        return None
    if kind.startswith("(") and kind.endswith(")"):
        sizes = [fixed_size(each) for each in split_types(kind[1:-1])]
        return None if None in sizes else sum(each for each in sizes if each is not None)
    if array := _ARRAY.match(kind):
        size = fixed_size(array[1])
        return None if size is None or not array[2] else size * int(array[2])
    return _WORD


@cache
def _tuple(kinds: tuple[str, ...]) -> Read:
    """The reader of a tuple: its head in one call, then what the head only points to or what needs another look."""
    if len(kinds) == 1 and kinds[0].endswith(")") and fixed_size(kinds[0]) is not None:
        # A struct of words alone is encoded as its members are.
        members = _tuple(tuple(split_types(kinds[0][1:-1])))
        return lambda data, start: (members(data, start),)
    form, padding, later, width = ">", b"", list[tuple[int, Read, bool]](), 0
    for at, kind in enumerate(kinds):
        size = fixed_size(kind)
        letter, pad, convert = _word(kind) if size == _WORD and not kind.endswith((")", "]")) else ("", b"", None)
        if size is None:
            # An offset: 8 bytes of it are more than any data has.
            letter, pad = "24xQ", b"\xff" * 24 + bytes(8)
            later.append((at, _reader(kind), True))
        elif not letter:
            letter, pad = f"{size}s", bytes(size)
            later.append((at, _reader(kind), False))
        elif convert is not None:
            later.append((at, convert, False))
        form, padding, width = form + letter, padding + pad, width + (size or _WORD)
    return _head(struct.Struct(form), int.from_bytes(padding, "big"), width, tuple(later))


def _head(form: struct.Struct, mask: int, width: int, later: tuple[tuple[int, Read, bool], ...]) -> Read:
    unpack, number = form.unpack, int.from_bytes

    def read(data: bytes, start: int) -> Any:
        words = data[start : start + width]
        if len(words) != width or number(words, "big") & mask:
            raise DecodingFault
        values = unpack(words)
        if not later:
            return values
        changed = list(values)
        for at, convert, points in later:
            changed[at] = convert(data, start + values[at]) if points else convert(values[at], 0)
        return tuple(changed)

    return read


def _word(kind: str) -> tuple[str, bytes, Read | None]:
    """How one word is unpacked, which of its bits must be 0, and what makes the value of what was unpacked."""
    if kind == "address":
        return "12x20s", b"\xff" * 12 + bytes(20), None
    if kind == "bool":
        return "31x?", b"\xff" * 31 + b"\xfe", None
    sized = _SIZED.match(kind)
    if sized is None:
        raise DecodingFault(f"{kind} is no type")
    size = int(sized[2])
    if sized[1] == "bytes":
        return f"{size}s{32 - size}x", bytes(size) + b"\xff" * (32 - size), None
    if sized[1] == "int":
        return "32s", bytes(32), lambda word, _: _signed(word, size)
    padding = b"\xff" * (32 - size // 8) + bytes(size // 8)
    if size in _NUMBERS:
        return f"{32 - size // 8}x{_NUMBERS[size]}", padding, None
    return "32s", padding, lambda word, _: int.from_bytes(word, "big")


def _signed(word: bytes, bits: int) -> int:
    value = int.from_bytes(word, "big", signed=True)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise DecodingFault
    return value


@cache
def _reader(kind: str) -> Read:
    if kind == "bytes":
        return _bytes
    if kind == "string":
        return lambda data, at: _bytes(data, at).decode()
    if array := _ARRAY.match(kind):
        return _array(array[1], array[2])
    if kind.startswith("(") and kind.endswith(")"):
        return _tuple(tuple(split_types(kind[1:-1])))
    read = _tuple((kind,))
    return lambda data, at: read(data, at)[0]


def _array(kind: str, count: str) -> Read:
    size = fixed_size(kind) or _WORD

    def read(data: bytes, at: int) -> Any:
        length = int(count) if count else _length(data, at)
        first = at if count else at + _WORD
        if length * size > len(data) - first:
            raise DecodingFault
        return _tuple_of(kind, length)(data, first)

    return read


def _tuple_of(kind: str, length: int) -> Read:
    # Few lengths come often; a length that data alone decides must not fill a cache for ever.
    return _tuple((kind,) * length) if length <= 8 else _tuple.__wrapped__((kind,) * length)


def _bytes(data: bytes, at: int) -> bytes:
    length = _length(data, at)
    first = at + _WORD
    value = data[first : first + length]
    padding = data[first + length : first + length + -length % _WORD]
    if len(value) != length or len(padding) != -length % _WORD or any(padding):
        raise DecodingFault
    return value


def _length(data: bytes, at: int) -> int:
    word = data[at : at + _WORD]
    if len(word) != _WORD:
        raise DecodingFault
    return int.from_bytes(word, "big")
