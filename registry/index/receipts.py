"""The check that receipts are the ones that a block's header commits to.

The root is that of the Merkle-Patricia trie from RLP(index) to the receipt's encoding (Ethereum Yellow Paper 4.4.1,
EIP-2718); the bloom is that of Yellow Paper 4.4.3.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from operator import or_

from ledger_node.chain_values import Log, Receipt
from ledger_node.hashing import keccak256
from ledger_node.rlp_strict import rlp_list, rlp_string, scalar
from ledger_node.tries import ordered_root


class ReceiptsMismatch(ValueError):
    """The receipts are not those of the block: `part` is receiptsRoot or logsBloom."""

    def __init__(self, part: str, block: int) -> None:
        super().__init__(f"block {block}: the node's receipts do not give the header's {part}")
        self.part = part
        self.block = block


def check_receipts(block: int, root: bytes, bloom: bytes, receipts: Sequence[Receipt]) -> None:
    """Checks receipts against a header's receipts root and bloom. Raises ReceiptsMismatch."""
    if receipts_root(receipts) != root:
        raise ReceiptsMismatch("receiptsRoot", block)
    if bloom_of(log for receipt in receipts for log in receipt.logs) != bloom:
        raise ReceiptsMismatch("logsBloom", block)


def receipts_root(receipts: Sequence[Receipt]) -> bytes:
    """The root of the receipts' trie, 32 bytes."""
    return ordered_root([_encode(receipt) for receipt in receipts])


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The 2048-bit filter over addresses and topics of logs, 256 bytes."""
    bits = 0
    for log in logs:
        for value in (log.address, *log.topics):
            bits |= _bits(value)
    return bits.to_bytes(256, "big")


@lru_cache(1 << 14)
def _bits(value: bytes) -> int:
    """The three bits of one address or topic; few addresses and events make most logs."""
    digest = keccak256(value)
    return reduce(or_, (1 << (int.from_bytes(digest[at : at + 2], "big") & 2047) for at in (0, 2, 4)))


def _encode(receipt: Receipt) -> bytes:
    logs = b"".join([_log(log) for log in receipt.logs])
    status = rlp_string(scalar(int(receipt.succeeded)))
    gas = rlp_string(scalar(receipt.cumulative_gas))
    body = rlp_list(status + gas + rlp_string(bloom_of(receipt.logs)) + rlp_list(logs))
    return body if receipt.type == 0 else bytes([receipt.type]) + body


def _log(log: Log) -> bytes:
    topics = rlp_list(b"".join([b"\xa0" + topic for topic in log.topics]))
    return rlp_list(b"\x94" + log.address + topics + rlp_string(log.data))
