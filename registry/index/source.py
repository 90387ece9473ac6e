"""Blocks from a node, each checked against its own header before anything is read from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_node.chain_values import BlockView, Receipt
from ledger_node.chain_values import read_block as read_answer
from ledger_node.client import ChainClient
from ledger_node.headers import Header
from ledger_node.hexvalues import data_hex
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


def read_header(client: ChainClient, number: int) -> BlockView:
    """A block without receipts: its header gives the hash that the node tells. Raises SourceError and as `client`."""
    answer = client.block_json(number)
    view = read_answer(answer)
    if view.header.number != number:
        raise SourceError(f"block {number}: the node answered block {view.header.number}")
    if answer.get("hash") != data_hex(view.hash):
        raise SourceError(f"block {number}: its header does not give the hash that the node tells")
    return view


def read_block(client: ChainClient, number: int) -> Block:
    """A block with its receipts.

    Raises SourceError, ReceiptsMismatch, AnswerError, and what ChainClient raises.
    """
    view = read_header(client, number)
    receipts = client.receipts(number) if view.transactions else ()
    _check_places(view, receipts)
    check_receipts(number, view.header.receipts_root, view.header.logs_bloom, receipts)
    return Block(view.hash, view.header, view.seal, receipts)


def _check_places(view: BlockView, receipts: Sequence[Receipt]) -> None:
    """What receipts and logs say of their own place, which the header's receipts root does not cover."""
    number = view.header.number
    if tuple(receipt.transaction_hash for receipt in receipts) != view.transactions:
        raise SourceError(f"block {number}: the receipts are not those of its transactions")
    log_index = gas = 0
    for at, receipt in enumerate(receipts):
        if (receipt.block_number, receipt.block_hash, receipt.transaction_index) != (number, view.hash, at):
            raise SourceError(f"block {number}: receipt {at} says that it stands elsewhere")
        gas += receipt.gas_used
        if receipt.cumulative_gas != gas:
            raise SourceError(f"block {number}: the gas of receipt {at} does not add up")
        place = (number, view.hash, receipt.transaction_hash, at)
        for log in receipt.logs:
            if (log.block_number, log.block_hash, log.transaction_hash, log.transaction_index) != place:
                raise SourceError(f"block {number}: a log of receipt {at} says that it stands elsewhere")
            if log.log_index != log_index:
                raise SourceError(f"block {number}: log {log.log_index} stands at place {log_index}")
            log_index += 1
