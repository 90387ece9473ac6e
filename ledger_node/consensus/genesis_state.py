"""The state root of a genesis block from the accounts that its file allots (Yellow Paper 4.1). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger_node.hashing import keccak256
from ledger_node.rlp_strict import encode, scalar
from ledger_node.tries import keyed_root


@dataclass(frozen=True, slots=True)
class Allotted:
    """An account that exists from block 0: `balance` in wei, `storage` from slot to word, each 32 bytes."""

    address: bytes
    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: tuple[tuple[bytes, bytes], ...] = ()


def state_root(accounts: Iterable[Allotted]) -> bytes:
    """The 32-byte root of the state that holds these accounts."""
    return keyed_root((keccak256(each.address), _account(each)) for each in accounts)


def _account(account: Allotted) -> bytes:
    words = ((slot, word.lstrip(b"\0")) for slot, word in account.storage)
    storage = keyed_root((keccak256(slot), encode(word)) for slot, word in words if word)
    return encode([scalar(account.nonce), scalar(account.balance), storage, keccak256(account.code)])
