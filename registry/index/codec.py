"""Value types to JSON text and back, directed by the types of their fields: int, bool, str, bytes, enums, tuples,
optional fields and other dataclasses. Bytes are 0x-hexadecimal."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Read = Callable[[Any], Any]
Write = Callable[[Any], str]


def encode(value: object) -> str:
    """The JSON text of a dataclass value."""
    kind: Any = type(value)
    return _writer(kind)(value)


def decode(kind: type[T], text: str) -> T:
    """The value of a dataclass that `encode` wrote."""
    target: Any = kind
    value: T = _reader(target)(json.loads(text))
    return value


@cache
def _writer(kind: Any) -> Write:
    """The text of a value of a type, decided once a type and not once a value."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        [inner] = [each for each in get_args(kind) if each is not NoneType]
        write = _writer(inner)
        return lambda value: "null" if value is None else write(value)
    if origin is tuple:
        each_of = _writer(get_args(kind)[0])
        return lambda value: f"[{','.join([each_of(each) for each in value])}]"
    if kind is bytes:
        return lambda value: f'"0x{value.hex()}"'
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        texts = {each: _text(each.value) for each in kind}
        return lambda value: texts[value]
    return str if kind is int else _text


def _dataclass_writer(kind: Any) -> Write:
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)]
    form = "{{" + ",".join(f"{_text(name)}:{{}}" for name in names) + "}}"
    parts = [(attrgetter(name), _writer(hints[name])) for name in names]
    return lambda value: form.format(*[write(get(value)) for get, write in parts])


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


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
