"""Blocks from a node, each checked against its own header before anything is read from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from ledger_node.batches import Call
from ledger_node.chain_values import AnswerError, BlockView, Receipt
from ledger_node.chain_values import read_block as read_answer
from ledger_node.client import ChainClient
from ledger_node.headers import Header
from ledger_node.hexvalues import data_hex
from registry.index.receipts import ReceiptsMismatch, check_receipts

_This = TypeVar("_This")
_That = TypeVar("_That")
_Found = TypeVar("_Found")


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
    return _view(number, client.block_json(number))


def read_block(client: ChainClient, number: int) -> Block:
    """A block with its receipts.

    Raises SourceError, ReceiptsMismatch, AnswerError, and what ChainClient raises.
    """
    view = read_header(client, number)
    return _checked(view, client.receipts(number) if view.transactions else ())


def read_blocks(client: ChainClient, first: int, last: int, at_once: int) -> list[Block]:
    """Blocks `first` to `last`, with at most `at_once` requests in one; only those before one that does not hold.

    Raises ChainUnavailable and TooMuch; what is wrong with the block after the last one is told by `read_block`.
    """
    views: list[BlockView] = []
    for at in range(first, last + 1, at_once):
        numbers = range(at, min(at + at_once, last + 1))
        answers = client.request_all([Call("eth_getBlockByNumber", (hex(each), False)) for each in numbers])
        views += _holding(_view, numbers, answers)
        if len(views) < numbers.stop - first:
            break
    busy = [view for view in views if view.transactions]
    told = dict(zip((view.hash for view in busy), client.receipts_of(busy, at_once) if busy else (), strict=False))
    whole = list(takewhile(lambda view: view.hash in told or not view.transactions, views))
    return _holding(_checked, whole, [told.get(view.hash, ()) for view in whole])


def _holding(check: Callable[[_This, _That], _Found], these: Iterable[_This], those: Iterable[_That]) -> list[_Found]:
    """What the check gives for each, up to the first that does not hold."""
    found: list[_Found] = []
    for this, that in zip(these, those, strict=True):
        try:
            found.append(check(this, that))
        except (SourceError, AnswerError, ReceiptsMismatch):
            break
    return found


def _view(number: int, answer: object) -> BlockView:
    if not isinstance(answer, Mapping):
        raise SourceError(f"block {number}: the node does not tell it")
    view = read_answer(answer)
    if view.header.number != number:
        raise SourceError(f"block {number}: the node answered block {view.header.number}")
    if answer.get("hash") != data_hex(view.hash):
        raise SourceError(f"block {number}: its header does not give the hash that the node tells")
    return view


def _checked(view: BlockView, receipts: Sequence[Receipt]) -> Block:
    _check_places(view, receipts)
    check_receipts(view.header.number, view.header.receipts_root, view.header.logs_bloom, receipts)
    return Block(view.hash, view.header, view.seal, tuple(receipts))


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
