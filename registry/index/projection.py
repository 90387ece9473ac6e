"""The newest version of each item, read from the database as events ask for it, and written back as versions."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from ledger_node.bindings import events
from registry.index.bulk import Row, end_versions, insert_rows
from registry.index.codec import decode, encode
from registry.index.tables import tags, versions
from registry.index.tags import tags_of
from registry.items import TYPES, Item, Key, Kind, firing_id
from registry.state import RECORDS
from registry.transitions import Event, Transition

BIRTH_SHIFT = 20
"""`born` is the block's number, shifted, and the log's place in the block."""


@dataclass(slots=True)
class _Current:
    """An item in work: since which block it is stored or new, and what it is now."""

    born: int
    stored: bool
    item: Item


class Projection:
    """The state as the database has it, with what the present batch has changed laid over it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._current: dict[Key, _Current | None] = {}
        self._changed: dict[Key, dict[int, Item]] = {}

    def get(self, key: Key, /) -> Item | None:
        """The item of a key as it now is."""
        if key not in self._current:
            self._current[key] = self._load(key)
        current = self._current[key]
        return None if current is None else current.item

    def expect(self, keys: Iterable[Key]) -> None:
        """Reads what is probably asked for soon, many items at once."""
        by_kind: dict[Kind, set[bytes]] = {}
        for key in keys:
            if key not in self._current:
                self._current[key] = None
                by_kind.setdefault(key.kind, set()).add(key.id)
        for kind, ids in by_kind.items():
            ordered = sorted(ids)
            for first in range(0, len(ordered), _AT_ONCE):
                given = {"a_kind": kind.value, "keys": ordered[first : first + _AT_ONCE]}
                for row in self._connection.execute(_NEWEST_OF, given):
                    item = read_item(kind, row.body)
                    self._current[Key(kind, bytes(row.key))] = _Current(row.born, stored=True, item=item)

    def put(self, key: Key, item: Item, block: int, log_index: int) -> None:
        """The item as it is after an event of a block."""
        self.get(key)
        current = self._current[key]
        if current is None:
            self._current[key] = _Current(block << BIRTH_SHIFT | log_index, stored=False, item=item)
        else:
            current.item = item
        self._changed.setdefault(key, {})[block] = item

    def write(self) -> None:
        """Writes the versions of the batch: one for each block in which an item changed."""
        ends: list[tuple[str, bytes, int]] = []
        rows: list[Row] = []
        tag_rows: list[Row] = []
        for key, by_block in self._changed.items():
            current = self._current[key]
            assert current is not None
            kind, starts = key.kind.value, sorted(by_block)
            if current.stored:
                ends.append((kind, key.id, starts[0]))
            for start, end in zip(starts, [*starts[1:], None], strict=True):
                item = by_block[start]
                rows.append((kind, key.id, start, end, current.born, encode(item)))
                tag_rows += [(kind, tag, value, key.id, start) for tag, value in tags_of(item).items()]
            current.stored = True
        if ends:
            end_versions(self._connection, ends)
        if rows:
            insert_rows(self._connection, versions, rows)
        if tag_rows:
            insert_rows(self._connection, tags, tag_rows)
        self._changed.clear()

    def _load(self, key: Key) -> _Current | None:
        found = self._connection.execute(_NEWEST, {"a_kind": key.kind.value, "a_key": key.id}).first()
        return None if found is None else _Current(found.born, stored=True, item=read_item(key.kind, found.body))


def touched(event: Event) -> Iterable[Key]:
    """Keys of items that an event surely reads or changes; there may be more."""
    if isinstance(event, Transition):
        yield Key(RECORDS[event.contract], event.id)
        return
    match event.event:
        case events.GoodsClaimed(_, receipt, keys) | events.GoodsFreed(_, receipt, keys):
            yield Key(Kind.RECEIPT, receipt)
            for id_ in keys:
                yield Key(Kind.GOODS, id_)
        case events.RoundAnchored(round_id=id_):
            yield Key(Kind.ROUND, id_)
        case events.RuleFired(facility=facility, facility_seq=seq):
            yield Key(Kind.FIRING, firing_id(facility, seq))


def read_item(kind: Kind, body: str) -> Item:
    """The item in a version's body."""
    return decode(TYPES[kind], body)


_NEWEST = select(versions.c.born, versions.c.body).where(
    versions.c.kind == bindparam("a_kind"), versions.c.key == bindparam("a_key"), versions.c.valid_to.is_(None)
)
_AT_ONCE = 500
_NEWEST_OF = select(versions.c.key, versions.c.born, versions.c.body).where(
    versions.c.kind == bindparam("a_kind"),
    versions.c.key.in_(bindparam("keys", expanding=True)),
    versions.c.valid_to.is_(None),
)
