"""What a member may see: one rule for each kind of record, which lists, pages, proofs, alerts and notices all ask.

A record is seen by those whom it names (`NAMED`), by those whom a record that hangs on it names (`HANGING`), by those
whom the record that it belongs to names (`UNDER`); a part is seen by whoever sees its whole (`PART_OF`). A pledge gives
sight of its receipt up to the block of its release: of later blocks the receipt is not there for who was its pledgee,
while the pledge itself stays (`KEPT`). So a receipt is seen whole or not at all, and what is seen can be proved. The
regulator sees structure and events of all, and no member's documents. Entities and rounds are known to all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from api.problems import ProblemError
from api.security.roles import Principal
from registry.index.alerts import Alert, alerts
from registry.index.pages import MAX_LIMIT
from registry.index.queries import Snapshot
from registry.index.refusals import Refusal
from registry.index.tags import number, tags_of
from registry.items import (
    TYPES,
    Claim,
    Cover,
    Entity,
    Facility,
    Firing,
    Fleet,
    Item,
    Key,
    Kind,
    Panel,
    Pledge,
    Receipt,
    Review,
    claim_id,
    entity_id,
    firing_id,
)

ItemT = TypeVar("ItemT", bound=Item)
Seen = Receipt | Pledge | Facility | Cover | Review | Claim | Firing
"""The kinds of records that not everybody sees."""
SeenT = TypeVar("SeenT", bound=Seen)

NAMED: dict[type[object], tuple[str, ...]] = {
    Receipt: ("owner", "keeper"),
    Pledge: ("pledgee", "pledgor", "keeper"),
    Facility: ("lender", "borrower"),
    Cover: ("insurer", "insured"),
    Review: ("panel",),
}
"""The tags (registry.index.tags) by which a record names those who see it; of a panel, all who sit on it."""
HANGING: dict[type[object], tuple[tuple[type[Seen], str], ...]] = {
    Receipt: ((Pledge, "receipt"),),
    Facility: ((Cover, "facility"), (Review, "facility")),
}
"""Records that point with a tag at a record, and share it with whom they name: who has a pledge of a receipt;
who insures or is insured for a facility; who sits on the panel of a review of it."""
UNDER: dict[type[object], tuple[type[Seen], str]] = {Cover: (Facility, "facility")}
"""The record that a record points at with a tag, and whose named parties see it too: the parties of the facility."""
PART_OF: dict[type[object], tuple[type[Seen], str]] = {
    Pledge: (Receipt, "receipt"),
    Review: (Facility, "facility"),
    Firing: (Facility, "facility"),
    Claim: (Cover, "cover"),
}
"""The whole that a part points at with a tag."""
KEPT: frozenset[type[object]] = frozenset({Pledge})
"""The parts that those whom they name see also when they no longer see the whole."""
_KINDS: dict[object, Kind] = {type_: kind for kind, type_ in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Sight:
    """One member's view of one block."""

    principal: Principal
    snapshot: Snapshot

    def sees(self, record: Seen) -> bool:
        """Whether the member may see a record of this block."""
        kind = type(record)
        if self.principal.is_regulator:
            return True
        if kind in PART_OF:
            whole = self._pointed(record, PART_OF[kind])
            if whole is not None and self.sees(whole):
                return True
            return kind in KEPT and self._is_named_by(record)
        if self._is_named_by(record):
            return True
        above = self._pointed(record, UNDER[kind]) if kind in UNDER else None
        hanging = (each for other, tag in HANGING.get(kind, ()) for each in self.all(other, **{tag: _id(record)}))
        if above is not None and self._is_named_by(above):
            return True
        return any(self._lends_sight(each) and self._is_named_by(each) for each in hanging)

    def sees_key(self, key: Key) -> bool:
        """Whether the member may see what stands under a key in this block; False where nothing stands."""
        found = self.snapshot.get(key)
        if isinstance(found, Receipt | Pledge | Facility | Cover | Review | Claim | Firing):
            return self.sees(found)
        return found is not None

    def one(self, kind: type[SeenT], id_: bytes) -> SeenT:
        """The record of an id, if the member may see it. Raises ProblemError not-found."""
        found = self.snapshot.one(kind, id_)
        if found is None or not self.sees(found):
            ended = self.sight_ended(found) if isinstance(found, Receipt) else None
            raise _not_found(_KINDS[kind], ended)
        return found

    def sight_ended(self, receipt: Receipt) -> int | None:
        """The last block up to which a receipt that the member does not see was its to see; None for no such block."""
        pledges = _only(Pledge, (self.snapshot.get(Key(Kind.PLEDGE, id_)) for id_ in receipt.pledges))
        blocks = [each.released.block for each in pledges if each.released is not None and self._is_named_by(each)]
        return max(blocks, default=None)

    def every(self, kind: type[SeenT]) -> list[SeenT]:
        """All records of a kind that the member may see, newest first."""
        if self.principal.is_regulator:
            return self.all(kind)
        found = {_id(each): each for each in self._candidates(kind)}
        return sorted(found.values(), key=place, reverse=True)

    def all(self, kind: type[ItemT], **having: int | bytes) -> list[ItemT]:
        """All items of a type with these tags, newest first, whoever may see them."""
        found: list[ItemT] = []
        after: str | None = None
        while True:
            page = self.snapshot.find(kind, after=after, limit=MAX_LIMIT, oldest_first=False, **having)
            found += page.items
            after = page.next
            if after is None:
                return found

    def entity(self, index: int) -> Entity:
        """An entity; entities are known to all. Raises ProblemError not-found."""
        found = self.snapshot.entity(index)
        if found is None:
            raise _not_found(Kind.ENTITY)
        return found

    def fleets(self) -> list[Fleet]:
        """The member's own devices and those that watch what it may see, by entity; of all to the regulator."""
        if self.principal.is_regulator:
            watched = {entity.number for entity in self.all(Entity)}
        else:
            watched = {self.principal.entity}
            watched |= {receipt.word.keeper for receipt in self.every(Receipt)}
            watched |= {facility.word.borrower for facility in self.every(Facility)}
        return list(_only(Fleet, (self.snapshot.get(Key(Kind.FLEET, entity_id(each))) for each in sorted(watched))))

    def alerts(self, after: str | None, limit: int) -> tuple[list[Alert], str | None]:
        """A page of what somebody should look at, newest first, with the cursor of the next one. Raises CursorError."""
        found: list[Alert] = []
        while len(found) < limit:
            page = alerts(self.snapshot, after=after, limit=limit - len(found))
            found += [alert for alert in page.items if self.sees_alert(alert)]
            after = page.next
            if after is None:
                break
        return found, after

    def sees_alert(self, alert: Alert) -> bool:
        """Whoever sees what the alert is about; of a refused act, who sent it."""
        if alert.refusal is not None:
            return self.sees_refusal(alert.refusal)
        return self.sees_key(Key(Kind(alert.subject), alert.key))

    def refusals(self, after: str | None, limit: int) -> tuple[list[Refusal], str | None]:
        """A page of refused transactions: of all to the regulator, to others their own. Raises CursorError."""
        found: list[Refusal] = []
        while len(found) < limit:
            page = self.snapshot.refusals(after=after, limit=limit - len(found))
            found += [refusal for refusal in page.items if self.sees_refusal(refusal)]
            after = page.next
            if after is None:
                break
        return found, after

    def sees_refusal(self, refusal: Refusal) -> bool:
        """The member whose account sent the transaction, and the regulator."""
        if self.principal.is_regulator:
            return True
        sender = self.snapshot.account(refusal.sender)
        return sender is not None and sender.entity == self.principal.entity

    def pledges_of(self, receipt: Receipt) -> list[Pledge]:
        """The pledges of a receipt that the member may see, in the order that they were made."""
        found = _only(Pledge, (self.snapshot.get(Key(Kind.PLEDGE, id_)) for id_ in receipt.pledges))
        return [pledge for pledge in found if self.sees(pledge)]

    def parts(self, kind: type[SeenT], **having: bytes) -> list[SeenT]:
        """The records with these tags that the member may see, newest first."""
        return [each for each in self.all(kind, **having) if self.sees(each)]

    def members_of(self, panel: int) -> tuple[int, ...]:
        """The entities of a review panel."""
        found = self.snapshot.get(Key(Kind.PANEL, panel.to_bytes(2, "big")))
        return panel_entities(found) if isinstance(found, Panel) else ()

    def _candidates(self, kind: type[SeenT]) -> Iterator[SeenT]:
        """The same rule from the other end: from what names the member to the records that this lets it see."""
        if kind in PART_OF and kind not in KEPT:
            whole, tag = PART_OF[kind]
            for each in self.every(whole):
                yield from self.all(kind, **{tag: _id(each)})
            return
        yield from self._naming(kind)
        if kind in KEPT:
            ids = {id_ for receipt in self.every(Receipt) for id_ in receipt.pledges}
            ids -= {_id(pledge) for pledge in self._naming(Pledge)}
            yield from _only(kind, (self.snapshot.get(Key(Kind.PLEDGE, id_)) for id_ in ids))
        for other, tag in HANGING.get(kind, ()):
            ids = {tags_of(each)[tag] for each in self._naming(other) if self._lends_sight(each)}
            yield from _only(kind, (self.snapshot.get(Key(_KINDS[kind], id_)) for id_ in ids))
        if kind in UNDER:
            above, tag = UNDER[kind]
            for whole_ in self._naming(above):
                yield from self.all(kind, **{tag: _id(whole_)})

    def _naming(self, kind: type[SeenT]) -> Iterator[SeenT]:
        """The records of a kind that name the member."""
        for tag in NAMED[kind]:
            for value in self._values(tag):
                yield from self.all(kind, **{tag: value})

    def _lends_sight(self, hanging: Seen) -> bool:
        """Whether a record still shows what it hangs on: a pledge does up to the block in which it was released."""
        released = hanging.released if isinstance(hanging, Pledge) else None
        return released is None or released.block == self.snapshot.block.number

    def _is_named_by(self, record: Seen) -> bool:
        tags = tags_of(record)
        return any(tags[tag] == number(value) for tag in NAMED[type(record)] for value in self._values(tag))

    def _values(self, tag: str) -> list[int]:
        """What a tag says when it names the member."""
        if tag != "panel":
            return [self.principal.entity]
        return [panel.number for panel in self.all(Panel) if self.principal.entity in panel_entities(panel)]

    def _pointed(self, record: Seen, by: tuple[type[Seen], str]) -> Seen | None:
        kind, tag = by
        return self.snapshot.one(kind, tags_of(record)[tag])


def place(record: Seen) -> tuple[int, str]:
    """Where a record stands in the lists: the block that it began in, and its id, so that no two are alike."""
    match record:
        case Receipt():
            began = record.issued
        case Pledge():
            began = record.made
        case Cover():
            began = record.registered
        case Firing():
            began = record.at
        case _:
            began = record.opened
    return began.block, _id(record).hex()


def panel_entities(panel: Panel) -> tuple[int, ...]:
    """The entities of a panel, ascending."""
    numbers = (panel.members >> shift & 0xFFFFFFFF for shift in range(0, 256, 32))
    return tuple(each for each in numbers if each)


def _id(record: Seen) -> bytes:
    """The id in a record's key."""
    match record:
        case Claim():
            return claim_id(record.cover, record.opening.claim)
        case Firing():
            return firing_id(record.facility, record.facility_seq)
        case _:
            return record.id


def _not_found(kind: Kind, ended: int | None = None) -> ProblemError:
    detail = f"no such {kind.value} among those that this member may see"
    if ended is not None:
        detail += f"; its pledge was released in block {ended}: ask for what was until then with as_of_block={ended}"
    return ProblemError("not-found", detail)


def _only(wanted: type[ItemT], items: Iterable[Item | None]) -> Iterator[ItemT]:
    return (item for item in items if isinstance(item, wanted))
