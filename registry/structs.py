"""The structs of acts as contracts/interfaces define them; field names in snake case, times in milliseconds."""

from dataclasses import dataclass
from typing import Annotated

U8 = Annotated[int, "uint8"]
U16 = Annotated[int, "uint16"]
U32 = Annotated[int, "uint32"]
U64 = Annotated[int, "uint64"]
U256 = Annotated[int, "uint256"]
B32 = Annotated[bytes, "bytes32"]
Address = Annotated[bytes, "address"]


@dataclass(frozen=True, slots=True)
class Registration:
    """A new entity and its first account."""

    kind: U8
    id_hash: B32
    account: Address


@dataclass(frozen=True, slots=True)
class AccountChange:
    """An account added or revoked; role 1 SIGNER, 2 ADMIN."""

    account: Address
    role: U8


@dataclass(frozen=True, slots=True)
class GroupChange:
    """The group of affiliated companies, 0 for none."""

    group: U32


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An entity suspended or reinstated."""

    status: U8
    reason: B32


@dataclass(frozen=True, slots=True)
class ConsentWithdrawal:
    """Consents drafted before a time (ms) withdrawn."""

    before: U64


@dataclass(frozen=True, slots=True)
class DraftWithdrawal:
    """The consent to one draft withdrawn."""

    digest: B32


@dataclass(frozen=True, slots=True)
class Fleet:
    """An entity's devices at one epoch."""

    entity: U32
    epoch: U32
    devices: U32
    revoked: U32
    fleet_root: B32
    revocation_root: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Issue:
    """A receipt as depositor and keeper signed it; its EIP-712 digest is the receipt's id."""

    content_hash: B32
    depositor: U32
    keeper: U32
    profile: U16
    flags: U16
    quantity: U64
    position_key: B32
    unit_keys_hash: B32
    replaces: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Pledge:
    """A pledge as pledgor, keeper and pledgee signed it; its EIP-712 digest is the pledge's id."""

    receipt: B32
    seq: U32
    pledgor: U32
    keeper: U32
    pledgee: U32
    facility: B32
    terms_hash: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Release:
    """The release of a pledge."""

    pledge: B32
    pledge_seq: U32
    pledgee: U32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Delivery:
    """The goods left."""

    receipt: B32
    seq: U32
    holder: U32
    keeper: U32
    order_hash: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The receipt gave way to another."""

    replaced_by: B32


@dataclass(frozen=True, slots=True)
class HoldOrder:
    """An authority placed or cleared one hold bit of a receipt."""

    receipt: B32
    bit: U8
    authority: U32
    order_hash: B32
    clearing_hash: B32


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility as lender and borrower signed it; its EIP-712 digest is the facility's id."""

    lender: U32
    borrower: U32
    panel: U16
    rules: U8
    instalments: U16
    terms_hash: B32
    rules_root: B32
    schedule_root: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Money drawn."""

    facility: B32
    draw: U16
    amount_hash: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Repayment:
    """An instalment paid."""

    facility: B32
    instalment: U16
    amount_hash: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule fired; `evidence` is keccak256 of RuleFired's `firing`, `slot` (ms) the latest of the evidence."""

    rule: U8
    action: U8
    rule_leaf: B32
    evidence: B32
    slot: U64
    target: B32
    due_ms: U64


@dataclass(frozen=True, slots=True)
class Clearing:
    """A rule's hold cleared by the review that opened with it."""

    rule: U8
    review: B32


@dataclass(frozen=True, slots=True)
class Closing:
    """A facility closed by its lender."""

    by: U32


@dataclass(frozen=True, slots=True)
class ReviewOpening:
    """A review of what a rule did."""

    facility: B32
    facility_seq: U32
    rule: U8
    action: U8
    evidence: B32


@dataclass(frozen=True, slots=True)
class Decision:
    """What the reviewers signed."""

    review: B32
    verdict: U8
    reason: B32
    inspection: B32
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the inspector signed; all zero when there was none."""

    subject: B32
    inspector: U32
    result_hash: B32
    taken_at: U64


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """A decided review; `members` has the signing members, 32 bits each, the first in the lowest bits."""

    decision: Decision
    inspection: Inspection
    members: U256


@dataclass(frozen=True, slots=True)
class Cover:
    """An insurance cover as insurer and insured signed it; its EIP-712 digest is the cover's id."""

    insurer: U32
    insured: U32
    facility: B32
    terms_hash: B32
    start: U64
    end: U64
    drafted_at: U64


@dataclass(frozen=True, slots=True)
class ClaimOpening:
    """A claim that a rule opened."""

    claim: U16
    facility: B32
    evidence: B32
    slot: U64


@dataclass(frozen=True, slots=True)
class ClaimDecision:
    """The insurer's verdict on a claim."""

    cover: B32
    claim: U16
    verdict: U8
    reason: B32
    drafted_at: U64


Act = (
    Registration | AccountChange | GroupChange | StatusChange | ConsentWithdrawal | DraftWithdrawal | Fleet | Issue
    | Pledge | Release | Delivery | Cancellation | HoldOrder | Facility | Drawdown | Repayment | Firing | Clearing
    | Closing | ReviewOpening | ReviewOutcome | Cover | ClaimOpening | ClaimDecision
)  # fmt: skip
"""Any struct that is the data of a transition."""
