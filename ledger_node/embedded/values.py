"""What the embedded ledger stores and hands out: blocks, transactions, logs, receipts."""

from dataclasses import dataclass

from eth.abc import BlockHeaderAPI, SignedTransactionAPI

INDEX_BITS = 24
"""A row's id is its block number, shifted by this much, plus its index in the block."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log of a transaction; `index` counts within the block."""

    block_number: int
    index: int
    transaction_index: int
    transaction_hash: bytes
    block_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction in a block with the outcome of its execution.

    `revert_data` is what a failed transaction returned (empty when it ran out of gas); `gas_used` is its own,
    `cumulative_gas` that of the block up to and with it; `contract` the address a creation made.
    """

    block_number: int
    block_hash: bytes
    index: int
    hash: bytes
    raw: bytes
    sender: bytes
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    contract: bytes | None
    revert_data: bytes
    logs: tuple[LogEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedTransaction:
    """An accepted transaction that could not be executed when its turn came, with the rule by name."""

    hash: bytes
    raw: bytes
    sender: bytes
    reason: str
    block_number: int


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block: header, its 65-byte seal (r, s, v of 27 or 28, over the block hash), its transactions' hashes.

    `size` is the length in bytes of the block's RLP.
    """

    header: BlockHeaderAPI
    seal: bytes
    size: int
    transaction_hashes: tuple[bytes, ...] = ()

    @property
    def number(self) -> int:
        """The block's number."""
        return int(self.header.block_number)

    @property
    def hash(self) -> bytes:
        """Keccak-256 of the header's RLP."""
        return bytes(self.header.hash)


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A block as the sealer made it, with all that one commit must write."""

    block: Block
    transactions: tuple[MinedTransaction, ...]
    refused: tuple[RefusedTransaction, ...] = ()

    @property
    def settled(self) -> list[bytes]:
        """Hashes of all that need wait no longer."""
        return [each.hash for each in self.transactions] + [each.hash for each in self.refused]

    @property
    def logs(self) -> tuple[LogEntry, ...]:
        """All logs of the block, in order."""
        return tuple(log for transaction in self.transactions for log in transaction.logs)


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted transaction that waits for a block; `sequence` is the order of acceptance."""

    sequence: int
    hash: bytes
    sender: bytes
    raw: bytes
    transaction: SignedTransactionAPI

    @property
    def nonce(self) -> int:
        """The transaction's nonce."""
        return int(self.transaction.nonce)

    @property
    def cost(self) -> int:
        """The most wei it can take from its sender."""
        return int(self.transaction.value + self.transaction.gas * self.transaction.gas_price)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What logs to find: in blocks `first` to `last`, by any of `addresses`, with `topics` by place.

    An empty tuple matches everything; each place of `topics` lists alternatives.
    """

    first: int
    last: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()

    def matches(self, log: LogEntry) -> bool:
        """Whether `log` is one that this query asks for."""
        if not self.first <= log.block_number <= self.last:
            return False
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False))
