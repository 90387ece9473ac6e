"""Questions to the index, each as of one block; answers are the value types of registry.items."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Row,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from ledger_node.canonical_json import loads
from ledger_node.finality import newest_final
from ledger_node.headers import Header, read_header
from registry.acts import Contract
from registry.index.codec import decode
from registry.index.pages import Page, check_limit, read_cursor, read_place, write_cursor
from registry.index.projection import read_item
from registry.index.refusals import Refusal
from registry.index.tables import blocks, cursor, notices, refusals, tags, transitions, versions
from registry.index.tags import number
from registry.items import TYPES, Account, Entity, Fleet, Item, Key, Kind, Moment, Oracles, entity_id
from registry.transitions import Transition

T = TypeVar("T")
_KINDS: dict[object, Kind] = {type_: kind for kind, type_ in TYPES.items()}


class UnknownBlock(LookupError):
    """The index does not have the block; the message says how far it goes."""


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block of the index; `time` in seconds."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transition with the record's head after it and where it stands."""

    transition: Transition
    head: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What happened, in the order of the chain: name, item, and what of it was kept (registry.index.notices)."""

    event: str
    kind: str
    key: bytes
    at: Moment
    position: int
    body: bytes


class Index:
    """The index for readers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def head(self) -> BlockRef | None:
        """The last block of the index, None while it has none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(blocks).join(cursor, cursor.c.block == blocks.c.number)).first()
        return None if row is None else BlockRef(row.number, bytes(row.hash), row.time)

    def final(self, finality: int) -> int:
        """The newest final block, below 0 while there is none; `finality` blocks on top make one final.

        What was final stays so when the chain became shorter. Asked before what it is to be said of is read: a block
        up to it is not replaced any more.
        """
        with self._engine.connect() as connection:
            row = connection.execute(select(cursor.c.block, cursor.c.final)).first()
        return -1 if row is None else max(row.final, newest_final(row.block, finality))

    def block(self, height: int) -> BlockRef:
        """A block by its number. Raises UnknownBlock."""
        with self._engine.connect() as connection:
            row = connection.execute(select(blocks).where(blocks.c.number == height)).first()
        if row is None:
            head = self.head()
            raise UnknownBlock(f"block {height} is not in the index, which {_reach(head)}")
        return BlockRef(row.number, bytes(row.hash), row.time)

    def block_at(self, time: int) -> BlockRef:
        """The last block whose time (s) is not after `time`. Raises UnknownBlock."""
        query = select(blocks).where(blocks.c.time <= time).order_by(blocks.c.number.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UnknownBlock("no block of the index is that old")
        return BlockRef(row.number, bytes(row.hash), row.time)

    def header(self, height: int) -> tuple[Header, bytes | None]:
        """Header and seal of a block. Raises UnknownBlock."""
        with self._engine.connect() as connection:
            query = select(blocks.c.header, blocks.c.seal).where(blocks.c.number == height)
            row = connection.execute(query).first()
        if row is None:
            raise UnknownBlock(f"block {height} is not in the index")
        return read_header(loads(row.header.encode())), None if row.seal is None else bytes(row.seal)

    def as_of(self, height: int | None = None) -> "Snapshot":
        """The state after a block, by default the last one. Raises UnknownBlock."""
        if height is not None:
            return Snapshot(self._engine, self.block(height))
        head = self.head()
        if head is None:
            raise UnknownBlock("the index has no block yet")
        return Snapshot(self._engine, head)

    def notices(self, after: tuple[int, int], upto: int, limit: int = 100) -> tuple[NoticeRow, ...]:
        """Notices after a place (block, position) up to a block, oldest first."""
        place = tuple_(notices.c.block, notices.c.position)
        query = select(notices).where(place > after, notices.c.block <= upto)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(notices.c.block, notices.c.position).limit(limit)).all()
        return tuple(notice_row(row) for row in rows)


class Snapshot:
    """The state after one block."""

    def __init__(self, engine: Engine, block: BlockRef) -> None:
        self._engine = engine
        self.block = block

    def get(self, key: Key, /) -> Item | None:
        """The item of a key, None when there was none."""
        query = select(versions.c.body).where(
            versions.c.kind == key.kind.value, versions.c.key == key.id, self._valid()
        )
        with self._engine.connect() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else read_item(key.kind, body)

    def one(self, kind: type[T], id_: bytes) -> T | None:
        """The item of a type and id, None when there was none."""
        return cast("T | None", self.get(Key(_KINDS[kind], id_)))

    def find(
        self,
        kind: type[T],
        *,
        after: str | None = None,
        limit: int = 50,
        oldest_first: bool = False,
        **having: int | bytes | None,
    ) -> Page[T]:
        """The items of a type with all these tags (registry.index.tags), newest first. Raises CursorError."""
        check_limit(limit)
        query = select(versions).where(versions.c.kind == _KINDS[kind].value, self._valid())
        for tag, value in having.items():
            if value is not None:
                query = self._tagged(query, tag, value)
        place = tuple_(versions.c.born, versions.c.key)
        if after is not None:
            since = tuple_(*(literal(each) for each in read_cursor(after)))
            query = query.where(place > since if oldest_first else place < since)
        order = (versions.c.born, versions.c.key)
        query = query.order_by(*(order if oldest_first else [column.desc() for column in order])).limit(limit + 1)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        items = tuple(cast("T", read_item(_KINDS[kind], row.body)) for row in rows[:limit])
        return Page(items, write_cursor(rows[limit - 1].born, rows[limit - 1].key) if len(rows) > limit else None)

    def count(self, kind: type[Item], **having: int | bytes | None) -> int:
        """How many items of a type have all these tags."""
        query = select(versions.c.key).where(versions.c.kind == _KINDS[kind].value, self._valid())
        for tag, value in having.items():
            if value is not None:
                query = self._tagged(query, tag, value)
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()

    def entity(self, index: int) -> Entity | None:
        """An entity by its number."""
        return self.one(Entity, entity_id(index))

    def fleet(self, index: int) -> Fleet | None:
        """An entity's fleet."""
        return self.one(Fleet, entity_id(index))

    def account(self, address: bytes) -> Account | None:
        """An account by its address."""
        return self.one(Account, address)

    def oracles(self) -> Oracles | None:
        """The oracle set in force."""
        found = self.find(Oracles, limit=1).items
        return found[0] if found else None

    def history(self, contract: Contract, id_: bytes) -> tuple[Recorded, ...]:
        """All transitions of a record up to this block, oldest first."""
        query = select(transitions).where(
            transitions.c.contract == contract.value,
            transitions.c.record == id_,
            transitions.c.block <= self.block.number,
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(transitions.c.seq)).all()
        return tuple(_recorded(row) for row in rows)

    def refusals(self, *, after: str | None = None, limit: int = 50, act: str | None = None) -> Page[Refusal]:
        """Refused transactions up to this block, newest first. Raises CursorError."""
        check_limit(limit)
        query = select(refusals).where(refusals.c.block <= self.block.number)
        if act is not None:
            query = query.where(refusals.c.act == act)
        if after is not None:
            query = query.where(tuple_(refusals.c.block, refusals.c.tx_index) < read_place(after))
        query = query.order_by(refusals.c.block.desc(), refusals.c.tx_index.desc()).limit(limit + 1)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        items = tuple(decode(Refusal, row.body) for row in rows[:limit])
        last = items[-1] if len(rows) > limit else None
        return Page(items, None if last is None else write_cursor(last.at.block, last.tx_index.to_bytes(4, "big")))

    def connection(self) -> Connection:
        """A connection for further questions of this package."""
        return self._engine.connect()

    def _tagged(self, query: Select[Any], tag: str, value: int | bytes) -> Select[Any]:
        own = tags.alias()
        raw = number(value) if isinstance(value, int) else value
        here = and_(own.c.kind == versions.c.kind, own.c.key == versions.c.key)
        return query.join(own, here).where(own.c.tag == tag, own.c.value == raw, self._valid(own))

    def _valid(self, table: FromClause = versions) -> ColumnElement[bool]:
        upto = self.block.number
        return and_(table.c.valid_from <= upto, or_(table.c.valid_to.is_(None), table.c.valid_to > upto))


def _reach(head: BlockRef | None) -> str:
    return "has no block yet" if head is None else f"reaches block {head.number}"


def notice_row(row: Row[Any]) -> NoticeRow:
    """A notice from its row."""
    return NoticeRow(row.event, row.kind, bytes(row.key), Moment(row.block, row.time), row.position, bytes(row.body))


def _recorded(row: Row[Any]) -> Recorded:
    at = Moment(row.block, row.time)
    word = int.from_bytes(row.word, "big")
    transition = Transition(Contract(row.contract), bytes(row.record), row.act, row.seq, word, bytes(row.data), at)
    return Recorded(transition, bytes(row.head), bytes(row.tx_hash), row.log_index)
