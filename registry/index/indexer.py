"""The indexer: catches up with a node block by block, follows it, and steps back where the chain has stepped back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from ledger_node.chain_values import AnswerError
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from registry.index.database import DatabaseError, lost
from registry.index.receipts import ReceiptsMismatch
from registry.index.refusals import refusals_of
from registry.index.source import Block, SourceError, read_block, read_header
from registry.index.writer import Fetched, IndexStopped, Position, Writer
from registry.transitions import Deployment

BATCH = 100
_RETRIES = 5
ASK_AGAIN = (ChainUnavailable, RpcError, SourceError, AnswerError, ReceiptsMismatch)
"""What a node that has gone, changes its head, or alters what it tells makes of a step; nothing of it is written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index is behind the node, in blocks."""

    position: Position
    head: int


class Indexer:
    """Follows one node into one index.

    `finality` is how many blocks must stand on a block until it is final, `batch` how many are
    written at once.
    """

    def __init__(
        self, client: ChainClient, writer: Writer, deployment: Deployment, finality: int, batch: int = BATCH
    ) -> None:
        self._client = self._node = client
        self._writer = writer
        self._deployment = deployment
        self._finality = finality
        self._batch = batch

    def start(self, first: int = 1) -> Position:
        """Where the index is; a new one begins at block `first`. Raises IndexStopped, ChainUnavailable, WrongChain."""
        genesis = self._client.block(0).hash
        self._client.check_chain(self._deployment.chain_id)
        before = self._client.block(first - 1)
        return self._writer.begin(genesis, Position(first - 1, before.hash))

    def close(self) -> None:
        """Lets another indexer write this index."""
        self._writer.close()

    def step(self, position: Position) -> Progress:
        """One batch forward, or back to the common ancestor.

        Raises IndexStopped when a final block was replaced, StateError and the like when events contradict each other.
        """
        # One node for the whole step: two nodes' answers need not fit together.
        self._node = self._client.pinned()
        head = self._node.block_number()
        number = min(head, position.number)
        known = position.hash if number == position.number else self._writer.hash_at(number)
        if known is not None and read_header(self._node, number).hash != known:
            return Progress(self._step_back(position, number - 1), head)
        if head < position.number:
            raise SourceError(f"the node is at block {head}, behind the index; it counts once it has caught up")
        last = min(head, position.number + self._batch)
        batch = self._fetch(position, last)
        return Progress(self._writer.extend(batch) if batch else position, head)

    def _fetch(self, position: Position, last: int) -> list[Fetched]:
        """The next blocks that are children of one another; fewer when the node stops telling them."""
        batch: list[Fetched] = []
        parent = position.hash
        for number in range(position.number + 1, last + 1):
            try:
                block = self._read(number)
                refused = tuple(refusals_of(self._node, block, self._deployment))
            except ASK_AGAIN:
                if not batch:
                    raise
                break
            if block.header.parent_hash != parent:
                break
            batch.append(Fetched(block, refused))
            parent = block.hash
        return batch

    def _read(self, number: int) -> Block:
        for _ in range(_RETRIES):
            try:
                return read_block(self._node, number)
            except SourceError:
                continue
        return read_block(self._node, number)

    def _step_back(self, position: Position, number: int) -> Position:
        """Back to the common ancestor, which is block `number` or lies before it."""
        while True:
            known = self._writer.hash_at(number)
            if known is None:
                raise IndexStopped(f"the node's chain leaves the index's before block {number}; rebuild the index")
            if read_header(self._node, number).hash == known:
                break
            number -= 1
        lost = position.number - number
        if lost > self._finality:
            raise IndexStopped(
                f"the node replaced {lost} blocks after block {number}, {self._finality} can be replaced at most; "
                "compare this node with the other members' nodes before rebuilding the index"
            )
        return self._writer.rollback(number)


def follow(
    indexer: Indexer,
    stop: threading.Event,
    poll_seconds: float,
    told: Callable[[Progress | str], None],
    first: int = 1,
) -> None:
    """Runs until `stop`; waits while the node or the database does not answer, and while another indexer writes.

    `told` hears of progress and of waiting.

    Raises IndexStopped and the errors of contradicting events: going on would make the index lie.
    """
    position: Position | None = None
    while not stop.is_set():
        try:
            position = indexer.start(first) if position is None else position
            progress = indexer.step(position)
        except ASK_AGAIN as error:
            told(str(error))
            stop.wait(poll_seconds)
            continue
        except (DatabaseError, DBAPIError) as error:
            if isinstance(error, DBAPIError) and not lost(error):
                raise
            # What was being written may be there or not: the index itself says where to go on.
            position = None
            told(str(error) if isinstance(error, DatabaseError) else "the index's database does not answer")
            stop.wait(poll_seconds)
            continue
        told(progress)
        moved = progress.position != position
        position = progress.position
        if not moved or progress.position.number >= progress.head:
            stop.wait(poll_seconds)
