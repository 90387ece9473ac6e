"""The indexer: catches up with a node block by block, follows it, and steps back where the chain has stepped back."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from ledger_node.client import ChainClient
from ledger_node.finality import newest_final
from registry.index.ahead import ASK_AGAIN, Ahead, Page, PageReader, Pool, threads
from registry.index.database import DatabaseError, lost
from registry.index.paging import MOST, PageSize
from registry.index.source import SourceError, read_header
from registry.index.waking import Waker
from registry.index.writer import Fetched, IndexStopped, Position, Writer
from registry.transitions import Deployment

BATCH = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index is behind the node, in blocks."""

    position: Position
    head: int


class Indexer:
    """Follows one node into one index.

    `finality` is how many blocks must stand on a block until it is final, `batch` how many are written at once.
    While there are more to read, `pool` reads on beside the writing.
    """

    def __init__(
        self,
        client: ChainClient,
        writer: Writer,
        deployment: Deployment,
        finality: int,
        batch: int = BATCH,
        pool: Pool = threads,
    ) -> None:
        self._client = self._node = client
        self._writer = writer
        self._deployment = deployment
        self._finality = finality
        self._batch = batch
        self._pool = pool
        self._size = PageSize(min(batch, MOST))
        self._ahead: Ahead | None = None

    def start(self, first: int = 1) -> Position:
        """Where the index is; a new one begins at block `first`. Raises IndexStopped, ChainUnavailable, WrongChain."""
        genesis = self._client.block(0).hash
        self._client.check_chain(self._deployment.chain_id)
        before = self._client.block(first - 1)
        position = self._writer.begin(genesis, Position(first - 1, before.hash))
        self._writer.settle(newest_final(position.number, self._finality))
        return position

    def close(self) -> None:
        """Lets another indexer write this index."""
        self._forget()
        self._writer.close()

    def step(self, position: Position) -> Progress:
        """One batch forward, or back to the common ancestor.

        Raises IndexStopped when a final block was replaced, StateError and the like when events contradict each other.
        """
        # One node for the whole step, and for what is read ahead: two nodes' answers need not fit together.
        self._node = self._client.pinned() if self._ahead is None else self._ahead.reader.node
        try:
            return self._step(position)
        except BaseException:
            self._forget()
            raise

    def _step(self, position: Position) -> Progress:
        head = self._node.block_number()
        number = min(head, position.number)
        known = position.hash if number == position.number else self._writer.hash_at(number)
        if known is not None and read_header(self._node, number).hash != known:
            self._forget()
            return Progress(self._step_back(number - 1), head)
        if head < position.number:
            raise SourceError(f"the node is at block {head}, behind the index; it counts once it has caught up")
        batch = self._fetch(position, head)
        if not batch:
            return Progress(position, head)
        # By the blocks written here, not by the head that the node names: a number alone makes nothing final.
        final = newest_final(batch[-1].block.header.number, self._finality)
        return Progress(self._writer.extend(batch, final), head)

    def _fetch(self, position: Position, head: int) -> list[Fetched]:
        """The next blocks that are children of one another; fewer when the node stops telling them."""
        page = self._page(position, head)
        if page.fault is not None and not page.fetched:
            raise page.fault
        batch: list[Fetched] = []
        parent = position.hash
        for fetched in page.fetched:
            if fetched.block.header.parent_hash != parent:
                break
            batch.append(fetched)
            parent = fetched.block.hash
        if page.fault is not None or len(batch) < len(page.fetched):
            self._forget()
        return batch

    def _page(self, position: Position, head: int) -> Page:
        first = position.number + 1
        if self._ahead is not None and (self._ahead.next != first or head < first):
            self._forget()
        if self._ahead is None:
            reader = PageReader(self._node, self._deployment, self._size)
            if head - position.number <= self._batch:
                return reader.read(first, head)
            self._ahead = Ahead(reader, first, self._pool)
        page = self._ahead.take(head, self._batch)
        if self._ahead.next > head:
            self._forget()
        return page

    def _forget(self) -> None:
        """What was read ahead is no longer wanted."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def _step_back(self, number: int) -> Position:
        """Back to the common ancestor, which is block `number` or lies before it; never below a final block."""
        while True:
            known = self._writer.hash_at(number)
            if known is None:
                raise IndexStopped(f"the node's chain leaves the index's before block {number}; rebuild the index")
            if read_header(self._node, number).hash == known:
                break
            number -= 1
        return self._writer.rollback(number)


def follow(indexer: Indexer, waker: Waker, told: Callable[[Progress | str], None], first: int = 1) -> None:
    """Runs until the waker stops it; waits while the node or the database does not answer, or another indexer writes.

    `told` hears of progress and of waiting.

    Raises IndexStopped and the errors of contradicting events: going on would make the index lie.
    """
    position: Position | None = None
    while not waker.stopped:
        try:
            position = indexer.start(first) if position is None else position
            progress = indexer.step(position)
        except ASK_AGAIN as error:
            told(str(error))
            waker.wait(None)
            continue
        except (DatabaseError, DBAPIError) as error:
            if isinstance(error, DBAPIError) and not lost(error):
                raise
            # What was being written may be there or not: the index itself says where to go on.
            position = None
            told(str(error) if isinstance(error, DatabaseError) else "the index's database does not answer")
            waker.wait(None)
            continue
        told(progress)
        moved = progress.position != position
        position = progress.position
        if not moved or progress.position.number >= progress.head:
            waker.wait(position.number)
