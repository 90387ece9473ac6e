"""Berlin rules as this ledger runs them: no block reward, no difficulty, a held gas limit.

Execution is py-evm's; this module chooses what to run, so that a block costs time in proportion to its
transactions (py-evm's own mining path is quadratic). Nothing here touches a disk or a clock.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from eth.abc import BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.consensus.noproof import NoProofConsensus
from eth.constants import (
    BLANK_ROOT_HASH,
    CREATE_CONTRACT_ADDRESS,
    EMPTY_UNCLE_HASH,
    ZERO_HASH32,
)
from eth.exceptions import (
    ContractCreationCollision,
    FullStack,
    InsufficientFunds,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfBoundsRead,
    OutOfGas,
    Revert,
    StackDepthLimit,
    VMError,
    WriteProtection,
)
from eth.rlp.headers import BlockHeader
from eth.vm.chain_context import ChainContext
from eth.vm.forks.berlin import BerlinVM
from eth.vm.forks.berlin.state import BerlinState, BerlinTransactionExecutor
from eth.vm.forks.berlin.transactions import BerlinTransactionBuilder, calculate_txn_intrinsic_gas_berlin
from eth_bloom.bloom import BloomFilter
from eth_typing import Address, BlockNumber, Hash32

from ledger_node.embedded.accounts import LedgerAccountDB
from ledger_node.embedded.errors import ExecutionError, Reverted
from ledger_node.embedded.machine import LedgerComputation
from ledger_node.embedded.statedb import StateDb
from ledger_node.genesis import Genesis, genesis_digest
from ledger_node.tries import ordered_root

DIFFICULTY = 1
"""Every block's; as on QBFT chains."""

decode_transaction = BerlinTransactionBuilder.decode
intrinsic_gas = calculate_txn_intrinsic_gas_berlin
_ERROR_NAMES: tuple[tuple[type[VMError], str], ...] = (
    (OutOfGas, "out of gas"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InsufficientStack, "stack underflow"),
    (FullStack, "stack limit reached 1024"),
    (StackDepthLimit, "max call depth exceeded"),
    (WriteProtection, "write protection"),
    (OutOfBoundsRead, "return data out of bounds"),
    (InsufficientFunds, "insufficient balance for transfer"),
    (ContractCreationCollision, "contract address collision"),
    (InvalidInstruction, "invalid opcode"),
)


class _CheckedExecutor(BerlinTransactionExecutor):
    """Signature and intrinsic gas were checked when the transaction was accepted; nonce and balance are, here."""

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        self.vm_state.validate_transaction(transaction)


class LedgerState(BerlinState):
    """Berlin state with the executor of checked transactions and faster storage tries."""

    account_db_class = LedgerAccountDB
    computation_class = LedgerComputation
    transaction_executor_class = _CheckedExecutor
    until = float("inf")
    """The thread's processor time, in seconds, at which execution is given up with TakesTooLong."""


class LedgerVM(BerlinVM):
    """Berlin rules whose fees go to the block's coinbase, the sealer; there is no reward to touch it otherwise."""

    _state_class = LedgerState
    consensus_class = NoProofConsensus


@dataclass(frozen=True, slots=True)
class Call:
    """A message without a signature, for eth_call and estimates; it has the fields py-evm reads of a transaction."""

    sender: Address
    to: Address
    gas: int
    data: bytes = b""
    value: int = 0
    gas_price: int = 0
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    nonce: int = 0
    y_parity: int = 0
    r: int = 0
    s: int = 0

    @property
    def intrinsic_gas(self) -> int:
        """What any message with this data costs before it runs."""
        return int(intrinsic_gas(self))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What executing one transaction left. `gas_used` is its own."""

    receipt: ReceiptAPI
    gas_used: int
    succeeded: bool
    contract: bytes | None
    revert_data: bytes


def open_state(db: StateDb, header: BlockHeaderAPI, chain_id: int, hashes: Iterable[bytes]) -> StateAPI:
    """The state whose root `header` names, to execute in that block's context; `hashes`: ancestors, newest first."""
    previous = (Hash32(each) for each in hashes)
    return LedgerVM.build_state(db, header, ChainContext(chain_id), previous)


def genesis_block(genesis: Genesis, db: StateDb) -> BlockHeaderAPI:
    """The header of block 0; its state is written to `db`. The extra data is the digest of the genesis file."""
    empty = _header(genesis.sealer, 0, ZERO_HASH32, BLANK_ROOT_HASH, genesis.gas_limit, genesis.timestamp)
    state = open_state(db, empty, genesis.chain_id, ())
    for account in genesis.alloc:
        state.set_balance(Address(account.address), account.balance)
    state.persist()
    return empty.copy(state_root=state.state_root, extra_data=genesis_digest(genesis))


def child_header(parent: BlockHeaderAPI, sealer: bytes, timestamp: int) -> BlockHeader:
    """The header to fill for the next block: the parent's state, no transactions yet."""
    number = parent.block_number + 1
    return _header(sealer, number, parent.hash, parent.state_root, parent.gas_limit, timestamp)


@dataclass(frozen=True, slots=True)
class _SoFar:
    """What py-evm reads of the header for a receipt: to copy a whole header for each transaction takes long."""

    gas_used: int


def apply_transaction(
    state: StateAPI, used: int, transaction: SignedTransactionAPI, seconds: float = float("inf")
) -> Outcome:
    """Execute one checked transaction; `used` is the gas that the block used before it, `seconds` the processor time
    that it may take. After TakesTooLong the state is of no use.

    Raises eth_utils.ValidationError when nonce or balance do not allow it; the state is then unchanged.
    """
    state.lock_changes()
    state.until = time.thread_time() + seconds  # type: ignore[attr-defined]
    computation = state.apply_transaction(transaction)
    receipt = LedgerVM.make_receipt(_SoFar(used), transaction, computation, state)  # type: ignore[arg-type]
    contract = bytes(computation.msg.storage_address) if computation.msg.is_create else None
    return Outcome(
        receipt,
        receipt.gas_used - used,
        computation.is_success,
        contract,
        bytes(computation.output) if computation.is_error and isinstance(computation.error, Revert) else b"",
    )


def finished_header(
    header: BlockHeaderAPI, state: StateAPI, raws: Sequence[bytes], receipts: Sequence[ReceiptAPI]
) -> BlockHeaderAPI:
    """The block's header with all roots; `raws`: its transactions. The new state goes to the view of `state`."""
    state.persist()
    bloom = BloomFilter()
    for receipt in receipts:
        bloom |= receipt.bloom
    return header.copy(
        state_root=state.state_root,
        transaction_root=ordered_root(raws),
        receipt_root=ordered_root([receipt.encode() for receipt in receipts]),
        bloom=int(bloom),
        gas_used=receipts[-1].gas_used if receipts else 0,
    )


def run_call(state: StateAPI, call: Call, *, on_success: Callable[[ComputationAPI], None] | None = None) -> bytes:
    """What `call` returns in `state`; its effects stay in that view.

    `on_success` sees the finished computation. Raises Reverted with the data, ExecutionError in geth's words.
    """
    if call.gas < call.intrinsic_gas:
        raise ExecutionError(f"intrinsic gas too low: have {call.gas}, want {call.intrinsic_gas}")
    cost = call.value + call.gas * call.gas_price
    balance = state.get_balance(call.sender)
    if balance < cost:
        raise ExecutionError(f"insufficient funds for gas * price + value: have {balance} want {cost}")
    state.lock_changes()
    executor = _CheckedExecutor(state)
    transaction: SignedTransactionAPI = call  # type: ignore[assignment]
    computation = executor.build_computation(executor.build_evm_message(transaction), transaction)
    if computation.is_error:
        raise _error(computation)
    if on_success is not None:
        on_success(computation)
    return bytes(computation.output)


def _error(computation: ComputationAPI) -> ExecutionError:
    if isinstance(computation.error, Revert):
        return Reverted(bytes(computation.output))
    for kind, name in _ERROR_NAMES:
        if isinstance(computation.error, kind):
            return ExecutionError(name)
    return ExecutionError(str(computation.error))


def _header(
    sealer: bytes, number: int, parent: bytes, state_root: bytes, gas_limit: int, timestamp: int
) -> BlockHeader:
    return BlockHeader(
        difficulty=DIFFICULTY,
        block_number=BlockNumber(number),
        gas_limit=gas_limit,
        timestamp=timestamp,
        coinbase=Address(sealer),
        parent_hash=Hash32(parent),
        uncles_hash=EMPTY_UNCLE_HASH,
        state_root=Hash32(state_root),
        transaction_root=BLANK_ROOT_HASH,
        receipt_root=BLANK_ROOT_HASH,
        bloom=0,
        gas_used=0,
        extra_data=b"",
        mix_hash=ZERO_HASH32,
        nonce=b"\x00" * 8,
    )


CREATE = Address(CREATE_CONTRACT_ADDRESS)
"""The `to` of a creation."""
