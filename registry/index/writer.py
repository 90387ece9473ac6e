"""Blocks into the database and out of it again: each batch is one transaction, so that nothing is ever half there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ledger_node.chain_values import Log
from registry.index.bulk import prepare
from registry.index.database import WriterConnection, is_newest
from registry.index.notices import notice_of, notice_of_refusal
from registry.index.projection import Projection, take_back, touched
from registry.index.refusals import Refusal
from registry.index.rows import Rows
from registry.index.source import Block
from registry.index.tables import blocks, cursor, logs, notices, refusals, transitions
from registry.items import Key, Moment, Record
from registry.state import RECORDS, apply
from registry.transitions import Deployment, Event, Transition, decode_log


class IndexStopped(RuntimeError):
    """The index cannot go on without an operator; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Position:
    """The last block that the index has."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """A block with what was refused in it."""

    block: Block
    refused: tuple[Refusal, ...] = ()


CHANNEL = "cangdan_index"
"""Where PostgreSQL tells readers of each change, with the number of the last block; they LISTEN to it."""


class Writer:
    """The only one that changes the index: it holds the database's writer lock from its first change to `close`.

    Every change raises DatabaseError while another writer has the lock, and DBAPIError when the database goes away;
    then nothing of the change is there, or all of it: `begin` tells.
    """

    def __init__(self, engine: Engine, deployment: Deployment) -> None:
        self._engine = engine
        self._deployment = deployment
        self._held: WriterConnection | None = None
        self._projection: Projection | None = None

    def migrate(self) -> None:
        """Brings an index of an older form to the newest, and holds the lock from then on: an older indexer that
        waits for it cannot come in between and write its own form.
        """
        if not is_newest(self._engine):
            self._connection()

    def begin(self, genesis: bytes, before: Position) -> Position:
        """Where the index is; a new one begins after block `before`. Raises IndexStopped for another chain's index."""
        self._projection = None
        with self._changing() as connection:
            row = connection.execute(select(cursor)).first()
            if row is None:
                start = {"id": 1, "chain_id": self._deployment.chain_id, "genesis": genesis, "first": before.number + 1}
                connection.execute(insert(cursor).values(**start, block=before.number, hash=before.hash))
                return before
        if (row.chain_id, bytes(row.genesis)) != (self._deployment.chain_id, genesis):
            raise IndexStopped("the index follows another chain; give this chain a database of its own")
        return Position(row.block, bytes(row.hash))

    def settle(self, final: int) -> None:
        """Block `final` and all before it are final from now on; what was final before stays so."""
        with self._changing() as connection:
            connection.execute(update(cursor).where(cursor.c.final < final).values(final=final))

    def hash_at(self, number: int) -> bytes | None:
        """The hash of a block in the index or just before it, None for one that it does not know."""
        with self._engine.connect() as connection:
            return _hash_at(connection, number)

    def extend(self, batch: Sequence[Fetched], final: int = -1) -> Position:
        """Adds blocks, each the child of the one before, in one transaction; blocks up to `final` are final with it.

        Raises IndexStopped, and as `apply`.
        """
        with self._changing() as connection:
            row = connection.execute(select(cursor.c.block, cursor.c.hash, cursor.c.final)).one()
            parent = Position(row.block, bytes(row.hash))
            projection = self._projection = self._projection or Projection(connection)
            projection.begin()
            rows = Rows()
            read = [(fetched, self._events(fetched.block, rows)) for fetched in batch]
            events = (event for _, found in read for event, _ in found)
            projection.expect(key for event in events for key in touched(event, self._deployment))
            for fetched, found in read:
                header = fetched.block.header
                if header.parent_hash != parent.hash or header.number != parent.number + 1:
                    raise IndexStopped(f"block {header.number} is no child of block {parent.number} of the index")
                self._add(fetched, found, projection, rows)
                parent = Position(header.number, fetched.block.hash)
            projection.write()
            rows.write(connection)
            connection.execute(
                update(cursor).values(block=parent.number, hash=parent.hash, final=max(row.final, final))
            )
            _tell(connection, parent.number)
        return parent

    def rollback(self, to: int) -> Position:
        """Takes back every block after `to`, in one transaction.

        Raises IndexStopped when `to` is not in the index, or a block after it is final.
        """
        with self._changing() as connection:
            row = connection.execute(select(cursor.c.block, cursor.c.final)).one()
            if to < row.final:
                raise IndexStopped(
                    f"the node replaced {row.block - to} blocks after block {to}, but block {row.final} was final; "
                    "compare this node with the other members' nodes before rebuilding the index"
                )
            hash_ = _hash_at(connection, to)
            if hash_ is None:
                raise IndexStopped(f"block {to} is not in the index; rebuild it in a new database")
            connection.execute(delete(blocks).where(blocks.c.number > to))
            for table in (logs, transitions, refusals, notices):
                connection.execute(delete(table).where(table.c.block > to))
            take_back(connection, to)
            self._projection = None
            connection.execute(update(cursor).values(block=to, hash=hash_))
            _tell(connection, to)
        return Position(to, hash_)

    def close(self) -> None:
        """Gives up the lock; the next change takes it again."""
        self._projection = None
        if self._held is not None:
            self._held.close()
            self._held = None

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """One transaction. After an error the connection is given up, so that the next one begins with a sound one."""
        connection = self._connection()
        try:
            with connection.begin():
                yield connection
        except BaseException:
            self.close()
            raise

    def _connection(self) -> Connection:
        if self._held is None:
            self._held = WriterConnection(self._engine)
            prepare(self._held.connection)
        return self._held.connection

    def _events(self, block: Block, rows: Rows) -> list[tuple[Event, Log]]:
        """The events of a block, each with its log, which becomes a row."""
        at = Moment(block.number, block.header.timestamp)
        found = []
        for log in (log for receipt in block.receipts for log in receipt.logs):
            if self._deployment.name_of(log.address) is None:
                continue
            rows.log(log)
            event = decode_log(log, at, self._deployment)
            if event is not None:
                found.append((event, log))
        return found

    def _add(self, fetched: Fetched, found: Sequence[tuple[Event, Log]], projection: Projection, rows: Rows) -> None:
        rows.block(fetched.block)
        for event, log in found:
            self._apply(event, log, projection, rows)
        for refusal in fetched.refused:
            rows.refusal(refusal)
            rows.notice(notice_of_refusal(refusal), Moment(fetched.block.number, fetched.block.header.timestamp))

    def _apply(self, event: Event, log: Log, projection: Projection, rows: Rows) -> None:
        changes = apply(projection, event, self._deployment)
        for key, item in changes.items():
            projection.put(key, item, event.at.block, log.log_index)
        if isinstance(event, Transition):
            record = changes.get(Key(RECORDS[event.contract], event.id))
            if isinstance(record, Record):
                rows.transition(event, record.head, log)
        notice = notice_of(event, log.log_index)
        if notice is not None:
            rows.notice(notice, event.at)


def _hash_at(connection: Connection, number: int) -> bytes | None:
    found = connection.execute(select(blocks.c.hash).where(blocks.c.number == number)).scalar()
    if found is None:
        # The block before the index's first one is known as its parent.
        found = connection.execute(select(blocks.c.parent).where(blocks.c.number == number + 1)).scalar()
    return None if found is None else bytes(found)


def _tell(connection: Connection, number: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, str(number))))
