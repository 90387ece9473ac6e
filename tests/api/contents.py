"""Documents that the tests of the interface send, with canary words that must stay where they belong."""

from typing import Any

from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from tests.api.seed import PANEL

CANARY = "Zanzibar-Kupfer"
CANARY_AMOUNT = 91_357_213
PARTY_B = {"name": "First Consortium Bank", "id": "5493001KJTIIGC8Y1R12", "address": "2 Bund"}
HASH = "0x" + "ab" * 32


def receipt_content(units: list[str]) -> dict[str, Any]:
    return {
        "schema": "cangdan/receipt/1",
        "label": "仓单",
        "receiptNo": "HW-2026-0001",
        "rightsNotice": "The holder may demand delivery.",
        "negotiable": True,
        "deliverTo": "the holder",
        "keeper": {**PARTY_B, "licence": "W-17"},
        "depositor": PARTY_C,
        "holder": PARTY_C,
        "issuedAt": "2026-09-21T08:00:00+08:00",
        "issuePlace": "Shanghai",
        "storageAgreement": {"date": "2026-09-01", "hash": HASH},
        "storagePlace": {"site": "HW-3", "building": "HALL-B", "bin": "BAY-1"},
        "storageFrom": "2026-09-21",
        "storageTo": "2027-09-20",
        "goods": {
            "name": CANARY, "grade": "C19400", "spec": "0.3 mm", "packaging": "steel band", "pieces": 3, "marks": "A",
        },
        "quantity": 24_560,
        "unit": "KGM",
        "quality": {"statement": "within specification", "certificateHash": HASH},
        "lossStandardBps": 10,
        "storageFee": {"amount": {"minor": 1200, "currency": "CNY"}, "per": "day"},
        "thirdPartyClaims": [],
        "keeperOwnsGoods": False,
        "commingled": False,
        "saidToContain": False,
        "medium": "electronic",
        "legalProfile": "CN",
        "unitIds": units,
        "deviceIds": ["scale-1"],
    }  # fmt: skip


PARTY_C = {"name": "Owner Works", "id": "549300MLUDYVRQOOXS22", "address": "4 Lane"}


def issue_request(depositor: int, keeper: int) -> dict[str, object]:
    labels = ["E28011606000020F1A7B3C01", "E28011606000020F1A7B3C02"]
    return {
        "act": "issue",
        "depositor": depositor,
        "keeper": keeper,
        "content": receipt_content(labels),
        "units": [{"kind": "rfid", "label": label} for label in labels],
    }


def other_issue_request(depositor: int, keeper: int, bin_: str) -> dict[str, object]:
    """Goods in a bin of their own, without labels that another receipt holds."""
    content = receipt_content([])
    content["storagePlace"]["bin"] = bin_
    return {**issue_request(depositor, keeper), "content": content, "units": []}


def clause(number: int) -> dict[str, object]:
    return {
        "schema": "cangdan/clause/1",
        "number": f"7.{number}",
        "title": "Goods leave",
        "text": "Goods move without an order while the weight is below 24,000 kg.",
        "discloses": "this rule and its window",
    }


def condition(name: str, kind: str, **changes: object) -> dict[str, object]:
    return {
        "schema": digest_of("schema " + name), "subject": digest_of("bay 1"), "metric": digest_of(name), "periodMs": 0,
        "kind": kind, "comparator": "above", "count": 1, "flags": [1], "threshold": "0", **changes,
    }  # fmt: skip


def digest_of(name: str) -> str:
    return data_hex(keccak256(name.encode()))


def rule(**changes: object) -> dict[str, object]:
    conditions = [
        condition("movement", "movement"),
        condition("mass", "mass", count=2, periodMs=60_000, threshold="23999"),
    ]
    return {"action": "hold", "windowMs": 600_000, "clause": clause(1), "conditions": conditions, **changes}


def rules() -> list[dict[str, object]]:
    daily = [condition("yield", "energy", count=3, periodMs=60_000)]
    stuck = [condition("stuck", "state")]
    return [
        rule(),
        rule(action="defer", parameter=30, singleKind=True, clause=clause(2), conditions=daily),
        rule(action="open_claim", singleKind=True, clause=clause(3), conditions=stuck),
    ]


def facility_request(lender: int, borrower: int) -> dict[str, object]:
    amount = {"minor": CANARY_AMOUNT, "currency": "CNY"}
    return {
        "act": "facility",
        "lender": lender,
        "borrower": borrower,
        "panel": PANEL,
        "terms": {
            "schema": "cangdan/facility-terms/1",
            "lender": PARTY_B,
            "borrower": PARTY_C,
            "limit": amount,
            "rateBps": 420,
            "purpose": "working capital",
            "termFrom": "2026-10-01",
            "termTo": "2027-09-30",
        },
        "rules": rules(),
        "schedule": [
            {
                "periodStart": f"2026-{month:02}-01T00:00:00+08:00",
                "due": f"2026-{month + 1:02}-01T00:00:00+08:00",
                "amount": {"minor": 1_204_311 + month, "currency": "CNY"},
            }
            for month in (8, 9, 10)
        ],
    }


def pledge_terms() -> dict[str, object]:
    return {
        "schema": "cangdan/pledge-terms/1",
        "pledgor": PARTY_C,
        "pledgee": PARTY_B,
        "debtKind": "loan",
        "debt": {"minor": 91_357_213, "currency": "CNY"},
        "termFrom": "2026-10-01",
        "termTo": "2027-09-30",
        "goods": CANARY,
        "quantity": 24_560,
        "unit": "KGM",
        "scope": "principal and interest",
        "delivery": "control of the electronic receipt",
    }


def cover_request(insurer: int, insured: int, facility: str) -> dict[str, object]:
    return {
        "act": "cover",
        "insurer": insurer,
        "insured": insured,
        "facility": facility,
        "rules": [2],
        "terms": {
            "schema": "cangdan/cover-terms/1",
            "insurer": PARTY_B,
            "insured": PARTY_C,
            "sum": {"minor": 120_000_000, "currency": "CNY"},
            "perils": ["theft"],
            "start": "2026-08-01T00:00:00+08:00",
            "end": "2027-07-31T00:00:00+08:00",
        },
    }


def inspection_request(facility: str, taken_at: str) -> dict[str, object]:
    result = {
        "schema": "cangdan/inspection/1",
        "subject": facility,
        "inspector": "Independent Stock Inspection",
        "takenAt": taken_at,
        "method": "recount",
        "finding": "3 coils, 24,558 kg",
    }
    return {"act": "inspection", "subject": facility, "result": result}
