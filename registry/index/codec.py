"""Value types to MessagePack and back: a value is the array of its fields in their order, a Wide its 32 bytes.

What is read is checked against the types of the fields.
"""

from functools import cache
from typing import Any, TypeVar

from msgspec.msgpack import Decoder, Encoder

from ledger_node.values import Value, Wide

T = TypeVar("T", bound=Value)


def encode(value: Value) -> bytes:
    """The MessagePack of a value."""
    return _ENCODER.encode(value)


def decode(kind: type[T], body: bytes) -> T:
    """The value that `encode` wrote. Raises msgspec.DecodeError for a body that is none of its type."""
    value: T = _decoder(kind).decode(body)
    return value


def _wide(value: object) -> bytes:
    assert isinstance(value, Wide)
    return value.to_bytes(32, "big")


def _read_wide(kind: type[Any], value: bytes) -> Wide:
    assert kind is Wide
    return Wide.from_bytes(value, "big")


@cache
def _decoder(kind: Any) -> Decoder[Any]:
    return Decoder(kind, dec_hook=_read_wide)


_ENCODER = Encoder(enc_hook=_wide)
