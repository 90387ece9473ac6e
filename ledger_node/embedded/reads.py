"""Questions about a state: calls, estimates, proofs. Each runs on a view of its own and leaves no trace."""

from dataclasses import dataclass, replace
from typing import Any

import rlp
from eth.abc import BlockHeaderAPI, ComputationAPI
from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.rlp.accounts import Account
from eth_typing import Hash32
from trie.hexary import HexaryTrie

from ledger_node.embedded.accounts import LedgerAccountDB
from ledger_node.embedded.errors import ExecutionError, Reverted, UnknownBlock
from ledger_node.embedded.statedb import StateDb
from ledger_node.embedded.store import ReadStore
from ledger_node.embedded.vm import CREATE, Call, open_state, run_call
from ledger_node.hashing import keccak256

TRANSFER_GAS = 21_000
_STIPEND = 2_300
_TOLERANCE = 0.015
"""How far over the least gas an estimate may lie, as in geth."""


@dataclass(frozen=True, slots=True)
class StorageProof:
    """The value of one slot with the nodes from the storage root to it."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account with the nodes from the state root to it (EIP-1186)."""

    address: bytes
    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes
    nodes: tuple[bytes, ...]
    storage: tuple[StorageProof, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """An execution to try on the state after block `number`; `estimate` asks for its gas, else for its output."""

    number: int
    chain_id: int
    call: Call
    estimate: bool = False


def answer(store: ReadStore, question: Question) -> bytes | int:
    """Output or gas of the question's call. Raises Reverted, ExecutionError, UnknownBlock."""
    header = header_of(store, question.number)
    if question.estimate:
        return estimate(store, header, question)
    return _run(store, header, question.chain_id, question.call)[0]


def header_of(store: ReadStore, number: int) -> BlockHeaderAPI:
    """The header of a block. Raises UnknownBlock."""
    block = store.block_by_number(number)
    if block is None:
        raise UnknownBlock(f"block {number}")
    return block.header


def accounts_at(store: ReadStore, header: BlockHeaderAPI) -> LedgerAccountDB:
    """The accounts as they are after the block of `header`."""
    return LedgerAccountDB(store.state(), header.state_root)


def estimate(store: ReadStore, header: BlockHeaderAPI, question: Question) -> int:
    """Gas with which the call succeeds, at most 1.5 % above the least; the call's own gas is the most tried.

    Raises Reverted or ExecutionError when it fails with that much.
    """
    call = question.call
    if not call.data and call.to != CREATE and not accounts_at(store, header).get_code(call.to):
        return TRANSFER_GAS
    try:
        used = _run(store, header, question.chain_id, call)[1]
    except Reverted:
        raise
    except ExecutionError as error:
        if str(error) == "out of gas" or str(error).startswith("intrinsic gas"):
            raise ExecutionError(f"gas required exceeds allowance ({call.gas})") from None
        raise
    low, high = used - 1, call.gas
    for guess in (used, (used + _STIPEND) * 64 // 63):
        if low < guess < high:
            low, high = (low, guess) if _enough(store, header, question, guess) else (guess, high)
        if high == guess:
            break
    while (high - low) / high > _TOLERANCE:
        middle = min((low + high) // 2, low * 2)
        low, high = (low, middle) if _enough(store, header, question, middle) else (middle, high)
    return high


def prove(store: ReadStore, header: BlockHeaderAPI, address: bytes, slots: tuple[int, ...]) -> AccountProof:
    """The account and slots after the block of `header`, with their nodes; absence is proved as well."""
    state = store.state()
    key = keccak256(address)
    trie = HexaryTrie(state, header.state_root)
    found = trie.get(key)
    account = rlp.decode(found, sedes=Account) if found else Account()
    root = bytes(account.storage_root)
    storage = tuple(_prove_slot(state, root, slot) for slot in slots)
    nodes = _nodes(state, header.state_root, key)
    code_hash = bytes(account.code_hash) if found else EMPTY_SHA3
    return AccountProof(address, account.nonce, account.balance, root, code_hash, nodes, storage)


def _run(store: ReadStore, header: BlockHeaderAPI, chain_id: int, call: Call) -> tuple[bytes, int]:
    state = open_state(store.state(), header, chain_id, store.hashes_before(header.block_number))
    needed: list[int] = []

    def measure(computation: ComputationAPI) -> None:
        needed.append(call.gas - computation.get_gas_remaining())

    output = run_call(state, call, on_success=measure)
    return output, needed[0]


def _enough(store: ReadStore, header: BlockHeaderAPI, question: Question, gas: int) -> bool:
    try:
        _run(store, header, question.chain_id, replace(question.call, gas=gas))
    except ExecutionError:
        return False
    return True


def _prove_slot(state: StateDb, root: bytes, slot: int) -> StorageProof:
    key = keccak256(slot.to_bytes(32, "big"))
    if root == BLANK_ROOT_HASH:
        return StorageProof(slot, 0, ())
    found = HexaryTrie(state, Hash32(root)).get(key)
    value = int.from_bytes(rlp.decode(found), "big") if found else 0
    return StorageProof(slot, value, _nodes(state, root, key))


def _nodes(state: StateDb, root: bytes, key: bytes) -> tuple[bytes, ...]:
    """Nodes from the root towards `key`; those below 32 bytes stand inside their parent and are not repeated."""
    if root == BLANK_ROOT_HASH:
        return ()
    trie: Any = HexaryTrie(state, Hash32(root))
    encoded: list[bytes] = [rlp.encode(node) for node in trie.get_proof(key)]
    return tuple(node for place, node in enumerate(encoded) if place == 0 or len(node) >= 32)
