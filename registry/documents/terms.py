"""The contents of terms, orders, inspections and reasons that acts on the chain commit to."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from registry.documents.fields import (
    Bps,
    Date,
    Digest,
    LongText,
    Money,
    Party,
    Positive,
    Strict,
    Text,
    Time,
    Unit,
    Whole,
)

REASON_CODE = r"^[A-Z][A-Z0-9_]{1,31}$"
"""What the code of a reason looks like."""


class PledgeTerms(Strict):
    """The terms of a pledge, as Civil Code article 427 demands them; forfeiture (流质) cannot be expressed."""

    schema_: Annotated[Literal["cangdan/pledge-terms/1"], Field(alias="schema")]
    pledgor: Party
    pledgee: Party
    debt_kind: Text
    debt: Money
    term_from: Date
    term_to: Date
    goods: Text
    quantity: Positive
    unit: Unit
    scope: Text
    delivery: Text

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        if self.term_to < self.term_from:
            raise ValueError("termTo: lies before termFrom")
        return self


class FacilityTerms(Strict):
    """The terms of a facility; rate in basis points a year."""

    schema_: Annotated[Literal["cangdan/facility-terms/1"], Field(alias="schema")]
    lender: Party
    borrower: Party
    limit: Money
    rate_bps: Whole
    purpose: Text
    term_from: Date
    term_to: Date
    covenants: list[Digest]
    warning_bps: Bps | None = None
    liquidation_bps: Bps | None = None


class Clause(Strict):
    """The text of one covenant: what suffices, what it does, and what a firing discloses."""

    schema_: Annotated[Literal["cangdan/clause/1"], Field(alias="schema")]
    number: Text
    title: Text
    text: LongText
    discloses: Text


class Amount(Strict):
    """The amount of one drawdown, instalment or repayment."""

    schema_: Annotated[Literal["cangdan/amount/1"], Field(alias="schema")]
    purpose: Literal["drawdown", "instalment", "repayment"]
    ordinal: Whole
    amount: Money


class CoverTerms(Strict):
    """The terms of an insurance cover."""

    schema_: Annotated[Literal["cangdan/cover-terms/1"], Field(alias="schema")]
    insurer: Party
    insured: Party
    sum: Money
    perils: list[Text]
    start: Time
    end: Time


class DeliveryOrder(Strict):
    """The holder's order to deliver goods, with the charges that were paid."""

    schema_: Annotated[Literal["cangdan/delivery-order/1"], Field(alias="schema")]
    order_no: Text
    receipt: Digest
    deliver_to: Text
    quantity: Positive
    unit: Unit
    charges: Money
    charges_paid: bool

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        if not self.charges_paid:
            raise ValueError("chargesPaid: goods leave only when the charges are paid")
        return self


class Inspection(Strict):
    """The result of a stock count or quality inspection."""

    schema_: Annotated[Literal["cangdan/inspection/1"], Field(alias="schema")]
    subject: Text
    inspector: Text
    taken_at: Time
    method: Text
    finding: LongText
    quantity: Whole | None = None
    unit: Unit | None = None

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        if (self.quantity is None) != (self.unit is None):
            raise ValueError("unit: quantity and unit come together")
        return self


class Reason(Strict):
    """Why a review or a claim was decided as it was."""

    schema_: Annotated[Literal["cangdan/reason/1"], Field(alias="schema")]
    code: Annotated[str, Field(pattern=REASON_CODE)]
    text: LongText


class EntityNames(Strict):
    """A legal entity's identity: registered name, second name where there is one, and LEI or USCC."""

    schema_: Annotated[Literal["cangdan/entity/1"], Field(alias="schema")]
    name: Text
    local_name: Text | None = None
    id: Text
