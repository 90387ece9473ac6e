"""Deterministic CBOR of a small kind (RFC 8949, 4.2.1): integers, byte strings, texts and arrays, nothing else.

One value has one encoding and one encoding has one value: `dumps(loads(data)) == data` for whatever `loads` takes.
Maps, tags, floats, simple values, indefinite lengths, lengths or integers that are longer than they need be,
and bytes after the value are refused.

cbor2 decodes, with every tag refused before it acts. What is left of ambiguity is heads that are too long and
bytes after the value: both make the text longer than the shortest one, so comparing lengths replaces encoding
again, at a quarter of the cost.
"""

from collections.abc import Sequence

import cbor2

CborValue = int | bytes | str | list["CborValue"]
"""What this kind of CBOR can hold; an integer lies between -2**64 and 2**64 - 1."""
MAX_BYTES = 60 * 1024
"""The longest encoding that is read, in bytes."""
MAX_DEPTH = 4
"""The deepest nesting of arrays that is read; the outermost array counts as 1."""

_ARRAYS = (list, tuple)
_2_16 = 1 << 16


class CborError(ValueError):
    """Bytes are not the CBOR that is allowed here, or a value cannot be written in it; the text names the rule."""


def dumps(value: CborValue | Sequence[object]) -> bytes:
    """The one encoding of `value`; tuples are written as arrays. Raises CborError for what this CBOR cannot hold."""
    _size(value, 1)
    return cbor2.dumps(value)


def loads(data: bytes) -> CborValue:
    """The value of `data`. Raises CborError that names the broken rule."""
    if len(data) > MAX_BYTES:
        raise CborError(f"{len(data)} bytes are more than {MAX_BYTES}")
    try:
        value: CborValue = cbor2.loads(
            data, tag_hook=_refuse, semantic_decoders=_NO_TAGS, allow_indefinite=False, max_depth=MAX_DEPTH
        )
    except cbor2.CBORError as error:
        raise CborError(str(error)) from None
    if _size(value, 1) != len(data):
        raise CborError("a number or length is longer than it need be, or bytes follow the value")
    return value


def _size(value: object, depth: int) -> int:
    """The length of the shortest encoding. Raises CborError for a type, depth or integer that is not allowed."""
    if type(value) is int:
        return _head_size(value if value >= 0 else -1 - value)
    if type(value) is bytes:
        return _head_size(len(value)) + len(value)
    if isinstance(value, _ARRAYS):
        if depth > MAX_DEPTH:
            raise CborError(f"arrays are nested deeper than {MAX_DEPTH}")
        size = _head_size(len(value))
        for item in value:
            # The commonest item, an integer that is not great, without a call.
            if type(item) is int and -_2_16 <= item < _2_16:
                size += 1 if -25 < item < 24 else 2 if -257 < item < 256 else 3
            else:
                size += _size(item, depth + 1)
        return size
    if type(value) is str:
        try:
            length = len(value.encode("utf-8"))
        except UnicodeEncodeError:
            raise CborError("a text holds a lone surrogate") from None
        return _head_size(length) + length
    raise CborError(f"a {type(value).__name__} has no place in this CBOR")


def _head_size(argument: int) -> int:
    if argument < 24:
        return 1
    if argument < 1 << 8:
        return 2
    if argument < 1 << 16:
        return 3
    if argument < 1 << 32:
        return 5
    if argument < 1 << 64:
        return 9
    raise CborError(f"an integer of {argument.bit_length()} bits does not fit 64")


def _refuse(*_: object) -> object:
    raise CborError("a tag is not allowed")


_NO_TAGS = dict.fromkeys(range(1 << 16), _refuse)
"""The handler of each tag that cbor2 would act on; greater tags go to tag_hook."""
