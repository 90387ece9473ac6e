"""Pages of blocks read before they are asked for: several at once, in order, never more than a few that wait."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from ledger_node.chain_values import AnswerError
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.endpoints import NodeBusy, TooMuch
from registry.index.paging import PageSize
from registry.index.receipts import ReceiptsMismatch
from registry.index.refusals import refusals_of
from registry.index.source import Block, SourceError, read_block, read_blocks
from registry.index.writer import Fetched
from registry.transitions import Deployment

AT_ONCE = 4
WAITING = 6
"""Pages that are read or wait to be written, at most."""
_RETRIES = 5
ASK_AGAIN = (ChainUnavailable, RpcError, SourceError, AnswerError, ReceiptsMismatch)
"""What a node that has gone, changes its head, or alters what it tells makes of a step; nothing of it is written."""
Pool = Callable[[], Executor]


def threads() -> Executor:
    """As many as there are pages in flight."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pages")


@dataclass(frozen=True, slots=True)
class Page:
    """Blocks one after the other; `fault` is why it ends before the block that it should end with."""

    fetched: tuple[Fetched, ...]
    fault: Exception | None = None


class PageReader:
    """Reads pages of one node. For several threads."""

    def __init__(self, node: ChainClient, deployment: Deployment, size: PageSize) -> None:
        """`size` is what is learnt of the node's limits."""
        self.node = node
        self._deployment = deployment
        self.size = size

    def read(self, first: int, last: int) -> Page:
        """Blocks `first` to `last`, each checked, with what was refused in it."""
        found: list[Fetched] = []
        try:
            while first + len(found) <= last:
                at = first + len(found)
                blocks = self._some(at, last) or [self._one(at)]
                for block in blocks:
                    found.append(Fetched(block, tuple(refusals_of(self.node, block, self._deployment))))
        except ASK_AGAIN as error:
            return Page(tuple(found), error)
        return Page(tuple(found))

    def _some(self, first: int, last: int) -> list[Block]:
        """As many of the blocks as the node gives at once; none when the first one must be asked for alone."""
        pauses = 0
        while pauses < _RETRIES:
            at_once = self.size.now
            last = min(last, first + at_once - 1)
            try:
                blocks = read_blocks(self.node, first, last, at_once)
            except ChainUnavailable as error:
                pauses += isinstance(error, NodeBusy)
                # A node that counts requests gains nothing by more and smaller ones; one that counts what is in them
                # asks for a pause again.
                if pauses != 1:
                    self.size.refused(last - first + 1)
                if isinstance(error, TooMuch) and at_once == 1:
                    break
                if not isinstance(error, TooMuch | NodeBusy):
                    raise
                continue
            self.size.went(last - first + 1, sum(len(each.logs) for block in blocks for each in block.receipts))
            return blocks
        return []

    def _one(self, number: int) -> Block:
        for _ in range(_RETRIES):
            try:
                return read_block(self.node, number)
            except SourceError:
                continue
        return read_block(self.node, number)


class Ahead:
    """The blocks of one node from `first` on, in order, read while those before them are written."""

    def __init__(self, reader: PageReader, first: int, pool: Pool = threads) -> None:
        self.reader = reader
        self._pool = pool()
        self._pages: deque[tuple[int, Future[Page]]] = deque()
        self.next = self._unread = first
        """`next` is the block that `take` begins with."""

    def take(self, head: int, most: int) -> Page:
        """The next page, with those after it that are there already, up to `most` blocks in all.

        What is beyond it is read on, as far as block `head`. A page with a fault is the last one that is good.
        """
        self._read_on(head)
        asked, future = self._pages.popleft()
        page = future.result()
        while page.fault is None and self._pages:
            count, future = self._pages[0]
            if asked + count > most or not future.done():
                break
            self._pages.popleft()
            asked += count
            more = future.result()
            page = Page(page.fetched + more.fetched, more.fault)
        self.next += asked
        self._read_on(head)
        return page

    def close(self) -> None:
        """Reads nothing more; what is being read is forgotten."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read_on(self, head: int) -> None:
        while len(self._pages) < WAITING and self._unread <= head:
            last = min(self._unread + self.reader.size.now - 1, head)
            self._pages.append((last - self._unread + 1, self._pool.submit(self.reader.read, self._unread, last)))
            self._unread = last + 1
