"""The genesis file of an embedded ledger: what every block of it descends from (docs/formats/genesis.md).

The file's digest stands in the extra data of block 0, so two ledgers that differ in any of these values have
different genesis hashes, even when their first states are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger_node import canonical_json
from ledger_node.fields import integer_within
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import HexError, address_hex, read_address, read_quantity

DEFAULT_CHAIN_ID = 20590
DEFAULT_GAS_LIMIT = 30_000_000
MAX_CHAIN_ID = 2**53 - 1
_REQUIRED = ("chainId", "sealer")
_KNOWN = frozenset((*_REQUIRED, "format", "gasLimit", "timestamp", "alloc"))
FORMAT = "cangdan/genesis/1"


class GenesisError(ValueError):
    """A genesis file breaks a rule; the message names the field and the rule."""


@dataclass(frozen=True, slots=True)
class Prefund:
    """An account that exists from block 0 with `balance` wei."""

    address: bytes
    balance: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """The values of a genesis file. `timestamp` is in seconds since 1970; `gas_limit` holds for every block."""

    chain_id: int
    sealer: bytes
    gas_limit: int = DEFAULT_GAS_LIMIT
    timestamp: int = 0
    alloc: tuple[Prefund, ...] = ()


def parse_genesis(text: bytes) -> Genesis:
    """The genesis that a file's UTF-8 `text` describes. Raises GenesisError naming the field."""
    try:
        document = canonical_json.loads(text)
    except canonical_json.JsonError as error:
        raise GenesisError(f"genesis: {error}") from None
    if not isinstance(document, dict):
        raise GenesisError("genesis: must be one JSON object")
    unknown = sorted(set(document) - _KNOWN)
    if unknown:
        raise GenesisError(f"genesis.{unknown[0]}: unknown field")
    missing = [name for name in _REQUIRED if name not in document]
    if missing:
        raise GenesisError(f"genesis.{missing[0]}: is missing")
    if document.get("format", FORMAT) != FORMAT:
        raise GenesisError(f"genesis.format: must be {FORMAT}")
    return Genesis(
        chain_id=_integer(document, "chainId", 1, MAX_CHAIN_ID, DEFAULT_CHAIN_ID),
        sealer=_address("genesis.sealer", document["sealer"]),
        gas_limit=_integer(document, "gasLimit", 1_000_000, 2**40, DEFAULT_GAS_LIMIT),
        timestamp=_integer(document, "timestamp", 0, 2**40, 0),
        alloc=_alloc(document.get("alloc", {})),
    )


def load_genesis(path: Path) -> Genesis:
    """The genesis in the file at `path`. Raises GenesisError, also when the file cannot be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise GenesisError(f"genesis file {path}: {error.strerror}") from None
    return parse_genesis(text)


def dump_genesis(genesis: Genesis) -> bytes:
    """The canonical text (RFC 8785) of a genesis file; `parse_genesis` gives the same genesis back."""
    return canonical_json.dumps(
        {
            "format": FORMAT,
            "chainId": genesis.chain_id,
            "sealer": address_hex(genesis.sealer),
            "gasLimit": genesis.gas_limit,
            "timestamp": genesis.timestamp,
            "alloc": {address_hex(one.address): {"balance": hex(one.balance)} for one in genesis.alloc},
        }
    )


def genesis_digest(genesis: Genesis) -> bytes:
    """Keccak-256 of the canonical text: the 32 bytes of extra data of block 0."""
    return keccak256(dump_genesis(genesis))


def _integer(document: Mapping[str, object], name: str, low: int, high: int, default: int) -> int:
    return integer_within(f"genesis.{name}", document.get(name, default), low, high, GenesisError)


def _address(field: str, value: object) -> bytes:
    try:
        return read_address(field, value)
    except HexError as error:
        raise GenesisError(str(error)) from None


def _alloc(value: object) -> tuple[Prefund, ...]:
    if not isinstance(value, dict):
        raise GenesisError("genesis.alloc: must be an object from address to {balance}")
    accounts: dict[bytes, int] = {}
    for key, entry in value.items():
        address = _address(f"genesis.alloc.{key}", key)
        if not isinstance(entry, dict) or set(entry) != {"balance"}:
            raise GenesisError(f"genesis.alloc.{key}: must hold balance and nothing else")
        if address in accounts:
            raise GenesisError(f"genesis.alloc.{key}: stands twice")
        try:
            accounts[address] = read_quantity(f"genesis.alloc.{key}.balance", entry["balance"], 128)
        except HexError as error:
            raise GenesisError(str(error)) from None
        if accounts[address] == 0:
            raise GenesisError(f"genesis.alloc.{key}.balance: an empty account cannot exist")
    return tuple(Prefund(address, accounts[address]) for address in sorted(accounts))
