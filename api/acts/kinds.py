"""The acts of members, by the names that the HTTP interface uses, and the struct that the parties of each sign."""

from enum import StrEnum

from registry import structs
from registry.consents import Consent


class Act(StrEnum):
    """What members do by consent."""

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


STRUCTS: dict[Act, type[Consent]] = {
    Act.ISSUE: structs.Issue,
    Act.PLEDGE: structs.Pledge,
    Act.RELEASE: structs.Release,
    Act.DELIVERY: structs.Delivery,
    Act.FLEET: structs.Fleet,
    Act.FACILITY: structs.Facility,
    Act.DRAWDOWN: structs.Drawdown,
    Act.REPAYMENT: structs.Repayment,
    Act.COVER: structs.Cover,
    Act.CLAIM_DECISION: structs.ClaimDecision,
    Act.INSPECTION: structs.Inspection,
    Act.DECISION: structs.Decision,
}
