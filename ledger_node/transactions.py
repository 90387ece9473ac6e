"""Transactions: what is signed, and the raw bytes that go to a node (EIP-155 legacy, and EIP-1559)."""

from dataclasses import dataclass

from ledger_node.hashing import keccak256
from ledger_node.rlp_strict import Item, RlpError, decode, encode, read_scalar, scalar
from ledger_node.secp256k1 import SignatureError, recover

MAX_NONCE = 2**64 - 2
"""The greatest nonce that a transaction may have (EIP-2681)."""
_DYNAMIC_FEE = b"\x02"


class TransactionError(ValueError):
    """A transaction's value is out of range, or raw bytes are not one signed transaction."""


@dataclass(frozen=True, slots=True)
class LegacyFee:
    """A type 0 transaction at `gas_price` wei; 0 on chains without fees."""

    gas_price: int = 0

    @property
    def cap(self) -> int:
        """The most that is paid for a unit of gas, in wei."""
        return self.gas_price


@dataclass(frozen=True, slots=True)
class DynamicFee:
    """A type 2 transaction: at most `max_fee` wei a gas, of it at most `priority_fee` above the base fee."""

    max_fee: int
    priority_fee: int

    @property
    def cap(self) -> int:
        """The most that is paid for a unit of gas, in wei."""
        return self.max_fee


Fee = LegacyFee | DynamicFee
NO_FEE = LegacyFee()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction before it is signed; `to` is None when it creates a contract, `value` in wei, `gas` in units."""

    chain_id: int
    nonce: int
    to: bytes | None
    data: bytes
    gas: int
    fee: Fee = NO_FEE
    value: int = 0

    def __post_init__(self) -> None:
        if self.to is not None and len(self.to) != 20:
            raise TransactionError("to: must be 20 bytes")
        if not 0 <= self.nonce <= MAX_NONCE:
            raise TransactionError("nonce: must lie between 0 and 2**64 - 2")
        if self.chain_id < 1 or self.gas < 1 or not 0 <= self.value < 2**256:
            raise TransactionError("chain id and gas must be above 0, value below 2**256")


def signing_digest(transaction: Transaction) -> bytes:
    """The 32 bytes that the sender signs."""
    items = _items(transaction)
    if isinstance(transaction.fee, DynamicFee):
        return keccak256(_DYNAMIC_FEE + encode(items))
    return keccak256(encode([*items, scalar(transaction.chain_id), b"", b""]))


def signed(transaction: Transaction, signature: bytes) -> bytes:
    """The raw bytes of a transaction with its 64-byte signature (EIP-2098)."""
    if len(signature) != 64:
        raise TransactionError(f"signature: must be 64 bytes, has {len(signature)}")
    parity = signature[32] >> 7
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big") & (1 << 255) - 1
    items = _items(transaction)
    if isinstance(transaction.fee, DynamicFee):
        return _DYNAMIC_FEE + encode([*items, scalar(parity), scalar(r), scalar(s)])
    return encode([*items, scalar(35 + 2 * transaction.chain_id + parity), scalar(r), scalar(s)])


def transaction_hash(raw: bytes) -> bytes:
    """The hash by which nodes know a raw transaction, 32 bytes."""
    return keccak256(raw)


def created_address(sender: bytes, nonce: int) -> bytes:
    """The 20-byte address of the contract that this transaction of the sender creates (Yellow Paper, 7)."""
    return keccak256(encode([sender, scalar(nonce)]))[12:]


def read_raw(raw: bytes) -> tuple[Transaction, bytes]:
    """The transaction in raw bytes and the 20-byte address of its sender. Raises TransactionError.

    Read are the two kinds that `signed` makes; access lists must be empty.
    """
    try:
        return _read_dynamic(raw[1:]) if raw[:1] == _DYNAMIC_FEE else _read_legacy(raw)
    except (RlpError, SignatureError) as error:
        raise TransactionError(f"transaction: {error}") from None


def _items(transaction: Transaction) -> list[Item]:
    to = transaction.to or b""
    head: list[Item] = [scalar(transaction.nonce)]
    tail: list[Item] = [scalar(transaction.gas), to, scalar(transaction.value), transaction.data]
    if isinstance(transaction.fee, DynamicFee):
        fees: list[Item] = [scalar(transaction.fee.priority_fee), scalar(transaction.fee.max_fee)]
        return [scalar(transaction.chain_id), *head, *fees, *tail, []]
    return [*head, scalar(transaction.fee.gas_price), *tail]


def _read_legacy(raw: bytes) -> tuple[Transaction, bytes]:
    items = _fields(decode(raw), 9)
    v = read_scalar(items[6])
    if v < 37:
        raise TransactionError("transaction: is not bound to a chain (EIP-155)")
    transaction = Transaction(
        chain_id=(v - 35) // 2,
        nonce=read_scalar(items[0], 8),
        fee=LegacyFee(read_scalar(items[1])),
        gas=read_scalar(items[2], 8),
        to=_bytes(items[3]) or None,
        value=read_scalar(items[4]),
        data=_bytes(items[5]),
    )
    return transaction, _sender(transaction, (v - 35) % 2, items[7], items[8])


def _read_dynamic(body: bytes) -> tuple[Transaction, bytes]:
    items = _fields(decode(body), 12)
    if items[8] != []:
        raise TransactionError("transaction: its access list is not empty")
    transaction = Transaction(
        chain_id=read_scalar(items[0]),
        nonce=read_scalar(items[1], 8),
        fee=DynamicFee(max_fee=read_scalar(items[3]), priority_fee=read_scalar(items[2])),
        gas=read_scalar(items[4], 8),
        to=_bytes(items[5]) or None,
        value=read_scalar(items[6]),
        data=_bytes(items[7]),
    )
    return transaction, _sender(transaction, read_scalar(items[9], 1), items[10], items[11])


def _sender(transaction: Transaction, parity: int, r: Item, s: Item) -> bytes:
    words = read_scalar(r).to_bytes(32, "big") + read_scalar(s).to_bytes(32, "big")
    if parity > 1:
        raise TransactionError("transaction: the parity of its signature is not 0 or 1")
    return recover(signing_digest(transaction), words + bytes([27 + parity]))


def _fields(item: Item, count: int) -> list[Item]:
    if isinstance(item, bytes) or len(item) != count:
        raise TransactionError(f"transaction: must have {count} fields")
    return item


def _bytes(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise TransactionError("transaction: a field is a list where bytes are due")
    return item
