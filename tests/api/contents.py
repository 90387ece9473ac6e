"""Documents that the tests of the interface send, with canary words that must stay where they belong."""

CANARY = "Zanzibar-Kupfer"
PARTY_B = {"name": "First Consortium Bank", "id": "5493001KJTIIGC8Y1R12", "address": "2 Bund"}
HASH = "0x" + "ab" * 32


def receipt_content(units: list[str]) -> dict[str, object]:
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


def clause(number: int) -> dict[str, object]:
    return {
        "schema": "cangdan/clause/1",
        "number": f"7.{number}",
        "title": "Goods leave",
        "text": "Goods move without an order while the weight is below 24,000 kg.",
        "discloses": "this rule and its window",
    }


def rule(**changes: object) -> dict[str, object]:
    digest = "0x" + "cd" * 32
    conditions = [
        {
            "schema": digest, "subject": digest, "metric": digest, "periodMs": 0, "kind": kind, "comparator": "above",
            "count": 1, "flags": [1], "threshold": "0",
        }
        for kind in ("movement", "mass")
    ]  # fmt: skip
    return {"action": "hold", "windowMs": 600_000, "clause": clause(1), "conditions": conditions, **changes}


def facility_request(lender: int, borrower: int) -> dict[str, object]:
    amount = {"minor": 91_357_213, "currency": "CNY"}
    return {
        "act": "facility",
        "lender": lender,
        "borrower": borrower,
        "panel": 1,
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
        "rules": [rule()],
        "schedule": [
            {"periodStart": "2026-10-01T00:00:00+08:00", "due": "2027-03-31T00:00:00+08:00", "amount": amount}
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
