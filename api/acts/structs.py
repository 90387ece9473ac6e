"""The consents of docs/formats/ledger.md: for each act the struct that its parties sign, and how it has its effect.

The EIP-712 types come from the structs of the registry, so that a field has one name and one type everywhere.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic.alias_generators import to_camel

from ledger_node.eip712 import Domain, Field, StructType, digest
from registry import structs

DOMAIN_NAME, DOMAIN_VERSION = "Cangdan", "1"
Consented = (
    structs.Issue
    | structs.Pledge
    | structs.Release
    | structs.Delivery
    | structs.Fleet
    | structs.Facility
    | structs.Drawdown
    | structs.Repayment
    | structs.Cover
    | structs.ClaimDecision
    | structs.Inspection
    | structs.Decision
)
"""Any struct that parties sign."""


class Act(StrEnum):
    """The acts of members, by the names that the HTTP interface uses."""

    ISSUE = "issue"
    PLEDGE = "pledge"
    RELEASE = "release"
    DELIVERY = "delivery"
    FLEET = "fleet"
    FACILITY = "facility"
    DRAWDOWN = "drawdown"
    REPAYMENT = "repayment"
    COVER = "cover"
    CLAIM_DECISION = "claim-decision"
    INSPECTION = "inspection"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Consent:
    """An act's struct, and the contract that its signatures are bound to (EIP-712 verifyingContract)."""

    struct: type[Any]
    contract: str


CONSENTS: dict[Act, Consent] = {
    Act.ISSUE: Consent(structs.Issue, "ReceiptRegistry"),
    Act.PLEDGE: Consent(structs.Pledge, "ReceiptRegistry"),
    Act.RELEASE: Consent(structs.Release, "ReceiptRegistry"),
    Act.DELIVERY: Consent(structs.Delivery, "ReceiptRegistry"),
    Act.FLEET: Consent(structs.Fleet, "DeviceRegistry"),
    Act.FACILITY: Consent(structs.Facility, "CreditBook"),
    Act.DRAWDOWN: Consent(structs.Drawdown, "CreditBook"),
    Act.REPAYMENT: Consent(structs.Repayment, "CreditBook"),
    Act.COVER: Consent(structs.Cover, "CoverBook"),
    Act.CLAIM_DECISION: Consent(structs.ClaimDecision, "CoverBook"),
    Act.INSPECTION: Consent(structs.Inspection, "ReviewBoard"),
    Act.DECISION: Consent(structs.Decision, "ReviewBoard"),
}


@cache
def struct_type(struct: type[Any]) -> StructType:
    """The EIP-712 type of a struct of the registry."""
    hints = get_type_hints(struct, include_extras=True)
    members = tuple(Field(to_camel(each.name), get_args(hints[each.name])[1]) for each in fields(struct))
    return StructType(struct.__name__, members)


def message_of(value: Consented) -> dict[str, object]:
    """The struct as the message that is signed: field names as on the chain."""
    return {to_camel(each.name): getattr(value, each.name) for each in fields(value)}


def domain_of(chain_id: int, contract: bytes) -> Domain:
    """The domain that binds a consent to a chain and to one of its contracts (20 bytes)."""
    return Domain(DOMAIN_NAME, DOMAIN_VERSION, chain_id, contract)


def digest_of(value: Consented, domain: Domain) -> bytes:
    """The 32 bytes that the parties sign."""
    return digest(domain, struct_type(type(value)), message_of(value))
