"""The newest version of each item, read from the database as events ask for it, and written back as versions."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from ledger_node.bindings import events
from registry import structs
from registry.consents import digest_of
from registry.index.bulk import Row, end_tags, end_versions, insert_rows, newest
from registry.index.codec import decode, encode
from registry.index.tables import tags, versions
from registry.index.tags import Tags, tags_of
from registry.items import TYPES, Item, Key, Kind, claim_id, firing_id
from registry.state import RECORDS
from registry.transitions import Deployment, Event, Transition

BIRTH_SHIFT = 20
"""`born` is the block's number, shifted, and the log's place in the block."""
REMEMBERED = 10_000
"""At least so many of the items that were last in work stay in memory, and at most twice as many after a batch."""


class _Current(msgspec.Struct, gc=False):
    """An item in work: when it was born, the first block of its newest version that is stored, and what it is now.

    `changes` has what it became in blocks of this batch; `tags` those of the stored version.
    """

    born: int
    stored: int | None
    item: Item
    tags: Tags
    changes: dict[int, Item] = {}


class Projection:
    """The state as the database has it, with what the present batch has changed laid over it.

    It goes from batch to batch with the connection, since nobody else may write: `begin`, changes, `write`. Whoever
    cannot commit drops it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._current: dict[Key, _Current | None] = {}
        self._former: dict[Key, _Current | None] = {}
        self._changed: dict[Key, _Current] = {}

    def begin(self) -> None:
        """Before a batch: forgets the items that have not been in work for long, and what was not there."""
        if len(self._current) > REMEMBERED:
            self._former = {key: each for key, each in self._current.items() if each is not None}
            self._current = {}

    def get(self, key: Key, /) -> Item | None:
        """The item of a key as it now is."""
        current = self._find(key)
        return None if current is None else current.item

    def expect(self, keys: Iterable[Key]) -> None:
        """Reads what is probably asked for soon, many items at once."""
        by_kind: dict[Kind, set[bytes]] = {}
        for key in keys:
            if key not in self._current and not self._recall(key):
                self._current[key] = None
                by_kind.setdefault(key.kind, set()).add(key.id)
        for kind, ids in by_kind.items():
            for id_, born, start, body in newest(self._connection, kind.value, sorted(ids)):
                item = read_item(kind, body)
                self._current[Key(kind, id_)] = _Current(born, start, item, tags_of(item))

    def put(self, key: Key, item: Item, block: int, log_index: int) -> None:
        """The item as it is after an event of a block."""
        current = self._find(key)
        if current is None:
            self._current[key] = current = _Current(block << BIRTH_SHIFT | log_index, None, item, {})
        current.item = item
        current.changes[block] = item
        self._changed[key] = current

    def write(self) -> None:
        """Writes the versions of the batch: one for each block in which an item changed; and the tags that changed."""
        rows = _Rows()
        for key, current in self._changed.items():
            rows.add(key, current)
        rows.write(self._connection)
        self._changed.clear()

    def _find(self, key: Key) -> _Current | None:
        try:
            return self._current[key]
        except KeyError:
            self.expect([key])
            return self._current[key]

    def _recall(self, key: Key) -> bool:
        """Whether the key is one of those before; then it is in work again."""
        if key in self._former:
            self._current[key] = self._former.pop(key)
            return True
        return False


class _Rows:
    """What a batch's changes are in the tables."""

    def __init__(self) -> None:
        self._versions: list[Row] = []
        self._ended: list[tuple[int, str, bytes, int]] = []
        self._tags: list[Row] = []
        self._tags_ended: list[tuple[int, str, str, bytes, bytes]] = []

    def add(self, key: Key, current: _Current) -> None:
        """The changes of an item, which are none then."""
        kind, id_ = _NAMES[key.kind], key.id
        starts = list(current.changes)
        had, since = current.tags, dict[str, int]()
        if current.stored is None and len(starts) == 1:
            self._add_new(kind, id_, current, starts[0])
            return
        if current.stored is not None:
            self._ended.append((starts[0], kind, id_, current.stored))
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            item = current.changes[start]
            self._versions.append((kind, id_, start, end, current.born, encode(item)))
            has = tags_of(item)
            if has != had:
                self._retag(key, had, has, since, start)
                had = has
        self._tags += [(kind, tag, had[tag], id_, first, None) for tag, first in since.items()]
        current.stored, current.tags, current.changes = starts[-1], had, {}

    def _add_new(self, kind: str, id_: bytes, current: _Current, start: int) -> None:
        """What most are: an item that is new and changed in one block."""
        self._versions.append((kind, id_, start, None, current.born, encode(current.item)))
        current.stored, current.tags, current.changes = start, tags_of(current.item), {}
        self._tags += [(kind, tag, value, id_, start, None) for tag, value in current.tags.items()]

    def _retag(self, key: Key, had: Tags, has: Tags, since: dict[str, int], start: int) -> None:
        """`since`: from which block on an item has those of its tags that are not stored."""
        kind, id_ = _NAMES[key.kind], key.id
        for tag, value in had.items():
            if has.get(tag) == value:
                continue
            first = since.pop(tag, None)
            if first is None:
                self._tags_ended.append((start, kind, tag, value, id_))
            else:
                self._tags.append((kind, tag, value, id_, first, start))
        since |= {tag: start for tag, value in has.items() if had.get(tag) != value}

    def write(self, connection: Connection) -> None:
        """Ends what ended and inserts what is new."""
        if self._ended:
            end_versions(connection, self._ended)
        if self._tags_ended:
            end_tags(connection, self._tags_ended)
        if self._versions:
            insert_rows(connection, versions, self._versions)
        if self._tags:
            # In the order of their tree, which SQLite then visits once from one end to the other.
            insert_rows(connection, tags, sorted(self._tags))


def take_back(connection: Connection, to: int) -> None:
    """Removes the versions and tags of the blocks after `to`, and makes those before them true again."""
    query = select(versions).where(versions.c.valid_from > to)
    gone = [(Kind(row.kind), bytes(row.key), bytes(row.body)) for row in connection.execute(query)]
    if not gone:
        return
    keys = {(kind, id_) for kind, id_, _ in gone}
    had = {(kind, id_, tag) for kind, id_, body in gone for tag in tags_of(read_item(kind, body)).items()}
    connection.execute(delete(versions).where(versions.c.valid_from > to))
    of_items = [{"a_kind": kind.value, "a_key": id_} for kind, id_ in keys]
    connection.execute(update(versions).where(*_OF_ITEM, versions.c.valid_to > to).values(valid_to=None), of_items)
    for kind, id_ in keys:
        for _, _, _, body in newest(connection, kind.value, [id_]):
            had |= {(kind, id_, tag) for tag in tags_of(read_item(kind, body)).items()}
    given = [{"a_kind": k.value, "a_key": i, "a_tag": tag, "a_value": value} for k, i, (tag, value) in had]
    connection.execute(delete(tags).where(*_OF_TAG, tags.c.valid_from > to), given)
    connection.execute(update(tags).where(*_OF_TAG, tags.c.valid_to > to).values(valid_to=None), given)


def touched(event: Event, deployment: Deployment) -> Sequence[Key]:
    """Keys of items that an event reads or changes. Raises ActError for an act that its contract does not have."""
    if isinstance(event, Transition):
        record = Key(RECORDS[event.contract], event.id)
        beside = _beside(event, deployment)
        return (record,) if beside is None else (record, beside)
    match event.event:
        case events.GoodsClaimed(_, receipt, keys) | events.GoodsFreed(_, receipt, keys):
            kind = Kind.GOODS
            return (Key(Kind.RECEIPT, receipt), *[Key(kind, id_) for id_ in keys])
        case events.RoundAnchored(round_id=id_):
            return (Key(Kind.ROUND, id_),)
        case events.RuleFired(facility=facility, facility_seq=seq):
            return (Key(Kind.FIRING, firing_id(facility, seq)),)
        case _:
            return ()


def _beside(event: Transition, deployment: Deployment) -> Key | None:
    """What a transition changes beside its record."""
    match event.read()[1]:
        case structs.Pledge() as pledge:
            return Key(Kind.PLEDGE, digest_of(type(pledge), event.data, deployment))
        case structs.Release(pledge=id_):
            return Key(Kind.PLEDGE, id_)
        case structs.Registration(account=address) | structs.AccountChange(account=address):
            return Key(Kind.ACCOUNT, address)
        case structs.ClaimOpening(claim=number) | structs.ClaimDecision(claim=number):
            return Key(Kind.CLAIM, claim_id(event.id, number))
        case _:
            return None


def read_item(kind: Kind, body: bytes) -> Item:
    """The item in a version's body."""
    return decode(TYPES[kind], body)


_NAMES = {kind: kind.value for kind in Kind}
_OF_ITEM = (versions.c.kind == bindparam("a_kind"), versions.c.key == bindparam("a_key"))
_OF_TAG = (
    tags.c.kind == bindparam("a_kind"),
    tags.c.tag == bindparam("a_tag"),
    tags.c.value == bindparam("a_value"),
    tags.c.key == bindparam("a_key"),
)
