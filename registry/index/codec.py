"""Value types to CBOR (RFC 8949) and back, directed by the types of their fields: int, bool, str, bytes, enums, tuples,
optional fields and other dataclasses. A dataclass is the array of its fields in their order."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from cbor2 import dumps, loads

T = TypeVar("T")
Change = Callable[[Any], Any]


def encode(value: object) -> bytes:
    """The CBOR of a dataclass value."""
    kind: Any = type(value)
    return dumps(_given(_writer(kind))(value))


def decode(kind: type[T], body: bytes) -> T:
    """The value of a dataclass that `encode` wrote."""
    target: Any = kind
    value: T = _given(_reader(target))(loads(body))
    return value


def _given(change: Change | None) -> Change:
    assert change is not None
    return change


@cache
def _writer(kind: Any) -> Change | None:
    """What makes plain values of a value of a type, decided once a type; None where there is nothing to do."""
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return attrgetter("value")
    return _around(kind, _writer, list)


def _dataclass_writer(kind: Any) -> Change:
    names, inner = _inner(kind, _writer)
    get: Change = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    if not inner:
        return get

    def write(value: Any) -> Any:
        parts = list(get(value))
        for at, change in inner:
            parts[at] = change(parts[at])
        return parts

    return write


@cache
def _reader(kind: Any) -> Change | None:
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if get_origin(kind) is tuple and _reader(get_args(kind)[0]) is None:
        return tuple
    return _around(kind, _reader, tuple)


def _dataclass_reader(kind: Any) -> Change:
    _, inner = _inner(kind, _reader)

    def read(parts: Any) -> Any:
        for at, change in inner:
            parts[at] = change(parts[at])
        return kind(*parts)

    return read


def _inner(kind: Any, of: Callable[[Any], Change | None]) -> tuple[list[str], list[tuple[int, Change]]]:
    """The names of a dataclass's fields, and what is to be done with which of them."""
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind) if each.init]
    changes = [(at, of(hints[name])) for at, name in enumerate(names)]
    return names, [(at, change) for at, change in changes if change is not None]


def _around(kind: Any, of: Callable[[Any], Change | None], gather: Change) -> Change | None:
    """For an optional type or a tuple type: what is done with the values within."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        [optional] = [each for each in get_args(kind) if each is not NoneType]
        change = of(optional)
        return None if change is None else lambda value: None if value is None else change(value)
    if origin is tuple:
        each_of = of(get_args(kind)[0])
        return None if each_of is None else lambda values: gather([each_of(each) for each in values])
    return None
