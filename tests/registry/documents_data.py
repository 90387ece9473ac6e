"""A whole receipt's content, for tests that spoil one field of it."""

from ledger_node.canonical_json import JsonValue

KEEPER = "5493001KJTIIGC8Y1R12"
DEPOSITOR = "91350100M000100Y43"


def receipt_content() -> dict[str, JsonValue]:
    return {
        "schema": "cangdan/receipt/1",
        "label": "仓单",
        "receiptNo": "CK-2026-0001",
        "rightsNotice": "Delivery to the holder against surrender.",
        "negotiable": True,
        "deliverTo": "to order",
        "keeper": {"name": "East Port Storage", "id": KEEPER, "address": "1 Quay Road", "licence": "L-889"},
        "depositor": {"name": "Copper Trading", "id": DEPOSITOR, "address": "9 Mill Lane"},
        "holder": {"name": "Copper Trading", "id": DEPOSITOR, "address": "9 Mill Lane"},
        "issuedAt": "2026-11-21T08:00:00+08:00",
        "issuePlace": "Ningbo",
        "storageAgreement": {"date": "2026-11-01", "hash": "0x" + "11" * 32},
        "storagePlace": {"site": "East Port", "building": "3", "bin": "A-01"},
        "storageFrom": "2026-11-21",
        "storageTo": "2027-11-20",
        "goods": {
            "name": "Copper coil", "grade": "T2", "spec": "GB/T 5231",
            "packaging": "strapped", "pieces": 4, "marks": "K7",
        },
        "quantity": 24560,
        "unit": "KGM",
        "quality": {"statement": "as certified", "certificateHash": "0x" + "22" * 32},
        "lossStandardBps": 5,
        "storageFee": {"amount": {"minor": 120000, "currency": "CNY"}, "per": "month"},
        "thirdPartyClaims": [],
        "keeperOwnsGoods": False,
        "commingled": False,
        "saidToContain": False,
        "medium": "electronic",
        "legalProfile": "CN-2024",
        "unitIds": ["E28011606000020912345678"],
        "deviceIds": ["fence-1"],
    }  # fmt: skip
