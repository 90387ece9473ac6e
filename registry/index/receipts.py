"""Receipts of a block as a node gives them, and the check that they are the ones that its header commits to.

The root is that of the Merkle-Patricia trie from RLP(index) to the receipt's encoding (Ethereum Yellow Paper 4.4.1,
EIP-2718); the bloom is that of Yellow Paper 4.4.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import rlp
from trie.hexary import HexaryTrie

from ledger_node.hashing import keccak256
from ledger_node.hexvalues import read_address, read_data, read_quantity


class ReceiptsMismatch(ValueError):
    """The receipts are not those of the block: `part` is receiptsRoot or logsBloom."""

    def __init__(self, part: str, block: int) -> None:
        super().__init__(f"block {block}: the node's receipts do not give the header's {part}")
        self.part = part
        self.block = block


@dataclass(frozen=True, slots=True)
class Log:
    """One log: `index` counts within the block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    index: int
    tx_index: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """What a transaction left: its envelope's type, status (1 done, 0 refused), gas and logs."""

    kind: int
    status: int
    cumulative_gas: int
    logs: tuple[Log, ...]
    tx_hash: bytes
    tx_index: int
    sender: bytes
    to: bytes | None


def read_receipt(raw: dict[str, object]) -> TransactionReceipt:
    """A receipt from JSON-RPC. Raises HexError that names the field."""
    to = raw.get("to")
    logs = cast("list[dict[str, object]]", raw["logs"])
    return TransactionReceipt(
        read_quantity("type", raw.get("type", "0x0"), 8),
        read_quantity("status", raw["status"], 1),
        read_quantity("cumulativeGasUsed", raw["cumulativeGasUsed"], 64),
        tuple(read_log(log) for log in logs),
        read_data("transactionHash", raw["transactionHash"], 32),
        read_quantity("transactionIndex", raw["transactionIndex"], 32),
        read_address("from", raw["from"]),
        None if to is None else read_address("to", to),
    )


def read_log(raw: dict[str, object]) -> Log:
    """A log from JSON-RPC. Raises HexError that names the field."""
    topics = cast("list[object]", raw["topics"])
    return Log(
        read_address("address", raw["address"]),
        tuple(read_data("topics", topic, 32) for topic in topics),
        read_data("data", raw["data"]),
        read_quantity("logIndex", raw["logIndex"], 32),
        read_quantity("transactionIndex", raw["transactionIndex"], 32),
        read_data("transactionHash", raw["transactionHash"], 32),
    )


def check_receipts(block: int, root: bytes, bloom: bytes, receipts: Sequence[TransactionReceipt]) -> None:
    """Checks receipts against a header's receipts root and bloom. Raises ReceiptsMismatch."""
    if receipts_root(receipts) != root:
        raise ReceiptsMismatch("receiptsRoot", block)
    if bloom_of(log for receipt in receipts for log in receipt.logs) != bloom:
        raise ReceiptsMismatch("logsBloom", block)


def receipts_root(receipts: Sequence[TransactionReceipt]) -> bytes:
    """The root of the receipts' trie, 32 bytes."""
    trie = HexaryTrie({})
    for index, receipt in enumerate(receipts):
        trie[rlp.encode(index)] = _encode(receipt)
    return bytes(trie.root_hash)


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The 2048-bit filter over addresses and topics of logs, 256 bytes."""
    bits = 0
    for log in logs:
        for value in (log.address, *log.topics):
            digest = keccak256(value)
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits.to_bytes(256, "big")


def _encode(receipt: TransactionReceipt) -> bytes:
    logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
    body: bytes = rlp.encode([receipt.status, receipt.cumulative_gas, bloom_of(receipt.logs), logs])
    return body if receipt.kind == 0 else bytes([receipt.kind]) + body
