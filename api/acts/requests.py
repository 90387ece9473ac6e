"""What a member asks for when it drafts an act: one model an act, told apart by `act`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.times import milliseconds
from registry.documents.fields import Digest, Money
from registry.documents.terms import REASON_CODE
from registry.goods import UnitKind

Entity = Annotated[int, Field(ge=1, lt=2**32, description="number of the entity on the chain")]
Document = Annotated[dict[str, object], Field(description="a document of docs/formats/documents.md")]
SAFE = 2**53


def _with_offset(text: str) -> str:
    milliseconds(text)
    return text


Instant = Annotated[str, AfterValidator(_with_offset), Field(description="RFC 3339, with its offset")]


class Part(BaseModel):
    """camelCase keys, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Unit(Part):
    """A physical unit by its label; heat and serial numbers name their maker (LEI or USCC)."""

    kind: UnitKind
    label: Annotated[str, Field(min_length=1, max_length=120)]
    maker: str = ""


class IssueRequest(Part):
    """A receipt for goods; position and units become keyed tags, the content a commitment."""

    act: Literal["issue"]
    depositor: Entity
    keeper: Entity
    profile: Annotated[int, Field(ge=0, lt=2**16)] = 1
    flags: Annotated[int, Field(ge=0, lt=2**16)] = 0
    content: Document
    units: Annotated[tuple[Unit, ...], Field(max_length=64)] = ()
    replaces: Digest | None = None


class PledgeRequest(Part):
    """A pledge of a receipt by its owner."""

    act: Literal["pledge"]
    receipt: Digest
    pledgee: Entity
    facility: Digest | None = None
    terms: Document


class ReleaseRequest(Part):
    """The release of a live pledge by its pledgee."""

    act: Literal["release"]
    pledge: Digest


class DeliveryRequest(Part):
    """The goods leave by order of the holder."""

    act: Literal["delivery"]
    receipt: Digest
    order: Document


class ConditionRequest(Part):
    """What must be observed; schema, subject and metric are digests, as in rounds."""

    schema_: Annotated[Digest, Field(alias="schema")]
    subject: Digest
    metric: Digest
    period_ms: Annotated[int, Field(ge=0, lt=SAFE)]
    kind: Literal["mass", "movement", "image", "climate", "energy", "count", "state"]
    comparator: Literal["below", "at_most", "above", "at_least", "equal", "unequal"]
    count: Annotated[int, Field(ge=1, le=64)]
    missing_skips: bool = False
    flags: Annotated[tuple[Literal[1, 2, 3, 4, 9], ...], Field(min_length=1, description="QARTOD flags that count")]
    threshold: Annotated[str, Field(pattern=r"^(0|-?[1-9][0-9]{0,18})$", description="in 10^exp10 of the metric")]


class RuleRequest(Part):
    """A covenant that acts by itself; its salt is made here."""

    action: Literal["hold", "review", "defer", "open_claim", "notify"]
    parameter: Annotated[int, Field(ge=0, lt=2**32, description="of a deferral: days")] = 0
    single_kind: bool = False
    window_ms: Annotated[int, Field(ge=0, lt=SAFE)]
    clause: Document
    conditions: Annotated[tuple[ConditionRequest, ...], Field(min_length=1, max_length=8)]


class InstalmentRequest(Part):
    """One payment: the period that it is for, when it is due, how much."""

    period_start: Instant
    due: Instant
    amount: Money


class FacilityRequest(Part):
    """A credit with its rules and instalments; `covenants` of the terms is filled from the rules' clauses."""

    act: Literal["facility"]
    lender: Entity
    borrower: Entity
    panel: Annotated[int, Field(ge=1, lt=2**16)]
    terms: Document
    rules: Annotated[tuple[RuleRequest, ...], Field(min_length=1, max_length=32)]
    schedule: Annotated[tuple[InstalmentRequest, ...], Field(min_length=1, max_length=64)]


class DrawdownRequest(Part):
    """Money drawn under a facility."""

    act: Literal["drawdown"]
    facility: Digest
    amount: Money


class RepaymentRequest(Part):
    """An instalment paid."""

    act: Literal["repayment"]
    facility: Digest
    instalment: Annotated[int, Field(ge=0, lt=64)]
    amount: Money


class CoverRequest(Part):
    """An insurance cover, for insurer, lender and borrower to consent to; its period is that of the terms."""

    act: Literal["cover"]
    insurer: Entity
    insured: Entity
    facility: Digest
    rules: Annotated[
        tuple[Annotated[int, Field(ge=0, lt=32)], ...],
        Field(max_length=32, description="the facility's rules, from 0, whose claims open under this cover alone"),
    ]
    terms: Document


class Why(Part):
    """A reason: a code and its words."""

    code: Annotated[str, Field(pattern=REASON_CODE)]
    text: Annotated[str, Field(min_length=1, max_length=20_000)]


class ClaimDecisionRequest(Part):
    """The insurer's verdict on a claim."""

    act: Literal["claim-decision"]
    cover: Digest
    claim: Annotated[int, Field(ge=0, lt=2**16)]
    verdict: Literal["accept", "reject"]
    reason: Why


class InspectionRequest(Part):
    """A stock count or quality inspection of what a facility rests on, by the inspector who drafts it."""

    act: Literal["inspection"]
    subject: Digest
    result: Document


class DecisionRequest(Part):
    """A review panel's decision; `inspection` is the id of a signed inspection draft."""

    act: Literal["decision"]
    review: Digest
    verdict: Literal["clear", "uphold"]
    reason: Why
    inspection: Digest | None = None


class FleetRequest(Part):
    """The drafting member's devices as Merkle roots (docs/formats/fleet.md)."""

    act: Literal["fleet"]
    devices: Annotated[int, Field(ge=0, lt=2**32)]
    revoked: Annotated[int, Field(ge=0, lt=2**32)] = 0
    fleet_root: Digest
    revocation_root: Digest


DraftRequest = Annotated[
    IssueRequest
    | PledgeRequest
    | ReleaseRequest
    | DeliveryRequest
    | FacilityRequest
    | DrawdownRequest
    | RepaymentRequest
    | CoverRequest
    | ClaimDecisionRequest
    | InspectionRequest
    | DecisionRequest
    | FleetRequest,
    Field(discriminator="act"),
]
