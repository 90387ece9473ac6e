"""What a member may see. One place for the rule: a record is seen by those whom it names, and by those whom what
hangs on it names; the regulator sees structure and events of all, and no member's documents.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from api.problems import ProblemError
from api.security.roles import Principal
from registry.index.alerts import Alert, alerts
from registry.index.pages import MAX_LIMIT
from registry.index.queries import Snapshot
from registry.index.refusals import Refusal
from registry.items import (
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
)

ItemT = TypeVar("ItemT")
RecordT = TypeVar("RecordT", Receipt, Pledge, Facility, Cover)
_RECEIPT_ROLES = ("owner", "keeper")
_PLEDGE_ROLES = ("pledgee", "pledgor", "keeper")
_FACILITY_ROLES = ("lender", "borrower")
_COVER_ROLES = ("insurer", "insured")


@dataclass(frozen=True, slots=True)
class Sight:
    """One member's view of one block."""

    principal: Principal
    snapshot: Snapshot

    def receipt(self, id_: bytes) -> Receipt:
        """A receipt that the member may see. Raises ProblemError not-found."""
        return self._seen(Kind.RECEIPT, id_, Receipt, self.sees_receipt)

    def facility(self, id_: bytes) -> Facility:
        """A facility that the member may see. Raises ProblemError not-found."""
        return self._seen(Kind.FACILITY, id_, Facility, self.sees_facility)

    def pledge(self, id_: bytes) -> Pledge:
        """A pledge that the member may see. Raises ProblemError not-found."""
        return self._seen(Kind.PLEDGE, id_, Pledge, self.sees_pledge)

    def review(self, id_: bytes) -> Review:
        """A review that the member may see. Raises ProblemError not-found."""
        return self._seen(Kind.REVIEW, id_, Review, self.sees_review)

    def cover(self, id_: bytes) -> Cover:
        """A cover that the member may see. Raises ProblemError not-found."""
        return self._seen(Kind.COVER, id_, Cover, self.sees_cover)

    def claim(self, cover: bytes, number: int) -> Claim:
        """A claim under a cover that the member may see. Raises ProblemError not-found."""
        self.cover(cover)
        return self._seen(Kind.CLAIM, claim_id(cover, number), Claim, lambda claim: True)

    def entity(self, number: int) -> Entity:
        """An entity; entities are known to all. Raises ProblemError not-found."""
        return self._seen(Kind.ENTITY, entity_id(number), Entity, lambda entity: True)

    def fleet(self, number: int) -> Fleet | None:
        """The devices of an entity; their number and roots are known to all."""
        found = self.snapshot.get(Key(Kind.FLEET, entity_id(number)))
        return found if isinstance(found, Fleet) else None

    def watched_entities(self) -> list[int]:
        """The member, and those whose devices watch what the member may see; of all to the regulator."""
        if self.principal.is_regulator:
            return sorted(entity.number for entity in self._every(Entity))
        found = {self.principal.entity}
        found |= {receipt.word.keeper for receipt in self.receipts()}
        found |= {facility.word.borrower for facility in self.facilities()}
        return sorted(found)

    def receipts(self) -> list[Receipt]:
        """All receipts that the member may see, newest first."""
        if self.principal.is_regulator:
            return self._every(Receipt)
        found = self._by_roles(Receipt, _RECEIPT_ROLES)
        known = {receipt.id for receipt in found}
        pledged = {pledge.terms.receipt for pledge in self.pledges()} - known
        found += _only(Receipt, (self.snapshot.get(Key(Kind.RECEIPT, id_)) for id_ in pledged))
        return sorted(found, key=lambda receipt: (receipt.issued.block, receipt.id), reverse=True)

    def pledges(self) -> list[Pledge]:
        """All pledges that the member may see, newest first."""
        if self.principal.is_regulator:
            return self._every(Pledge)
        found = self._by_roles(Pledge, _PLEDGE_ROLES)
        return sorted(found, key=lambda pledge: (pledge.made.block, pledge.id), reverse=True)

    def facilities(self) -> list[Facility]:
        """All facilities that the member may see, newest first."""
        if self.principal.is_regulator:
            return self._every(Facility)
        found = self._by_roles(Facility, _FACILITY_ROLES)
        known = {facility.id for facility in found}
        linked = {cover.terms.facility for cover in self._by_roles(Cover, _COVER_ROLES)}
        linked |= {review.opening.facility for review in self._of_panels()}
        found += _only(Facility, (self.snapshot.get(Key(Kind.FACILITY, id_)) for id_ in linked - known))
        return sorted(found, key=lambda facility: (facility.opened.block, facility.id), reverse=True)

    def reviews(self) -> list[Review]:
        """All reviews that the member may see, newest first."""
        found = {review.id: review for review in self._of_panels()}
        if self.principal.is_regulator:
            found = {review.id: review for review in self._every(Review)}
        else:
            for facility in self._by_roles(Facility, _FACILITY_ROLES):
                of_it = self._every(Review, facility=facility.id)
                found |= {review.id: review for review in of_it}
        return sorted(found.values(), key=lambda review: (review.opened.block, review.id), reverse=True)

    def covers(self) -> list[Cover]:
        """All covers that the member may see, newest first."""
        if self.principal.is_regulator:
            return self._every(Cover)
        found = {cover.id: cover for cover in self._by_roles(Cover, _COVER_ROLES)}
        for facility in self._by_roles(Facility, _FACILITY_ROLES):
            found |= {cover.id: cover for cover in self.covers_of(facility.id)}
        return sorted(found.values(), key=lambda cover: (cover.registered.block, cover.id), reverse=True)

    def claims(self) -> list[Claim]:
        """All claims under covers that the member may see, newest first."""
        found = [claim for cover in self.covers() for claim in self.claims_of(cover.id)]
        return sorted(found, key=lambda claim: (claim.opened.block, claim.cover, claim.opening.claim), reverse=True)

    def alerts(self, after: str | None, limit: int) -> tuple[list[Alert], str | None]:
        """A page of what somebody should look at, newest first, with the cursor of the next one. Raises CursorError."""
        found: list[Alert] = []
        while len(found) < limit:
            page = alerts(self.snapshot, after=after, limit=limit - len(found))
            found += [alert for alert in page.items if self._is_named(*alert.entities)]
            after = page.next
            if after is None:
                break
        return found, after

    def refusals(self, after: str | None, limit: int) -> tuple[list[Refusal], str | None]:
        """A page of refused transactions: of all to the regulator, to others their own. Raises CursorError."""
        found: list[Refusal] = []
        while len(found) < limit:
            page = self.snapshot.refusals(after=after, limit=limit - len(found))
            found += [refusal for refusal in page.items if self._sent(refusal)]
            after = page.next
            if after is None:
                break
        return found, after

    def _sent(self, refusal: Refusal) -> bool:
        sender = self.snapshot.account(refusal.sender)
        return self._is_named(*(() if sender is None else (sender.entity,)))

    def pledges_of(self, receipt: Receipt) -> list[Pledge]:
        """The pledges of a receipt that the member may see, in the order that they were made."""
        found = _only(Pledge, (self.snapshot.get(Key(Kind.PLEDGE, id_)) for id_ in receipt.pledges))
        return [pledge for pledge in found if self.sees_pledge(pledge)]

    def pledged_to(self, facility: bytes) -> list[Pledge]:
        """The pledges that secure a facility and that the member may see."""
        return [each for each in self._every(Pledge, facility=facility) if self.sees_pledge(each)]

    def covers_of(self, facility: bytes) -> list[Cover]:
        """The covers of a facility."""
        return self._every(Cover, facility=facility)

    def claims_of(self, cover: bytes) -> list[Claim]:
        """The claims under a cover."""
        return self._every(Claim, cover=cover)

    def firings_of(self, facility: bytes) -> list[Firing]:
        """What the rules of a facility fired on, newest first."""
        return self._every(Firing, facility=facility)

    def sees_receipt(self, receipt: Receipt) -> bool:
        """The holder, the keeper, whoever has or had a pledge of it, the regulator."""
        if self._is_named(receipt.word.owner, receipt.word.keeper):
            return True
        return bool(self.pledges_of(receipt))

    def sees_pledge(self, pledge: Pledge) -> bool:
        """Its parties and the regulator."""
        return self._is_named(pledge.word.pledgee, pledge.word.pledgor, pledge.terms.keeper)

    def sees_facility(self, facility: Facility) -> bool:
        """Its parties, who insures or is insured for it, who sits on its panel, the regulator."""
        if self._is_named(facility.word.lender, facility.word.borrower, *self.members_of(facility.word.panel)):
            return True
        return any(self._is_named(each.word.insurer, each.word.insured) for each in self.covers_of(facility.id))

    def sees_review(self, review: Review) -> bool:
        """The members of its panel, and whoever sees its facility."""
        if self._is_named(*self.members_of(review.word.panel)):
            return True
        found = self.snapshot.get(Key(Kind.FACILITY, review.opening.facility))
        return isinstance(found, Facility) and self.sees_facility(found)

    def sees_cover(self, cover: Cover) -> bool:
        """Its parties, the parties of its facility, the regulator."""
        if self._is_named(cover.word.insurer, cover.word.insured):
            return True
        found = self.snapshot.get(Key(Kind.FACILITY, cover.terms.facility))
        return isinstance(found, Facility) and self._is_named(found.word.lender, found.word.borrower)

    def members_of(self, panel: int) -> tuple[int, ...]:
        """The entities of a review panel."""
        found = self.snapshot.get(Key(Kind.PANEL, panel.to_bytes(2, "big")))
        return panel_entities(found) if isinstance(found, Panel) else ()

    def _of_panels(self) -> list[Review]:
        mine = []
        for panel in self._every(Panel):
            if self.principal.entity in panel_entities(panel):
                mine.append(panel.number)
        return [review for number in mine for review in self._every(Review, panel=number)]

    def _is_named(self, *entities: int) -> bool:
        return self.principal.is_regulator or self.principal.entity in entities

    def _by_roles(self, wanted: type[RecordT], roles: Sequence[str]) -> list[RecordT]:
        found: dict[bytes, RecordT] = {}
        for role in roles:
            found |= {item.id: item for item in self._every(wanted, **{role: self.principal.entity})}
        return list(found.values())

    def _every(self, wanted: type[ItemT], **having: int | bytes) -> list[ItemT]:
        """All items of a type with these tags, newest first, page after page."""
        found: list[ItemT] = []
        after: str | None = None
        while True:
            page = self.snapshot.find(wanted, after=after, limit=MAX_LIMIT, oldest_first=False, **having)
            found += page.items
            after = page.next
            if after is None:
                return found

    def _seen(self, kind: Kind, id_: bytes, wanted: type[ItemT], may: Callable[[ItemT], bool]) -> ItemT:
        found = self.snapshot.get(Key(kind, id_))
        if not isinstance(found, wanted) or not may(found):
            raise ProblemError("not-found", f"no such {kind.value} among those that this member may see")
        return found


def panel_entities(panel: Panel) -> tuple[int, ...]:
    """The entities of a panel, ascending."""
    numbers = (panel.members >> shift & 0xFFFFFFFF for shift in range(0, 256, 32))
    return tuple(each for each in numbers if each)


def _only(wanted: type[ItemT], items: Iterable[Item | None]) -> list[ItemT]:
    return [item for item in items if isinstance(item, wanted)]
