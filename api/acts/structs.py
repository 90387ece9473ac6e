"""The consents of docs/formats/ledger.md: for each act its EIP-712 struct, the contract that checks it, its parties."""

from dataclasses import dataclass
from enum import StrEnum

from ledger_node.eip712 import StructType, struct

DOMAIN_NAME, DOMAIN_VERSION = "Cangdan", "1"


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
    """What the parties of an act sign. `parties` are the fields that hold their entity indexes, in signing order;
    empty when they are the members of a review panel."""

    struct: StructType
    contract: str
    parties: tuple[str, ...]


CONSENTS: dict[Act, Consent] = {
    Act.ISSUE: Consent(
        struct(
            "Issue",
            "bytes32 contentHash",
            "uint32 depositor",
            "uint32 keeper",
            "uint16 profile",
            "uint16 flags",
            "uint64 quantity",
            "bytes32 positionKey",
            "bytes32 unitKeysHash",
            "bytes32 replaces",
            "uint64 draftedAt",
        ),
        "ReceiptRegistry",
        ("depositor", "keeper"),
    ),
    Act.PLEDGE: Consent(
        struct(
            "Pledge",
            "bytes32 receipt",
            "uint32 seq",
            "uint32 pledgor",
            "uint32 keeper",
            "uint32 pledgee",
            "bytes32 facility",
            "bytes32 termsHash",
            "uint64 draftedAt",
        ),
        "ReceiptRegistry",
        ("pledgor", "keeper", "pledgee"),
    ),
    Act.RELEASE: Consent(
        struct("Release", "bytes32 pledge", "uint32 pledgeSeq", "uint32 pledgee", "uint64 draftedAt"),
        "ReceiptRegistry",
        ("pledgee",),
    ),
    Act.DELIVERY: Consent(
        struct(
            "Delivery",
            "bytes32 receipt",
            "uint32 seq",
            "uint32 holder",
            "uint32 keeper",
            "bytes32 orderHash",
            "uint64 draftedAt",
        ),
        "ReceiptRegistry",
        ("holder", "keeper"),
    ),
    Act.FLEET: Consent(
        struct(
            "Fleet",
            "uint32 entity",
            "uint32 epoch",
            "uint32 devices",
            "uint32 revoked",
            "bytes32 fleetRoot",
            "bytes32 revocationRoot",
            "uint64 draftedAt",
        ),
        "DeviceRegistry",
        ("entity",),
    ),
    Act.FACILITY: Consent(
        struct(
            "Facility",
            "uint32 lender",
            "uint32 borrower",
            "uint16 panel",
            "uint8 rules",
            "uint16 instalments",
            "bytes32 termsHash",
            "bytes32 rulesRoot",
            "bytes32 scheduleRoot",
            "uint64 draftedAt",
        ),
        "CreditBook",
        ("lender", "borrower"),
    ),
    Act.DRAWDOWN: Consent(
        struct("Drawdown", "bytes32 facility", "uint16 draw", "bytes32 amountHash", "uint64 draftedAt"),
        "CreditBook",
        ("lender", "borrower"),
    ),
    Act.REPAYMENT: Consent(
        struct("Repayment", "bytes32 facility", "uint16 instalment", "bytes32 amountHash", "uint64 draftedAt"),
        "CreditBook",
        ("lender",),
    ),
    Act.COVER: Consent(
        struct(
            "Cover",
            "uint32 insurer",
            "uint32 insured",
            "bytes32 facility",
            "bytes32 termsHash",
            "uint64 start",
            "uint64 end",
            "uint64 draftedAt",
        ),
        "CoverBook",
        ("insurer", "insured"),
    ),
    Act.CLAIM_DECISION: Consent(
        struct("ClaimDecision", "bytes32 cover", "uint16 claim", "uint8 verdict", "bytes32 reason", "uint64 draftedAt"),
        "CoverBook",
        ("insurer",),
    ),
    Act.INSPECTION: Consent(
        struct("Inspection", "bytes32 subject", "uint32 inspector", "bytes32 resultHash", "uint64 takenAt"),
        "ReviewBoard",
        ("inspector",),
    ),
    Act.DECISION: Consent(
        struct(
            "Decision", "bytes32 review", "uint8 verdict", "bytes32 reason", "bytes32 inspection", "uint64 draftedAt"
        ),
        "ReviewBoard",
        (),
    ),
}
