"""The pool: which transactions may enter, and in what order they leave. No disk, no clock.

What is accepted must be executable in the end, since its hash was answered: so nonce, funds (over all that waits
of the same sender), chain id and signature are checked here, and nothing accepted is ever replaced.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import rlp
from eth.abc import SignedTransactionAPI
from eth.exceptions import UnrecognizedTransactionType
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from ledger_node.embedded.errors import PoolError, PoolRule
from ledger_node.embedded.values import Pending
from ledger_node.embedded.vm import decode_transaction
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import address_hex
from ledger_node.secp256k1 import ORDER

MAX_TRANSACTION_BYTES = 128 * 1024
MAX_NONCE = 2**64 - 2
MAX_WAITING = 20_000
MAX_WAITING_PER_SENDER = 4_096
MAX_WORD = 2**256 - 1
_UNKNOWN_TYPES = range(2, 0x80)
_BAD_SIGNATURE = "invalid transaction v, r, s values"


@dataclass(frozen=True, slots=True)
class Account:
    """What the newest state says of a sender; `balance` in wei."""

    nonce: int
    balance: int
    has_code: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The chain's constants that a transaction is held against."""

    chain_id: int
    gas_limit: int


def read_transaction(raw: bytes, rules: Rules) -> SignedTransactionAPI:
    """Decode `raw` and check all that needs no state, in geth's order. Raises PoolError."""
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise PoolError(PoolRule.OVERSIZED, f"{len(raw)} bytes, limit {MAX_TRANSACTION_BYTES}")
    if raw and raw[0] in _UNKNOWN_TYPES:
        raise PoolError(PoolRule.TYPE)
    try:
        transaction = decode_transaction(raw)
    except (rlp.exceptions.RLPException, ValidationError, UnrecognizedTransactionType):
        raise PoolError(PoolRule.MALFORMED) from None
    if transaction.type_id is None and transaction.chain_id is None:
        raise PoolError(PoolRule.UNPROTECTED)
    if max(transaction.value, transaction.gas_price) > MAX_WORD:
        raise PoolError(PoolRule.MALFORMED)
    if transaction.gas > rules.gas_limit:
        raise PoolError(PoolRule.GAS_LIMIT, f"gas {transaction.gas}, limit {rules.gas_limit}")
    _check_signature(transaction, rules)
    if transaction.nonce > MAX_NONCE:
        raise PoolError(PoolRule.NONCE_MAX)
    needed = transaction.intrinsic_gas
    if transaction.gas < needed:
        raise PoolError(PoolRule.INTRINSIC_GAS, f"gas {transaction.gas}, minimum needed {needed}")
    return transaction


@dataclass(slots=True)
class Line:
    """What waits of one sender, by nonce, and what all of it may cost in wei; `mined`: its next nonce by the state."""

    mined: int
    waiting: dict[int, Pending] = field(default_factory=dict)
    cost: int = 0


def check_account(transaction: SignedTransactionAPI, account: Account, line: Line) -> None:
    """Check a transaction against its sender's account and what waits of the same sender. Raises PoolError."""
    if account.has_code:
        raise PoolError(PoolRule.SENDER, f"sender not an eoa: address {address_hex(transaction.sender)}")
    if transaction.nonce < account.nonce:
        raise PoolError(PoolRule.NONCE_LOW, f"next nonce {account.nonce}, tx nonce {transaction.nonce}")
    if transaction.nonce in line.waiting:
        raise PoolError(PoolRule.UNDERPRICED, "an accepted transaction has this nonce")
    cost = transaction.value + transaction.gas * transaction.gas_price
    total = cost + line.cost
    if total > account.balance:
        raise PoolError(PoolRule.FUNDS, f"balance {account.balance}, tx cost {cost}, with what waits {total}")
    if len(line.waiting) >= MAX_WAITING_PER_SENDER:
        raise PoolError(PoolRule.FULL, f"{MAX_WAITING_PER_SENDER} of this sender wait already")


class Pool:
    """Accepted transactions by sender and nonce.

    An entry is `volatile` until its row is on disk; only then may a block take it.
    """

    def __init__(self) -> None:
        self._by_hash: dict[bytes, Pending] = {}
        self._lines: dict[bytes, Line] = {}
        self._volatile: set[bytes] = set()
        self._last_sequence = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def get(self, transaction_hash: bytes) -> Pending | None:
        """The waiting transaction of that hash, when its acceptance is durable."""
        return None if transaction_hash in self._volatile else self._by_hash.get(transaction_hash)

    def line(self, sender: bytes) -> Line:
        """All that waits of `sender`; an empty line when nothing does."""
        return self._lines.get(sender) or Line(0)

    def next_nonce(self, sender: bytes, mined: int) -> int:
        """The nonce after the gapless run of waiting transactions that begins at `mined`."""
        waiting = self.line(sender).waiting
        while mined in waiting:
            mined += 1
        return mined

    def enter(self, raw: bytes, transaction: SignedTransactionAPI, mined: int) -> Pending:
        """Take a checked transaction as volatile, last in order; `mined` is its sender's nonce in the newest state.

        Raises PoolError (known, full).
        """
        transaction_hash = keccak256(raw)
        if transaction_hash in self._by_hash:
            raise PoolError(PoolRule.KNOWN)
        if len(self._by_hash) >= MAX_WAITING:
            raise PoolError(PoolRule.FULL, f"{MAX_WAITING} transactions wait already")
        entry = Pending(self._last_sequence + 1, transaction_hash, bytes(transaction.sender), raw, transaction)
        self._volatile.add(entry.hash)
        self.restore(entry, mined)
        return entry

    def restore(self, entry: Pending, mined: int) -> None:
        """Put back an entry that is on disk already; `mined` as in `enter`."""
        self._last_sequence = max(self._last_sequence, entry.sequence)
        self._by_hash[entry.hash] = entry
        line = self._lines.setdefault(entry.sender, Line(mined))
        line.waiting[entry.nonce] = entry
        line.cost += entry.cost

    def settle(self, entries: Iterable[Pending]) -> None:
        """The rows of `entries` are durable: a block may take them."""
        self._volatile.difference_update(each.hash for each in entries)

    def remove(self, hashes: Iterable[bytes]) -> None:
        """Forget entries whose commit failed, or that a block refused."""
        for each in hashes:
            entry = self._by_hash.pop(each, None)
            self._volatile.discard(each)
            if entry is not None:
                line = self._lines[entry.sender]
                line.cost -= entry.cost
                del line.waiting[entry.nonce]
                if not line.waiting:
                    del self._lines[entry.sender]

    def mined(self, entries: Iterable[Pending]) -> None:
        """Forget entries that a block executed, given in its order: their senders' next nonces follow them."""
        for entry in entries:
            self._lines[entry.sender].mined = entry.nonce + 1
            self.remove((entry.hash,))

    def has_executable(self) -> bool:
        """Whether a block could take anything."""
        return any(self._durable(line, line.mined) for line in self._lines.values())

    def executable(self) -> Iterator[Pending]:
        """Durable entries in order of acceptance, each sender's in order of nonce and without gaps."""
        heads = [self._durable(line, line.mined) for line in self._lines.values()]
        heap = [(entry.sequence, entry) for entry in heads if entry is not None]
        heapq.heapify(heap)
        while heap:
            entry = heapq.heappop(heap)[1]
            yield entry
            following = self._durable(self._lines[entry.sender], entry.nonce + 1)
            if following is not None:
                heapq.heappush(heap, (following.sequence, following))

    def _durable(self, line: Line, nonce: int) -> Pending | None:
        entry = line.waiting.get(nonce)
        return None if entry is None or entry.hash in self._volatile else entry


def _check_signature(transaction: SignedTransactionAPI, rules: Rules) -> None:
    if transaction.chain_id != rules.chain_id:
        detail = f"invalid chain id for signer: have {transaction.chain_id} want {rules.chain_id}"
        raise PoolError(PoolRule.SENDER, detail)
    in_range = 0 < transaction.r < ORDER and 0 < transaction.s <= ORDER // 2 and transaction.y_parity in (0, 1)
    try:
        if not in_range or not transaction.sender:
            raise PoolError(PoolRule.SENDER, _BAD_SIGNATURE)
    except BadSignature:
        raise PoolError(PoolRule.SENDER, _BAD_SIGNATURE) from None
