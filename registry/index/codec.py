"""Value types to JSON text and back, directed by the types of their fields: int, bool, str, bytes, enums, tuples,
optional fields and other dataclasses. Bytes are 0x-hexadecimal."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Read = Callable[[Any], Any]


def encode(value: object) -> str:
    """The JSON text of a dataclass value."""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def decode(kind: type[T], text: str) -> T:
    """The value of a dataclass that `encode` wrote."""
    target: Any = kind
    value: T = _reader(target)(json.loads(text))
    return value


def plain(value: object) -> object:
    """A value as what JSON has."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


@cache
def _reader(kind: Any) -> Read:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        [inner] = [each for each in get_args(kind) if each is not NoneType]
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        read = _reader(get_args(kind)[0])
        return lambda value: tuple(read(each) for each in value)
    if kind is bytes:
        return lambda value: bytes.fromhex(value[2:])
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return lambda value: value


def _dataclass_reader(kind: Any) -> Read:
    hints = get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in fields(kind)}
    return lambda value: kind(**{name: read(value[name]) for name, read in readers.items()})
