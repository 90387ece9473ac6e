"""What the generated bindings build on: structs and events that know their ABI. Pure."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar, Self

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from msgspec.structs import astuple

from ledger_node.abi_decoding import DecodingFault, Read, decode, reader
from ledger_node.eip712 import Message, StructType
from ledger_node.values import Value, Wide


class AbiError(ValueError):
    """Bytes are not the ABI encoding of what they should be, or a value does not fit its type."""


class Struct(Value, frozen=True):
    """A Solidity struct. Fields are in order and named as in Solidity, in snake case; an address is 20 bytes."""

    ABI: ClassVar[str]
    """The tuple type, as in a function's signature."""
    TYPE: ClassVar[StructType]
    """The type for EIP-712."""
    NESTED: ClassVar[Mapping[str, type["Struct"]]] = {}
    """Fields that hold a struct or a list of them."""
    LISTS: ClassVar[frozenset[str]] = frozenset()
    """Fields of NESTED that hold a list."""
    WIDE: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold a number of more than 64 bits."""

    def as_tuple(self) -> tuple[Any, ...]:
        """The values in order, structs within as tuples, as the ABI encoder takes them."""
        return tuple(plain(each) for each in astuple(self))

    def message(self) -> Message:
        """The values by their Solidity names, for `eip712.digest(domain, TYPE, message)`."""
        return {member.name: _message(value) for member, value in zip(self.TYPE.fields, astuple(self), strict=True)}

    def encode(self) -> bytes:
        """abi.encode(struct). Raises AbiError when a value does not fit its type."""
        return encode_values([self.ABI], [self.as_tuple()])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The struct that abi.encode(struct) made. Raises AbiError."""
        return cls.from_tuple(decode_values([cls.ABI], data)[0])

    @classmethod
    def from_tuple(cls, values: Sequence[Any]) -> Self:
        """The struct from decoded values in order."""
        if not cls.NESTED and not cls.WIDE:
            return cls(*values)
        read: list[Any] = []
        for member, value in zip(cls.__struct_fields__, values, strict=True):
            nested = cls.NESTED.get(member)
            if member in cls.WIDE:
                read.append(Wide(value))
            elif nested is None:
                read.append(value)
            elif member in cls.LISTS:
                read.append(tuple(nested.from_tuple(each) for each in value))
            else:
                read.append(nested.from_tuple(value))
        return cls(*read)


class Event(Value, frozen=True):
    """A log, decoded. `emitter` is the 20-byte address of the contract that wrote it."""

    NAME: ClassVar[str]
    TOPIC: ClassVar[bytes]
    """The first topic: keccak256 of the signature."""
    INPUTS: ClassVar[tuple[tuple[str, str, bool], ...]]
    """Name here, ABI type, whether indexed; in the order of the signature."""
    emitter: bytes

    @classmethod
    def decode(cls, emitter: bytes, topics: Sequence[bytes], data: bytes) -> Self:
        """The event in a log. Raises AbiError."""
        return cls(emitter, *cls.values(topics, data))

    @classmethod
    def values(cls, topics: Sequence[bytes], data: bytes) -> Sequence[Any]:
        """The fields of the event in a log, in the order of the signature. Raises AbiError."""
        kind: Any = cls
        due, read_topics, read_data, in_order = _readers(kind)
        if len(topics) != due:
            raise AbiError(f"{cls.NAME}: has {len(topics)} topics, {due} are due")
        words = b"".join(topics)
        if len(words) != due * 32:
            raise AbiError(f"{cls.NAME}: its topics are not 32 bytes each")
        try:
            values = read_topics(words, 32) + read_data(data, 0)
        except (DecodingFault, UnicodeDecodeError):
            raise AbiError(f"{cls.NAME}: topics and data are no encoding of its fields") from None
        return values if in_order is None else in_order(values)


@cache
def _readers(kind: type[Event]) -> tuple[int, Read, Read, Callable[[Sequence[Any]], Sequence[Any]] | None]:
    """For an event: how many topics it has, what reads topics and data, and what puts the values in order."""
    places = [at for at, (_, _, indexed) in enumerate(kind.INPUTS) if indexed]
    others = [at for at in range(len(kind.INPUTS)) if at not in places]
    read = [*places, *others]
    topics = reader(["bytes32" if _is_hashed(kind.INPUTS[at][1]) else kind.INPUTS[at][1] for at in places])
    data = reader([kind.INPUTS[at][1] for at in others])
    in_order = None if read == sorted(read) else itemgetter(*(read.index(at) for at in range(len(read))))
    return len(places) + 1, topics, data, in_order


def plain(value: Any) -> Any:
    """A value as the ABI encoder takes it: structs as tuples, lists likewise."""
    if isinstance(value, Struct):
        return value.as_tuple()
    return tuple(plain(each) for each in value) if isinstance(value, list | tuple) else value


def encode_values(kinds: Sequence[str], values: Sequence[Any]) -> bytes:
    """abi.encode of values. Raises AbiError that names no value."""
    try:
        return encode(kinds, values)
    except (EncodingError, TypeError, ValueError, OverflowError):
        raise AbiError(f"a value does not fit its type in ({', '.join(kinds)})") from None


def decode_values(kinds: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values that abi.encode made, addresses as 20 bytes. Raises AbiError."""
    try:
        return decode(kinds, data)
    except (DecodingFault, UnicodeDecodeError):
        raise AbiError(f"the data is no encoding of ({', '.join(kinds)})") from None


def _is_hashed(kind: str) -> bool:
    return kind in ("string", "bytes") or kind.endswith(("]", ")"))


def _message(value: Any) -> object:
    if isinstance(value, Struct):
        return value.message()
    return [_message(each) for each in value] if isinstance(value, list | tuple) else value
