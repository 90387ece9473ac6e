"""Typed data (EIP-712): the digests that consents, rounds and reviews are signed over.

The encoder is strict: a message has exactly the fields of its type, each value has exactly one Python type
(bool, int, bytes, str, list, mapping; an address is 20 bytes), and numbers and sizes are checked. `typed_data`
yields the same message as JSON for `eth_signTypedData_v4`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.signing import TypedData

Message = Mapping[str, object]
"""Field names to values."""
_PLAIN_NAMES = frozenset({"bool", "address", "string", "bytes"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ARRAY = re.compile(r"(.+)\[([1-9][0-9]*)?\]\Z")
_SIZED = re.compile(r"(uint|int|bytes)([1-9][0-9]*)\Z")


class TypedDataError(ValueError):
    """A type or a message breaks EIP-712; the text names the field and the rule, never the value."""


def _base(kind: str) -> str:
    while match := _ARRAY.match(kind):
        kind = match[1]
    return kind


def _is_plain(kind: str) -> bool:
    if kind in _PLAIN_NAMES:
        return True
    match = _SIZED.match(kind)
    if not match:
        return False
    size = int(match[2])
    return size <= 32 if match[1] == "bytes" else size <= 256 and size % 8 == 0


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct: its name and its Solidity type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class StructType:
    """A struct: its name, its fields in order, and the structs that the fields' types name."""

    name: str
    fields: tuple[Field, ...]
    uses: tuple["StructType", ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise TypedDataError(f"{self.name!r}: not the name of a struct")
        if len({each.name for each in self.fields}) != len(self.fields):
            raise TypedDataError(f"{self.name}: two fields have one name")
        for each in self.fields:
            if not _NAME.match(each.name):
                raise TypedDataError(f"{self.name}.{each.name}: not the name of a field")
            base = _base(each.type)
            if not _is_plain(base) and base not in {used.name for used in self.uses}:
                raise TypedDataError(f"{self.name}.{each.name}: type {each.type} is unknown")


def struct(name: str, *members: str, uses: Sequence[StructType] = ()) -> StructType:
    """A struct from members as Solidity writes them: `struct("Mail", "address to", "string text")`."""
    fields: list[Field] = []
    for member in members:
        kind, separator, field_name = member.partition(" ")
        if not separator:
            raise TypedDataError(f"{name}: member {member!r} must be a type and a name")
        fields.append(Field(field_name, kind))
    return StructType(name, tuple(fields), tuple(uses))


@dataclass(frozen=True, slots=True)
class Domain:
    """What a signature is bound to: name and version of the contract, its chain and its 20-byte address."""

    name: str
    version: str
    chain_id: int
    verifying_contract: bytes


DOMAIN_TYPE = struct(
    "EIP712Domain",
    "string name",
    "string version",
    "uint256 chainId",
    "address verifyingContract",
)


@lru_cache(maxsize=1024)
def encode_type(kind: StructType) -> str:
    """The text of a type: itself, then the structs it uses in alphabetical order (EIP-712 encodeType)."""
    return _members(kind) + "".join(_members(used) for used in _used(kind))


@lru_cache(maxsize=1024)
def type_hash(kind: StructType) -> bytes:
    """keccak256 of `encode_type`, 32 bytes."""
    return keccak256(encode_type(kind).encode())


def struct_hash(kind: StructType, message: Message) -> bytes:
    """hashStruct of EIP-712, 32 bytes. Raises TypedDataError that names the field and the rule."""
    return _hash(kind, message, kind.name)


@lru_cache(maxsize=1024)
def domain_separator(domain: Domain) -> bytes:
    """hashStruct of the domain, 32 bytes."""
    return struct_hash(DOMAIN_TYPE, _domain_message(domain))


def digest(domain: Domain, kind: StructType, message: Message) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 || domain separator || struct hash)."""
    return keccak256(b"\x19\x01" + domain_separator(domain) + struct_hash(kind, message))


def to_sign(domain: Domain, kind: StructType, message: Message) -> TypedData:
    """What a signer is given. Raises TypedDataError."""
    return TypedData(digest(domain, kind, message), lambda: typed_data(domain, kind, message))


def typed_data(domain: Domain, kind: StructType, message: Message) -> dict[str, JsonValue]:
    """The JSON of `eth_signTypedData_v4`; whole numbers of the message are decimal texts, as wallets take them."""
    struct_hash(kind, message)
    types: dict[str, JsonValue] = {
        each.name: [{"name": member.name, "type": member.type} for member in each.fields]
        for each in (DOMAIN_TYPE, kind, *_used(kind))
    }
    return {
        "types": types,
        "primaryType": kind.name,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": address_hex(domain.verifying_contract),
        },
        "message": _to_json(message),
    }


def _domain_message(domain: Domain) -> Message:
    return {
        "name": domain.name,
        "version": domain.version,
        "chainId": domain.chain_id,
        "verifyingContract": domain.verifying_contract,
    }


def _members(kind: StructType) -> str:
    return f"{kind.name}({','.join(f'{each.type} {each.name}' for each in kind.fields)})"


@lru_cache(maxsize=1024)
def _used(kind: StructType) -> tuple[StructType, ...]:
    """Every struct that the fields of `kind` name, directly or through others, in alphabetical order."""
    found: dict[str, StructType] = {}
    waiting = [kind]
    while waiting:
        each = waiting.pop()
        bases = {_base(member.type) for member in each.fields}
        for used in each.uses:
            if used.name not in bases or found.get(used.name) == used:
                continue
            if used.name in found or used.name == kind.name:
                raise TypedDataError(f"{kind.name}: two structs are named {used.name}")
            found[used.name] = used
            waiting.append(used)
    return tuple(found[name] for name in sorted(found))


def _hash(kind: StructType, message: object, path: str) -> bytes:
    if not isinstance(message, Mapping):
        raise TypedDataError(f"{path}: must be an object")
    names = [each.name for each in kind.fields]
    for name in names:
        if name not in message:
            raise TypedDataError(f"{path}.{name}: is missing")
    for name in message:
        if name not in names:
            raise TypedDataError(f"{path}.{name}: is unknown")
    words = [_encode(each.type, message[each.name], f"{path}.{each.name}", kind.uses) for each in kind.fields]
    return keccak256(type_hash(kind) + b"".join(words))


def _encode(kind: str, value: object, path: str, uses: tuple[StructType, ...]) -> bytes:
    if plain := _PLAIN.get(kind):
        return plain(value, path)
    if sized := _SIZED.match(kind):
        return _SIZES[sized[1]](int(sized[2]), value, path)
    if array := _ARRAY.match(kind):
        return _array(array[1], array[2], value, path, uses)
    return _hash(next(used for used in uses if used.name == kind), value, path)


def _array(
    kind: str,
    length: str | None,
    value: object,
    path: str,
    uses: tuple[StructType, ...],
) -> bytes:
    if not isinstance(value, list | tuple):
        raise TypedDataError(f"{path}: must be a list")
    if length is not None and len(value) != int(length):
        raise TypedDataError(f"{path}: must have {length} members, has {len(value)}")
    return keccak256(b"".join(_encode(kind, each, f"{path}[{at}]", uses) for at, each in enumerate(value)))


def _bool(value: object, path: str) -> bytes:
    if not isinstance(value, bool):
        raise TypedDataError(f"{path}: must be true or false")
    return int(value).to_bytes(32, "big")


def _address(value: object, path: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != 20:
        raise TypedDataError(f"{path}: must be an address of 20 bytes")
    return value.rjust(32, b"\x00")


def _string(value: object, path: str) -> bytes:
    if not isinstance(value, str):
        raise TypedDataError(f"{path}: must be a text")
    try:
        return keccak256(value.encode())
    except UnicodeEncodeError:
        raise TypedDataError(f"{path}: must be a text of whole Unicode characters") from None


def _dynamic_bytes(value: object, path: str) -> bytes:
    if not isinstance(value, bytes):
        raise TypedDataError(f"{path}: must be bytes")
    return keccak256(value)


def _uint(bits: int, value: object, path: str) -> bytes:
    return _integer(0, (1 << bits) - 1, value, path)


def _int(bits: int, value: object, path: str) -> bytes:
    return _integer(-(1 << bits - 1), (1 << bits - 1) - 1, value, path)


def _integer(least: int, greatest: int, value: object, path: str) -> bytes:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypedDataError(f"{path}: must be a whole number")
    if not least <= value <= greatest:
        raise TypedDataError(f"{path}: is outside the range of its type")
    return value.to_bytes(32, "big", signed=value < 0)


def _fixed_bytes(size: int, value: object, path: str) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise TypedDataError(f"{path}: must be {size} bytes")
    return value.ljust(32, b"\x00")


def _to_json(value: object) -> JsonValue:
    if isinstance(value, Mapping):
        return {str(name): _to_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each) for each in value]
    if isinstance(value, bytes):
        return address_hex(value) if len(value) == 20 else data_hex(value)
    if isinstance(value, bool | str):
        return value
    return str(value)


_PLAIN: dict[str, Callable[[object, str], bytes]] = {
    "bool": _bool,
    "address": _address,
    "string": _string,
    "bytes": _dynamic_bytes,
}
_SIZES: dict[str, Callable[[int, object, str], bytes]] = {
    "uint": _uint,
    "int": _int,
    "bytes": _fixed_bytes,
}
