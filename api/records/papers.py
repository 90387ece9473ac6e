"""What a member's documents add to what is on the chain: contents, terms, amounts, rules. Nobody else's are opened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from api.acts.kinds import Act
from api.drafts import Draft, Drafts
from api.shelves import Shelves
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import read_data
from oracle.formats.fields import Fields
from oracle.formats.opening import Opening
from oracle.formats.rule import Rule, rule_from_json
from registry import structs
from registry.documents.fields import Money, Strict
from registry.documents.receipt import ReceiptContent
from registry.documents.terms import Amount, Clause, CoverTerms, FacilityTerms, Inspection, PledgeTerms, Reason
from registry.index.queries import Recorded
from registry.items import Facility, Receipt

DocumentT = TypeVar("DocumentT", bound=Strict)


@dataclass(frozen=True, slots=True)
class Planned:
    """An instalment as agreed: times in ms, the amount when the member was given it."""

    ordinal: int
    start: int
    due: int
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Agreed:
    """A rule as agreed, with the words of its clause when the member was given them."""

    rule: Rule
    clause: Clause | None


@dataclass(frozen=True, slots=True)
class Papers:
    """The documents of one member."""

    entity: int
    shelves: Shelves
    drafts: Drafts

    def opening(self, commitment: bytes) -> Opening | None:
        """The document of a commitment with its salt."""
        return self.shelves.opening(self.entity, commitment)

    def opened(self, commitment: bytes) -> JsonValue:
        """The content of a commitment, None when the member was not given it."""
        found = self.opening(commitment)
        return None if found is None else found.content

    def openings(self, commitments: Iterable[bytes]) -> list[Opening]:
        """The documents that the member was given among these commitments."""
        found = (self.opening(commitment) for commitment in commitments)
        return [opening for opening in found if opening is not None]

    def content(self, receipt: Receipt) -> ReceiptContent | None:
        """The content of a receipt."""
        return self._document(receipt.terms.content_hash, ReceiptContent)

    def facility_terms(self, facility: Facility) -> FacilityTerms | None:
        """The terms of a facility."""
        return self._document(facility.terms.terms_hash, FacilityTerms)

    def pledge_terms(self, commitment: bytes) -> PledgeTerms | None:
        """The terms of a pledge."""
        return self._document(commitment, PledgeTerms)

    def cover_terms(self, commitment: bytes) -> CoverTerms | None:
        """The terms of a cover."""
        return self._document(commitment, CoverTerms)

    def reason(self, commitment: bytes) -> Reason | None:
        """Why people decided as they did."""
        return self._document(commitment, Reason)

    def inspection(self, commitment: bytes) -> Inspection | None:
        """What an inspector found."""
        return self._document(commitment, Inspection)

    def clause(self, commitment: bytes) -> Clause | None:
        """The words of a covenant."""
        return self._document(commitment, Clause)

    def amount(self, commitment: bytes) -> Money | None:
        """The amount of a drawdown, an instalment or a repayment."""
        found = self._document(commitment, Amount)
        return None if found is None else found.amount

    def schedule(self, facility: Facility) -> list[Planned]:
        """The instalments as agreed; none to whom the facility's draft was not given."""
        draft = self._drafted(facility.id)
        if draft is None:
            return []
        return [
            Planned(row["ordinal"], row["periodStartMs"], row["dueMs"], self.amount(_commitment(row["amountHash"])))
            for row in cast("list[dict[str, Any]]", draft.extras["schedule"])
        ]

    def rules(self, facility: Facility) -> list[Agreed]:
        """The rules as agreed; none to whom the facility's draft was not given."""
        draft = self._drafted(facility.id)
        if draft is None:
            return []
        found = []
        for at, row in enumerate(cast("list[dict[str, Any]]", draft.extras["rules"])):
            commitment = _commitment(row["clause"])
            plain = {name: value for name, value in row.items() if name != "clause"}
            rule = rule_from_json(Fields(plain, f"rules[{at}]"), at, commitment)
            found.append(Agreed(rule, self.clause(commitment)))
        return found

    def sums(self, facility: Facility, history: Sequence[Recorded]) -> tuple[Money, Money] | None:
        """What was drawn and what was repaid, nothing as 0; None when terms or an amount were not given to the member.

        `history` is the facility's.
        """
        terms = self.facility_terms(facility)
        if terms is None:
            return None
        drawn, repaid, currency = 0, 0, terms.limit.currency
        for recorded in history:
            _, act = recorded.transition.read()
            if not isinstance(act, structs.Drawdown | structs.Repayment):
                continue
            amount = self.amount(act.amount_hash)
            if amount is None:
                return None
            currency = amount.currency
            if isinstance(act, structs.Drawdown):
                drawn += amount.minor
            else:
                repaid += amount.minor
        return Money(minor=drawn, currency=currency), Money(minor=repaid, currency=currency)

    def _drafted(self, facility: bytes) -> Draft | None:
        draft = self.drafts.get(facility)
        known = draft is not None and draft.act is Act.FACILITY and self.entity in draft.parties
        return draft if known else None

    def _document(self, commitment: bytes, wanted: type[DocumentT]) -> DocumentT | None:
        found = self.shelves.document(self.entity, commitment)
        return found if isinstance(found, wanted) else None


def _commitment(text: str) -> bytes:
    return read_data("commitment", text, 32)
