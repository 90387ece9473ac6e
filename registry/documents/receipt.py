"""The content of a warehouse receipt (仓单): the fields that law and trade practice demand.

UNCITRAL/UNIDROIT Model Law on Warehouse Receipts (2024) article 10, UCC 7-202, GB/T 30332-2024. What happens to a
receipt later (endorsements, deliveries, pledges, replacement) is on the chain and not part of its content.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from registry.documents.fields import Bps, Date, Digest, LegalId, Money, Party, Positive, Strict, Text, Time, Unit


class Keeper(Party):
    """The warehouse operator with its licence."""

    licence: Text


class Agreement(Strict):
    """The storage agreement: its date and the commitment of its text."""

    date: Date
    hash: Digest


class StoragePlace(Strict):
    """Where the goods lie: site, building and, where there is one, the bin."""

    site: Text
    building: Text
    bin: Text | None = None


class Goods(Strict):
    """What the goods are: name, grade and coded specification."""

    name: Text
    grade: Text
    spec: Text
    packaging: Text
    pieces: Positive
    marks: Text


class Quality(Strict):
    """The stated quality and the commitment of its certificate."""

    statement: Text
    certificate_hash: Digest


class StorageFee(Strict):
    """The fee and the period that it is for."""

    amount: Money
    per: Literal["day", "week", "month", "year", "whole"]


class ThirdPartyClaim(Strict):
    """A claim on the goods that the depositor declares."""

    claimant: Text
    claim: Text


class Insurance(Strict):
    """Insurance of the goods."""

    insurer: Text
    sum: Money
    start: Date
    end: Date


class ReceiptContent(Strict):
    """A receipt's content, version 1. `quantity` is in whole base units of `unit`; times carry their offset."""

    schema_: Annotated[Literal["cangdan/receipt/1"], Field(alias="schema")]
    label: Literal["仓单"]
    receipt_no: Text
    rights_notice: Text
    negotiable: bool
    deliver_to: Text
    keeper: Keeper
    depositor: Party
    holder: Party
    issued_at: Time
    issue_place: Text
    storage_agreement: Agreement
    storage_place: StoragePlace
    storage_from: Date
    storage_to: Date
    goods: Goods
    quantity: Positive
    unit: Unit
    quality: Quality
    loss_standard_bps: Bps
    storage_fee: StorageFee
    third_party_claims: list[ThirdPartyClaim]
    keeper_owns_goods: bool
    commingled: bool
    said_to_contain: bool
    medium: Literal["electronic", "paper"]
    legal_profile: Text
    unit_ids: list[Text]
    device_ids: list[Text]
    lien_or_advances: Money | None = None
    field_warehousing: LegalId | None = None
    pool: Text | None = None
    insurance: Insurance | None = None
    replaces: Digest | None = None

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        if self.commingled != (self.pool is not None):
            raise ValueError("pool: is demanded of commingled goods, and of them alone")
        if self.commingled and self.unit_ids:
            raise ValueError("unitIds: commingled goods have none")
        if self.storage_to < self.storage_from:
            raise ValueError("storageTo: lies before storageFrom")
        if self.insurance is not None and self.insurance.end < self.insurance.start:
            raise ValueError("insurance.end: lies before insurance.start")
        if self.keeper_owns_goods != (self.keeper.id == self.depositor.id):
            raise ValueError("keeperOwnsGoods: must say whether keeper and depositor are one")
        if len(set(self.unit_ids)) != len(self.unit_ids):
            raise ValueError("unitIds: one stands twice")
        return self
