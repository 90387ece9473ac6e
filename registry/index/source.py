"""Blocks from a node over JSON-RPC, each checked against its own header before anything is read from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from ledger_node.canonical_json import dumps
from ledger_node.headers import Header, header_json, read_header
from ledger_node.hexvalues import data_hex, read_data
from registry.index.receipts import TransactionReceipt, check_receipts, read_receipt

EMPTY_TRIE = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")


class Rpc(Protocol):
    """JSON-RPC as the index needs it: one call, and many calls in one request."""

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """The result of one call."""

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[object]:
        """The results of many calls, in order."""


class SourceError(ValueError):
    """A node's answer contradicts itself or leaves out what was asked for."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its hash, its header, the header's canonical JSON, and the receipts of its transactions."""

    hash: bytes
    header: Header
    text: str
    receipts: tuple[TransactionReceipt, ...]

    @property
    def number(self) -> int:
        """The block's number."""
        return self.header.number


def read_blocks(rpc: Rpc, first: int, last: int) -> list[Block]:
    """The blocks `first` to `last` with their receipts. Raises SourceError, HeaderError, ReceiptsMismatch, HexError."""
    numbers = range(first, last + 1)
    answers = rpc.batch([("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
    headers = [read_head(answer) for answer in answers]
    for number, (_, header) in zip(numbers, headers, strict=True):
        if header.number != number:
            raise SourceError(f"block {number}: the node answered block {header.number}")
    full = [hash_ for hash_, header in headers if header.transactions_root != EMPTY_TRIE]
    receipts = dict(zip(full, rpc.batch([("eth_getBlockReceipts", (data_hex(hash_),)) for hash_ in full]), strict=True))
    return [_block(hash_, header, receipts.get(hash_, [])) for hash_, header in headers]


def read_head(answer: object) -> tuple[bytes, Header]:
    """Hash and header of a block's JSON; the hash must be that of the header. Raises SourceError, HeaderError."""
    if not isinstance(answer, dict):
        raise SourceError("block: the node does not have it")
    header = read_header(answer)
    hash_ = read_data("block.hash", answer.get("hash"), 32)
    if header.hash() != hash_:
        raise SourceError(f"block {header.number}: its hash is not that of its header")
    return hash_, header


def _block(hash_: bytes, header: Header, answer: object) -> Block:
    if not isinstance(answer, list):
        raise SourceError(f"block {header.number}: the node does not have its receipts")
    receipts = tuple(read_receipt(cast("dict[str, object]", each)) for each in answer)
    check_receipts(header.number, header.receipts_root, header.logs_bloom, receipts)
    return Block(hash_, header, dumps(header_json(header)).decode(), receipts)
