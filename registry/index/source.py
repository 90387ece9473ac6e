"""Blocks from a node, each checked against its own header before anything is read from it."""

from dataclasses import dataclass

from ledger_node.chain_values import Receipt
from ledger_node.client import ChainClient
from ledger_node.headers import Header
from registry.index.receipts import check_receipts


class SourceError(ValueError):
    """A node's answers contradict each other; asking again may help, when the chain has just changed its head."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its hash, header, seal, and the receipts of its transactions."""

    hash: bytes
    header: Header
    seal: bytes | None
    receipts: tuple[Receipt, ...]

    @property
    def number(self) -> int:
        """The block's number."""
        return self.header.number


def read_block(client: ChainClient, number: int) -> Block:
    """A block with its receipts.

    Raises SourceError, ReceiptsMismatch, AnswerError, and what ChainClient raises.
    """
    view = client.block(number)
    if view.header.number != number:
        raise SourceError(f"block {number}: the node answered block {view.header.number}")
    receipts = client.receipts(number) if view.transactions else ()
    if tuple(receipt.transaction_hash for receipt in receipts) != view.transactions:
        raise SourceError(f"block {number}: the receipts are not those of its transactions")
    check_receipts(number, view.header.receipts_root, view.header.logs_bloom, receipts)
    return Block(view.hash, view.header, view.seal, receipts)
