"""Drafting what concerns credit: facility, drawdown, repayment, cover, and the decisions of people."""

import secrets

from eth_abi.abi import encode

from api.acts.built import ZERO, Built, Desk, document, find, invalid, json_of
from api.acts.requests import (
    ClaimDecisionRequest,
    CoverRequest,
    DecisionRequest,
    DrawdownRequest,
    FacilityRequest,
    InspectionRequest,
    InstalmentRequest,
    RepaymentRequest,
    RuleRequest,
    Why,
)
from api.records.sight import panel_entities
from api.times import milliseconds
from ledger_node.bindings.constants import ClaimState, Verdict
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.merkle import PaddedTree
from oracle.formats.fields import FieldError as FileError
from oracle.formats.fields import Fields
from oracle.formats.opening import Opening
from oracle.formats.rule import Rule, rule_from_json, rule_to_json, rules_tree
from registry import items, structs
from registry.documents.fields import Money
from registry.items import Key, Kind

INSTALMENT_ABI = ["uint16", "uint64", "uint64", "bytes32"]
VERDICTS = {"clear": Verdict.CLEAR, "uphold": Verdict.UPHOLD}
CLAIM_VERDICTS = {"accept": ClaimState.ACCEPTED, "reject": ClaimState.REJECTED}


def facility(request: FacilityRequest, desk: Desk) -> Built:
    """A facility: its rules and instalments become Merkle roots, clauses and amounts commitments."""
    openings: dict[str, Opening] = {}
    rules: list[Rule] = []
    for at, asked in enumerate(request.rules):
        clause = document(asked.clause, "cangdan/clause/1", f"/rules/{at}/clause")
        openings[f"clause/{at}"] = clause
        rules.append(_rule(asked, at, clause.commitment))
    schedule: list[tuple[int, int, int, bytes]] = []
    for at, payment in enumerate(request.schedule):
        opening = _amount("instalment", at, payment.amount)
        openings[f"amount/{at}"] = opening
        schedule.append((at, *_period(payment, at), opening.commitment))
    terms = {**request.terms, "covenants": [data_hex(rule.clause) for rule in rules]}
    openings["terms"] = document(terms, "cangdan/facility-terms/1", "/terms")
    consent = structs.Facility(
        lender=request.lender,
        borrower=request.borrower,
        panel=request.panel,
        rules=len(rules),
        instalments=len(schedule),
        terms_hash=openings["terms"].commitment,
        rules_root=rules_tree(rules).root,
        schedule_root=PaddedTree([bytes(encode(INSTALMENT_ABI, each)) for each in schedule]).root,
        drafted_at=desk.now_ms,
    )
    extras: dict[str, JsonValue] = {
        "rules": [{**rule_to_json(rule), "clause": data_hex(rule.clause)} for rule in rules],
        "schedule": [
            {"ordinal": at, "periodStartMs": start, "dueMs": due, "amountHash": data_hex(commitment)}
            for at, start, due, commitment in schedule
        ],
    }
    return Built(consent, (request.lender, request.borrower), 2, openings, (), extras)


def drawdown(request: DrawdownRequest, desk: Desk) -> Built:
    """Money drawn under a facility as it now is."""
    found = find(desk, Kind.FACILITY, request.facility, items.Facility, "/facility")
    amount = _amount("drawdown", found.word.draws, request.amount)
    consent = structs.Drawdown(found.id, found.word.draws, amount.commitment, desk.now_ms)
    return Built(consent, (found.word.lender, found.word.borrower), 2, {"amount": amount})


def repayment(request: RepaymentRequest, desk: Desk) -> Built:
    """An instalment paid; the borrower gets the amount with it."""
    found = find(desk, Kind.FACILITY, request.facility, items.Facility, "/facility")
    if request.instalment >= found.word.instalments:
        raise invalid("/instalment", f"the facility has {found.word.instalments} instalments")
    amount = _amount("repayment", request.instalment, request.amount)
    consent = structs.Repayment(found.id, request.instalment, amount.commitment, desk.now_ms)
    return Built(consent, (found.word.lender,), 1, {"amount": amount}, readers=(found.word.borrower,))


def cover(request: CoverRequest, desk: Desk) -> Built:
    """An insurance cover for the period of its terms."""
    found = find(desk, Kind.FACILITY, request.facility, items.Facility, "/facility")
    if any(rule >= found.word.rules for rule in request.rules):
        raise invalid("/rules", f"the facility has {found.word.rules} rules")
    terms = document(request.terms, "cangdan/cover-terms/1", "/terms")
    content = json_of(request.terms)
    consent = structs.Cover(
        insurer=request.insurer,
        insured=request.insured,
        facility=found.id,
        rules=sum(1 << rule for rule in set(request.rules)),
        terms_hash=terms.commitment,
        start=milliseconds(str(content["start"])),
        end=milliseconds(str(content["end"])),
        drafted_at=desk.now_ms,
    )
    return Built(consent, (request.insurer, found.word.lender, found.word.borrower), 3, {"terms": terms})


def claim_decision(request: ClaimDecisionRequest, desk: Desk) -> Built:
    """The insurer's verdict; the insured reads the reason."""
    found = find(desk, Kind.COVER, request.cover, items.Cover, "/cover")
    if not isinstance(desk.book.get(Key(Kind.CLAIM, items.claim_id(found.id, request.claim))), items.Claim):
        raise invalid("/claim", "no such claim under this cover")
    reason = _reason(request.reason)
    verdict = CLAIM_VERDICTS[request.verdict]
    consent = structs.ClaimDecision(found.id, request.claim, verdict, reason.commitment, desk.now_ms)
    return Built(consent, (found.word.insurer,), 1, {"reason": reason}, readers=(found.word.insured,))


def inspection(request: InspectionRequest, desk: Desk) -> Built:
    """An inspector's result; it has its effect with the decision that names it. The facility's parties read it."""
    found = find(desk, Kind.FACILITY, request.subject, items.Facility, "/subject")
    result = document(request.result, "cangdan/inspection/1", "/result")
    taken = milliseconds(str(json_of(request.result)["takenAt"]))
    consent = structs.Inspection(found.id, desk.entity, result.commitment, taken)
    readers = (found.word.lender, found.word.borrower, *panel_members(desk, found.word.panel))
    return Built(consent, (desk.entity,), 1, {"result": result}, readers=readers)


def decision(request: DecisionRequest, desk: Desk) -> Built:
    """A decision of a review's panel: as many of its members sign as the panel requires."""
    review = find(desk, Kind.REVIEW, request.review, items.Review, "/review")
    panel = desk.book.get(Key(Kind.PANEL, review.word.panel.to_bytes(2, "big")))
    if not isinstance(panel, items.Panel):
        raise invalid("/review", "its panel is not in the index")
    inspected = ZERO
    if request.inspection is not None:
        inspected = read_data("inspection", request.inspection, 32)
        if not isinstance(desk.archive.consented(inspected), structs.Inspection):
            raise invalid("/inspection", "no such inspection is kept here")
    reason = _reason(request.reason)
    consent = structs.Decision(review.id, VERDICTS[request.verdict], reason.commitment, inspected, desk.now_ms)
    extras: dict[str, JsonValue] = {
        "facility": data_hex(review.opening.facility),
        "facilitySeq": review.opening.facility_seq,
    }
    members = panel_members(desk, review.word.panel)
    found = desk.book.get(Key(Kind.FACILITY, review.opening.facility))
    readers = (found.word.lender, found.word.borrower) if isinstance(found, items.Facility) else ()
    return Built(consent, members, panel.required, {"reason": reason}, (), extras, readers)


def panel_members(desk: Desk, number: int) -> tuple[int, ...]:
    """The entities of a panel, ascending; none when the index does not know it."""
    panel = desk.book.get(Key(Kind.PANEL, number.to_bytes(2, "big")))
    return panel_entities(panel) if isinstance(panel, items.Panel) else ()


def _rule(asked: RuleRequest, index: int, clause: bytes) -> Rule:
    value = asked.model_dump(mode="json", by_alias=True, exclude={"clause"})
    fields = Fields({**value, "salt": data_hex(secrets.token_bytes(32))}, f"rules.{index}")
    try:
        return rule_from_json(fields, index, clause)
    except FileError as error:
        place, _, rule = str(error).partition(": ")
        raise invalid("/" + place.replace(".", "/"), rule) from None


def _period(payment: InstalmentRequest, at: int) -> tuple[int, int]:
    start, due = milliseconds(payment.period_start), milliseconds(payment.due)
    if due <= start:
        raise invalid(f"/schedule/{at}/due", "must be after periodStart")
    return start, due


def _amount(purpose: str, ordinal: int, amount: Money) -> Opening:
    content: dict[str, object] = {
        "schema": "cangdan/amount/1",
        "purpose": purpose,
        "ordinal": ordinal,
        "amount": amount.model_dump(mode="json", by_alias=True),
    }
    return document(content, "cangdan/amount/1", "/amount")


def _reason(why: Why) -> Opening:
    return document({"schema": "cangdan/reason/1", "code": why.code, "text": why.text}, "cangdan/reason/1", "/reason")
