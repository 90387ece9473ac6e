"""Covenants: refusals by field, then roots and ids as the chain makes them."""

from typing import Any

import pytest
from eth_abi.abi import decode, encode

from ledger_node import canonical_json
from ledger_node.eip712 import Domain
from ledger_node.hashing import keccak256
from ledger_node.merkle import leaf_hash, verify_padded
from oracle.formats.covenant import Covenant, from_json, parse
from oracle.formats.fields import FieldError
from oracle.formats.rule import RULE_ABI
from oracle.formats.schema import to_json as schema_json
from tests.oracle.judgement_kit import DAY, DAY_MS, MINUTE, SUBJECT, schema

DOMAIN = Domain("Cangdan", "1", 20590, bytes.fromhex("33" * 20))


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def value(**changes: object) -> Any:
    """A covenant with one rule of three minutes and two instalments."""
    made = schema()
    condition = {
        "schema": hexed(made.id),
        "subject": hexed(SUBJECT),
        "metric": hexed(made.metrics[0].id),
        "periodMs": MINUTE,
        "kind": "mass",
        "comparator": "below",
        "count": 3,
        "flags": [1],
        "threshold": "-100",
    }
    rule = {
        "name": "alone",
        "action": "review",
        "windowMs": 5 * MINUTE,
        "salt": hexed(b"1" * 32),
        "clause": {"salt": hexed(b"2" * 32), "content": {"en": "Too light.", "zh": "重量不足。"}},
        "conditions": [condition],
    }
    schedule = [
        {
            "periodStartMs": DAY + at * DAY_MS,
            "dueMs": DAY + (at + 1) * DAY_MS - 1,
            "amount": {"salt": hexed(b"3" * 32), "content": {"minor": 500 + at, "currency": "CNY"}},
        }
        for at in range(2)
    ]
    covenant = {
        "format": "cangdan/covenant/1",
        "facility": {"lender": 1, "borrower": 2, "panel": 3, "draftedAt": DAY},
        "terms": {"salt": hexed(b"4" * 32), "content": {"limit": 900}},
        "rules": [rule],
        "schedule": schedule,
        "schemas": [schema_json(made)],
        "grantees": [5],
    }
    return canonical_json.loads(canonical_json.dumps(covenant | changes))


def covenant() -> Covenant:
    return from_json(value())


@pytest.mark.parametrize(
    ("path", "given", "rule"),
    [
        (("format",), "cangdan/covenant/9", "covenant.format"),
        (("facility", "lender"), 0, "covenant.facility.lender"),
        (("facility", "rules"), 1, "covenant.facility.rules: is unknown"),
        (("terms", "salt"), "0x", "covenant.terms.salt: must be 32 bytes"),
        (("rules",), [], "covenant.rules: must be a list of 1"),
        (("rules", 0, "action"), "seize", r"covenant.rules\[0\].action: must be one of"),
        (("rules", 0, "action"), "hold", r"covenant.rules\[0\].conditions: a hold needs two kinds"),
        (("rules", 0, "conditions", 0, "count"), 65, r"conditions\[0\].count"),
        (("rules", 0, "conditions", 0, "flags"), [], r"conditions\[0\].flags"),
        (("rules", 0, "conditions", 0, "flags"), [7], r"conditions\[0\].flags"),
        (("rules", 0, "conditions", 0, "schema"), hexed(b"x" * 32), r"conditions\[0\].schema: is none of"),
        (("rules", 0, "conditions", 0, "metric"), hexed(b"x" * 32), r"conditions\[0\].metric: is none that"),
        (("rules", 0, "conditions", 0, "periodMs"), 1, r"conditions\[0\].periodMs: must be the schema's"),
        (("rules", 0, "conditions", 0, "threshold"), 5, r"conditions\[0\].threshold: must be a text"),
        (("schedule", 0, "dueMs"), DAY, r"covenant.schedule\[0\].dueMs: must be after"),
        (("note",), 1, "covenant.note: is unknown"),
    ],
)
def test_a_bad_covenant_is_refused_by_field(path: tuple[str | int, ...], given: object, rule: str) -> None:
    told = value()
    inner = told
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = given
    with pytest.raises(FieldError, match=rule):
        from_json(told)


def test_a_covenant_is_read_back() -> None:
    assert parse(covenant().encoded) == covenant()
    assert canonical_json.loads(covenant().encoded) == value()


def test_the_readers_are_the_parties_and_the_grantees() -> None:
    assert covenant().readers == {1, 2, 5}


def test_a_rule_leaf_is_the_abi_encoding_and_proves_its_place() -> None:
    made = covenant()
    (told,) = decode([RULE_ABI], made.rules[0].leaf())
    assert told[:5] == (0, 2, 0, False, 5 * MINUTE)
    assert told[7][0][9] == -100
    tree = made.rules_tree
    assert verify_padded(leaf_hash(made.rules[0].leaf()), 0, tree.proof(0), tree.root)


def test_a_clause_is_committed_under_its_salt() -> None:
    text = canonical_json.dumps({"en": "Too light.", "zh": "重量不足。"})
    assert covenant().rules[0].clause == keccak256(b"2" * 32 + text)


def test_a_schedule_leaf_is_the_abi_encoding() -> None:
    second = covenant().schedule[1]
    kinds = ["uint16", "uint64", "uint64", "bytes32"]
    assert second.leaf() == encode(kinds, [1, second.period_start_ms, second.due_ms, second.amount.commitment])


def test_the_facility_id_is_its_typed_data_digest() -> None:
    made = covenant()
    fields = (
        "uint32 lender,uint32 borrower,uint16 panel,uint8 rules,uint16 instalments,bytes32 termsHash,"
        "bytes32 rulesRoot,bytes32 scheduleRoot,uint64 draftedAt"
    )
    kinds = ["bytes32", *(each.split(" ")[0] for each in fields.split(","))]
    type_hash = keccak256(f"Facility({fields})".encode())
    roots = (made.terms.commitment, made.rules_tree.root, made.schedule_tree.root)
    body = keccak256(encode(kinds, [type_hash, 1, 2, 3, 1, 2, *roots, DAY]))
    domain_type = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    domain = keccak256(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [domain_type, keccak256(b"Cangdan"), keccak256(b"1"), 20590, DOMAIN.verifying_contract],
        )
    )
    assert made.facility(DOMAIN) == keccak256(b"\x19\x01" + domain + body)


def test_a_deferral_names_the_instalment_of_the_slot() -> None:
    made = covenant()
    second = made.instalment_at(DAY + DAY_MS)
    assert second is not None
    assert second.ordinal == 1
    assert made.instalment_at(DAY - 1) is None
    told = decode(["uint16", "uint64", "uint64", "bytes32", "bytes32[]"], made.deferral(second))
    assert told[:4] == (1, second.period_start_ms, second.due_ms, second.amount.commitment)
    assert verify_padded(leaf_hash(second.leaf()), 1, list(told[4]), made.schedule_tree.root)
