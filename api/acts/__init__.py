"""Acts that need consent: what a draft asks for, the typed data that its parties sign, the call that has the effect."""

from api.acts import credit_acts, goods_acts
from api.acts.built import Built, Desk
from api.acts.requests import (
    ClaimDecisionRequest,
    CoverRequest,
    DecisionRequest,
    DeliveryRequest,
    DraftRequest,
    DrawdownRequest,
    FacilityRequest,
    FleetRequest,
    InspectionRequest,
    IssueRequest,
    PledgeRequest,
    ReleaseRequest,
    RepaymentRequest,
)


def build(request: DraftRequest, desk: Desk) -> Built:
    """The drafted act of a request. Raises ProblemError that points at the field."""
    match request:
        case IssueRequest():
            return goods_acts.issue(request, desk)
        case PledgeRequest():
            return goods_acts.pledge(request, desk)
        case ReleaseRequest():
            return goods_acts.release(request, desk)
        case DeliveryRequest():
            return goods_acts.delivery(request, desk)
        case FleetRequest():
            return goods_acts.fleet(request, desk)
        case FacilityRequest():
            return credit_acts.facility(request, desk)
        case DrawdownRequest():
            return credit_acts.drawdown(request, desk)
        case RepaymentRequest():
            return credit_acts.repayment(request, desk)
        case CoverRequest():
            return credit_acts.cover(request, desk)
        case ClaimDecisionRequest():
            return credit_acts.claim_decision(request, desk)
        case InspectionRequest():
            return credit_acts.inspection(request, desk)
        case DecisionRequest():
            return credit_acts.decision(request, desk)
