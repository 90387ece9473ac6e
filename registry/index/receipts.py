"""The check that receipts are the ones that a block's header commits to.

The root is that of the Merkle-Patricia trie from RLP(index) to the receipt's encoding (Ethereum Yellow Paper 4.4.1,
EIP-2718); the bloom is that of Yellow Paper 4.4.3.
"""

from collections.abc import Iterable, Sequence

import rlp
from trie.hexary import HexaryTrie

from ledger_node.chain_values import Log, Receipt
from ledger_node.hashing import keccak256


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


def _encode(receipt: Receipt) -> bytes:
    logs = [[log.address, list(log.topics), log.data] for log in receipt.logs]
    fields = [int(receipt.succeeded), receipt.cumulative_gas, bloom_of(receipt.logs), logs]
    body: bytes = rlp.encode(fields)
    return body if receipt.type == 0 else bytes([receipt.type]) + body
