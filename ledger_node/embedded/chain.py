"""The running ledger: accepts transactions durably and seals them into blocks.

Order of an acceptance: check, commit to `pending`, answer. Order of a block: execute in memory, sign its hash, one
commit, then show it as the head. Any crash in between leaves either the pending row or the block.
"""

import contextlib
import fcntl
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import rlp
from eth.abc import BlockHeaderAPI, ReceiptAPI, StateAPI
from eth.constants import EMPTY_SHA3
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from ledger_node.embedded.accounts import LedgerAccountDB
from ledger_node.embedded.errors import LedgerError, LedgerLocked, LedgerMismatch, PoolError, PoolRule, TakesTooLong
from ledger_node.embedded.pool import Account, Pool, Rules, check_account, read_transaction
from ledger_node.embedded.store import Store
from ledger_node.embedded.values import Block, LogEntry, MinedTransaction, Pending, RefusedTransaction, SealedBlock
from ledger_node.embedded.vm import (
    Outcome,
    apply_transaction,
    child_header,
    decode_transaction,
    finished_header,
    genesis_block,
    open_state,
)
from ledger_node.files import make_folder
from ledger_node.genesis import Genesis, dump_genesis
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import address_hex

LOCK_NAME = "ledger.lock"
EXECUTION_SECONDS = 10.0
"""Processor time that a transaction may take; gas alone does not bound it, as some contracts are plain Python here."""
WARY_SECONDS = 2.0
"""What a transaction may take while some sender is suspended: an act of the contracts takes some milliseconds."""
SUSPENDED_SECONDS = 600.0
"""For how long nothing is accepted of a sender whose transaction took too long: it has paid nothing for that time."""
Listener = Callable[[SealedBlock], None]


class BlockSigner(Protocol):
    """Whoever seals blocks: `ledger_node.keys.LocalSigner`, or a signer elsewhere."""

    @property
    def address(self) -> bytes:
        """The 20-byte address in the genesis file."""
        ...

    def sign65(self, digest: bytes) -> bytes:
        """The 65-byte signature r, s, v (27 or 28) of a block hash."""
        ...


@dataclass(slots=True)
class _Waiting:
    raw: bytes
    answer: bytes | PoolError | None = None


class _Slow(Exception):
    """The execution of `entry` was given up."""

    def __init__(self, entry: Pending) -> None:
        super().__init__(entry.hash.hex())
        self.entry = entry


class EmbeddedChain:
    """One ledger directory, held open by one process. Safe to use from several threads.

    `clock` gives seconds since 1970. Raises LedgerLocked, LedgerMismatch on opening.
    """

    def __init__(
        self, directory: Path, genesis: Genesis, signer: BlockSigner, *, clock: Callable[[], float] = time.time
    ) -> None:
        if signer.address != genesis.sealer:
            raise LedgerMismatch(f"the key given is not that of the genesis' sealer {address_hex(genesis.sealer)}")
        self.genesis = genesis
        self._lock_file = _lock(directory)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, self._lock_file)
            self.store = Store(directory)
            undo.callback(self.store.close)
            self._head = self._open_head(signer)
            undo.pop_all()
        self._signer = signer
        self._clock = clock
        self._rules = Rules(genesis.chain_id, genesis.gas_limit)
        self._pool = Pool()
        self._pool_changed = threading.Condition()
        self._sealing = threading.Lock()
        self._accepting = threading.Lock()
        self._queueing = threading.Lock()
        self._queue: list[_Waiting] = []
        self._listeners: list[Listener] = []
        self._suspended: dict[bytes, float] = {}
        self._accounts = self._account_db()
        for sequence, transaction_hash, sender, raw in self.store.pending():
            entry = Pending(sequence, transaction_hash, sender, raw, decode_transaction(raw))
            self._pool.restore(entry, self._accounts.get_nonce(Address(sender)))

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._head

    @property
    def waiting(self) -> int:
        """How many transactions wait to be sealed."""
        return len(self._pool)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with each block after its commit, in the sealing thread."""
        self._listeners.append(listener)

    def accept(self, raw: bytes) -> bytes:
        """The hash of a signed transaction, once it is durable. Raises PoolError; nothing is then kept.

        Calls that arrive while another one commits share the next commit.
        """
        mine = _Waiting(raw)
        with self._queueing:
            self._queue.append(mine)
        with self._accepting:
            if mine.answer is None:
                with self._queueing:
                    batch, self._queue = self._queue, []
                self._accept_all(batch)
        if isinstance(mine.answer, bytes):
            return mine.answer
        raise mine.answer or LedgerError("the acceptance could not be written; see the error before it")

    def pending(self, transaction_hash: bytes) -> Pending | None:
        """The waiting transaction of that hash."""
        with self._pool_changed:
            return self._pool.get(transaction_hash)

    def pending_nonce(self, sender: bytes) -> int:
        """The nonce for the sender's next transaction, after all that waits without a gap."""
        with self._pool_changed:
            return self._pool.next_nonce(sender, self._accounts.get_nonce(Address(sender)))

    def wait_for_work(self, seconds: float) -> bool:
        """Wait until a transaction can be executed, at most `seconds`; whether one can."""
        with self._pool_changed:
            return self._pool_changed.wait_for(self._pool.has_executable, seconds)

    def seal(self, *, budget: float = math.inf, empty: bool = True) -> SealedBlock | None:
        """Execute what waits, for about `budget` seconds at most, and commit it as the next block.

        Without transactions, an empty block when `empty`, else None.
        """
        with self._sealing:
            with self._pool_changed:
                chosen = list(self._pool.executable())
            if not chosen and not empty:
                return None
            sealed = self._make_block(chosen, budget)
        for listener in self._listeners:
            listener(sealed)
        return sealed

    def close(self) -> None:
        """Finish the commit under way and give the directory free."""
        with self._sealing, self._accepting:
            self.store.close()
            os.close(self._lock_file)

    def _open_head(self, signer: BlockSigner) -> Block:
        head = self.store.head()
        if head is None:
            state = self.store.state()
            header = genesis_block(self.genesis, state)
            block = _signed(signer, header, [])
            self.store.commit_block(SealedBlock(block, ()), state, (("genesis", dump_genesis(self.genesis)),))
            return block
        if self.store.meta("genesis") != dump_genesis(self.genesis):
            raise LedgerMismatch("the directory holds a ledger of another genesis file")
        return head

    def _account_db(self) -> LedgerAccountDB:
        return LedgerAccountDB(self.store.state(), self._head.header.state_root)

    def _accept_all(self, batch: list[_Waiting]) -> None:
        entered: list[tuple[_Waiting, Pending]] = []
        for each in batch:
            try:
                entered.append((each, self._enter(each.raw)))
            except PoolError as error:
                each.answer = error
        entries = [entry for _, entry in entered]
        if not entries:
            return
        try:
            self.store.commit_pending(entries)
        except BaseException:
            with self._pool_changed:
                self._pool.remove(entry.hash for entry in entries)
            raise
        with self._pool_changed:
            self._pool.settle(entries)
            self._pool_changed.notify_all()
        for each, entry in entered:
            each.answer = entry.hash

    def _enter(self, raw: bytes) -> Pending:
        transaction = read_transaction(raw, self._rules)
        if self._is_suspended(bytes(transaction.sender)):
            raise PoolError(PoolRule.SLOW, "a transaction of it took too long; send again in some minutes")
        with self._pool_changed:
            if self._pool.get(keccak256(raw)) is not None:
                raise PoolError(PoolRule.KNOWN)
            account = self._account(transaction.sender)
            check_account(transaction, account, self._pool.line(bytes(transaction.sender)))
            return self._pool.enter(raw, transaction, account.nonce)

    def _account(self, sender: Address) -> Account:
        accounts = self._accounts
        has_code = accounts.get_code_hash(sender) != EMPTY_SHA3
        return Account(accounts.get_nonce(sender), accounts.get_balance(sender), has_code)

    def _make_block(self, chosen: list[Pending], budget: float) -> SealedBlock:
        parent = self._head.header
        header = child_header(parent, self.genesis.sealer, max(parent.timestamp, int(self._clock())))
        hashes = list(self.store.hashes_before(header.block_number))
        view = self.store.state()
        state = open_state(view, header, self.genesis.chain_id, hashes)
        seconds = WARY_SECONDS if self._suspended_senders() else EXECUTION_SECONDS
        try:
            done, refused = self._execute(state, header, chosen, time.monotonic() + budget, seconds)
        except _Slow as stop:
            # What was executed before it went with the state and is executed again; what follows waits for the next
            # block, so that a block is held up by one such transaction at most.
            view = self.store.state()
            state = open_state(view, header, self.genesis.chain_id, hashes)
            before = chosen[: chosen.index(stop.entry)]
            done, refused = self._execute(state, header, before, time.monotonic() + budget, math.inf)
            refused.append(_refusal(stop.entry, f"execution takes longer than {seconds:g} s", header))
            self._suspended[stop.entry.sender] = time.monotonic() + SUSPENDED_SECONDS
        raws = [entry.raw for entry, _ in done]
        final = finished_header(header, state, raws, [outcome.receipt for _, outcome in done])
        block = _signed(self._signer, final, raws)
        sealed = SealedBlock(block, _mined(block, done), tuple(refused))
        self.store.commit_block(sealed, view)
        with self._pool_changed:
            self._head = block
            self._accounts = self._account_db()
            self._pool.mined(entry for entry, _ in done)
            self._pool.remove(each.hash for each in refused)
        return sealed

    def _suspended_senders(self) -> int:
        now = time.monotonic()
        self._suspended = {sender: until for sender, until in self._suspended.items() if until > now}
        return len(self._suspended)

    def _is_suspended(self, sender: bytes) -> bool:
        return self._suspended.get(sender, 0.0) > time.monotonic()

    def _execute(
        self, state: StateAPI, header: BlockHeaderAPI, chosen: list[Pending], until: float, seconds: float
    ) -> tuple[list[tuple[Pending, Outcome]], list[RefusedTransaction]]:
        done: list[tuple[Pending, Outcome]] = []
        refused: list[RefusedTransaction] = []
        left_out: set[bytes] = set()
        used = 0
        for entry in chosen:
            if entry.sender in left_out:
                continue
            if used + entry.transaction.gas > header.gas_limit:
                left_out.add(entry.sender)
                continue
            try:
                outcome = apply_transaction(state, used, entry.transaction, seconds)
            except TakesTooLong:
                raise _Slow(entry) from None
            except ValidationError as error:
                left_out.add(entry.sender)
                refused.append(_refusal(entry, str(error), header))
                continue
            used = outcome.receipt.gas_used
            done.append((entry, outcome))
            if time.monotonic() > until:
                break
        return done, refused


def _refusal(entry: Pending, reason: str, header: BlockHeaderAPI) -> RefusedTransaction:
    return RefusedTransaction(entry.hash, entry.raw, entry.sender, reason, header.block_number)


def _signed(signer: BlockSigner, header: BlockHeaderAPI, raws: list[bytes]) -> Block:
    hashes = tuple(keccak256(raw) for raw in raws)
    return Block(header, signer.sign65(header.hash), _block_size(header, raws), hashes)


def _lock(directory: Path) -> int:
    make_folder(directory)
    path = directory / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise LedgerLocked(f"{directory}: process {holder} has this ledger open; stop it first") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _mined(block: Block, done: list[tuple[Pending, Outcome]]) -> tuple[MinedTransaction, ...]:
    mined: list[MinedTransaction] = []
    first_log = 0
    for index, (entry, outcome) in enumerate(done):
        logs = _logs(block, entry, index, outcome.receipt, first_log)
        first_log += len(logs)
        mined.append(
            MinedTransaction(
                block.number,
                block.hash,
                index,
                entry.hash,
                entry.raw,
                entry.sender,
                outcome.succeeded,
                outcome.gas_used,
                outcome.receipt.gas_used,
                outcome.contract,
                outcome.revert_data,
                logs,
            )
        )
    return tuple(mined)


def _logs(block: Block, entry: Pending, index: int, receipt: ReceiptAPI, first: int) -> tuple[LogEntry, ...]:
    return tuple(
        LogEntry(
            block.number,
            first + place,
            index,
            entry.hash,
            block.hash,
            bytes(log.address),
            tuple(topic.to_bytes(32, "big") for topic in log.topics),
            bytes(log.data),
        )
        for place, log in enumerate(receipt.logs)
    )


def _block_size(header: BlockHeaderAPI, raws: list[bytes]) -> int:
    items = [len(raw) if raw[0] >= 0xC0 else len(rlp.encode(raw)) for raw in raws]
    return _list_length(len(rlp.encode(header)) + _list_length(sum(items)) + 1)


def _list_length(payload: int) -> int:
    return payload + 1 + (0 if payload < 56 else (payload.bit_length() + 7) // 8)
