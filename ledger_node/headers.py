"""Block headers: from the JSON of a node to the bytes that are hashed and sealed.

The fields and their order are those of the Yellow Paper and of the later forks. A QBFT header is hashed with round 0
and without its seals (Besu and GoQuorum agree), every other one as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import HexError, data_hex, read_data, read_quantity
from ledger_node.rlp_strict import RlpError, decode, encode, rlp_list, rlp_string, scalar
from ledger_node.secp256k1 import SignatureError, recover

QBFT_MIX_HASH = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
"""What the mix hash of every QBFT (and IBFT) header is."""
IGNORED = frozenset({"hash", "seal", "size", "totalDifficulty", "transactions", "uncles", "withdrawals"})
"""Fields of a block's JSON that are no part of its header."""


class HeaderError(ValueError):
    """A header or its seal breaks a rule; the message names the field and the rule."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a block; hashes of 32 bytes, `timestamp` in seconds since 1970, gas in units."""

    parent_hash: bytes
    ommers_hash: bytes
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: bytes
    nonce: bytes
    base_fee_per_gas: int | None = None
    withdrawals_root: bytes | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: bytes | None = None
    requests_hash: bytes | None = None

    def __post_init__(self) -> None:
        later = [getattr(self, name) for name, _ in _LATER]
        present = [value is not None for value in later]
        # anvil's block 0 under older rules has blob gas and no withdrawals; nobody else's header has a gap.
        if self.number > 0 and present != sorted(present, reverse=True):
            raise HeaderError(f"header.{_LATER[present.index(False)][1]}: is missing before a later field")

    def encoded(self) -> bytes:
        """The RLP of the header as it stands."""
        values = [getattr(self, name) for name, _, _ in _FIELDS]
        items = (scalar(value) if isinstance(value, int) else value for value in values if value is not None)
        return rlp_list(b"".join(rlp_string(item) for item in items))

    def hash(self) -> bytes:
        """The block hash, 32 bytes. Raises HeaderError for a QBFT header whose extra data is ill-formed."""
        if self.mix_hash != QBFT_MIX_HASH:
            return keccak256(self.encoded())
        return keccak256(replace(self, extra_data=_without_seals(self.extra_data)).encoded())


# Each field: its name here, its name in the JSON, its size in bytes (data) or None for a quantity.
_FIELDS: tuple[tuple[str, str, int | None], ...] = (
    ("parent_hash", "parentHash", 32),
    ("ommers_hash", "sha3Uncles", 32),
    ("coinbase", "miner", 20),
    ("state_root", "stateRoot", 32),
    ("transactions_root", "transactionsRoot", 32),
    ("receipts_root", "receiptsRoot", 32),
    ("logs_bloom", "logsBloom", 256),
    ("difficulty", "difficulty", None),
    ("number", "number", None),
    ("gas_limit", "gasLimit", None),
    ("gas_used", "gasUsed", None),
    ("timestamp", "timestamp", None),
    ("extra_data", "extraData", 0),
    ("mix_hash", "mixHash", 32),
    ("nonce", "nonce", 8),
    ("base_fee_per_gas", "baseFeePerGas", None),
    ("withdrawals_root", "withdrawalsRoot", 32),
    ("blob_gas_used", "blobGasUsed", None),
    ("excess_blob_gas", "excessBlobGas", None),
    ("parent_beacon_block_root", "parentBeaconBlockRoot", 32),
    ("requests_hash", "requestsHash", 32),
)
_REQUIRED = 15
_LATER = tuple((name, json_name) for name, json_name, _ in _FIELDS[_REQUIRED:])
_NAMES = frozenset(json_name for _, json_name, _ in _FIELDS)
_ANY_SIZE = 0


def read_header(block: object, ignored: frozenset[str] = IGNORED) -> Header:
    """The header within the JSON of `eth_getBlockByNumber`. Raises HeaderError for missing and unknown fields.

    `ignored` are the members of a block that are no part of its header.
    """
    if not isinstance(block, Mapping):
        raise HeaderError("header: must be an object")
    for name in block:
        if name not in _NAMES and name not in ignored:
            raise HeaderError(f"header.{name}: is unknown")
    values: dict[str, int | bytes] = {}
    for at, (name, json_name, size) in enumerate(_FIELDS):
        if json_name in block:
            values[name] = _value(f"header.{json_name}", block[json_name], size)
        elif at < _REQUIRED:
            raise HeaderError(f"header.{json_name}: is missing")
    return Header(**values)  # type: ignore[arg-type]


def header_json(header: Header) -> dict[str, JsonValue]:
    """The JSON that `read_header` reads as `header`, and nothing that it ignores."""
    result: dict[str, JsonValue] = {}
    for name, json_name, size in _FIELDS:
        value = getattr(header, name)
        if value is not None:
            result[json_name] = hex(value) if size is None else data_hex(value)
    return result


def check_seal(block_hash: bytes, seal: bytes, sealer: bytes) -> None:
    """Check the seal of an embedded ledger: 65 bytes r, s, v over the block hash by the sealer's address.

    Raises HeaderError. docs/formats/headers.md describes the seal.
    """
    if len(seal) != 65:
        raise HeaderError(f"seal: must be 65 bytes, has {len(seal)}")
    try:
        signer = recover(block_hash, seal)
    except SignatureError as error:
        raise HeaderError(f"seal: {error}") from None
    if signer != sealer:
        raise HeaderError("seal: is not the trusted sealer's")


def _value(field: str, value: object, size: int | None) -> int | bytes:
    try:
        if size is None:
            return read_quantity(field, value)
        return read_data(field, value, None if size == _ANY_SIZE else size)
    except HexError as error:
        raise HeaderError(str(error)) from None


def _without_seals(extra_data: bytes) -> bytes:
    """QBFT extra data with round 0 and no seals: [vanity, validators, vote, round, seals]."""
    try:
        parts = decode(extra_data)
    except RlpError as error:
        raise HeaderError(f"header.extraData: {error}") from None
    if isinstance(parts, bytes) or len(parts) != 5:
        raise HeaderError("header.extraData: QBFT has five parts")
    kinds = [isinstance(part, bytes) for part in parts]
    if kinds != [True, False, False, True, False] or len(parts[0]) != 32:
        raise HeaderError("header.extraData: QBFT has 32 bytes, validators, vote, round and seals")
    return encode([*parts[:3], b"", []])
