"""Typed data: strict, and equal to what eth-account computes."""

import json
from collections.abc import Mapping

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import eip712
from ledger_node.eip712 import Domain, StructType, TypedDataError, struct
from ledger_node.hashing import keccak256

DOMAIN = Domain("Cangdan", "1", 20590, bytes.fromhex("11" * 20))
PERSON = struct("Person", "string name", "address wallet")
MAIL = struct("Mail", "Person from", "Person to", "string contents", uses=(PERSON,))
EVERY = struct(
    "Every",
    "bool flag",
    "address who",
    "uint256 big",
    "uint8 small",
    "int64 signed",
    "bytes32 word",
    "bytes4 selector",
    "bytes data",
    "string text",
    "uint64[] list",
    "int8[2] pair",
    "bytes32[][] nested",
    "Person[] people",
    "Person one",
    uses=(PERSON,),
)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
people = st.fixed_dictionaries({"name": text, "wallet": st.binary(min_size=20, max_size=20)})
words = st.binary(min_size=32, max_size=32)
messages = st.fixed_dictionaries(
    {
        "flag": st.booleans(),
        "who": st.binary(min_size=20, max_size=20),
        "big": st.integers(0, 2**256 - 1),
        "small": st.integers(0, 255),
        "signed": st.integers(-(2**63), 2**63 - 1),
        "word": words,
        "selector": st.binary(min_size=4, max_size=4),
        "data": st.binary(max_size=40),
        "text": text,
        "list": st.lists(st.integers(0, 2**64 - 1), max_size=4),
        "pair": st.lists(st.integers(-128, 127), min_size=2, max_size=2),
        "nested": st.lists(st.lists(words, max_size=2), max_size=2),
        "people": st.lists(people, max_size=2),
        "one": people,
    }
)


def judged(domain: Domain, kind: StructType, message: Mapping[str, object]) -> bytes:
    """The digest that eth-account computes from the JSON that a wallet would be handed."""
    full = json.loads(json.dumps(eip712.typed_data(domain, kind, message)))
    signable = encode_typed_data(full_message=full)
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("bool x", 1, "true or false"),
        ("bool x", "true", "true or false"),
        ("uint8 x", 256, "outside the range"),
        ("uint8 x", -1, "outside the range"),
        ("int8 x", 128, "outside the range"),
        ("int8 x", -129, "outside the range"),
        ("uint256 x", 2**256, "outside the range"),
        ("uint8 x", True, "whole number"),
        ("uint8 x", "1", "whole number"),
        ("uint8 x", 1.0, "whole number"),
        ("address x", "0x" + "11" * 20, "20 bytes"),
        ("address x", bytes(19), "20 bytes"),
        ("bytes32 x", bytes(31), "32 bytes"),
        ("bytes32 x", bytearray(32), "32 bytes"),
        ("bytes x", "0x00", "must be bytes"),
        ("string x", b"text", "must be a text"),
        ("string x", "\ud800", "whole Unicode"),
        ("uint8[] x", 1, "must be a list"),
        ("uint8[] x", b"\x01", "must be a list"),
        ("uint8[2] x", [1], "must have 2 members"),
        ("Person x", [], "must be an object"),
        ("Person x", {"name": "a"}, r"Case\.x\.wallet: is missing"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_by_name(member: str, value: object, rule: str) -> None:
    with pytest.raises(TypedDataError, match=r"^Case\.x.*" + rule.removeprefix(r"Case\.x")):
        eip712.digest(DOMAIN, struct("Case", member, uses=(PERSON,)), {"x": value})


def test_a_field_that_the_type_does_not_have_is_refused() -> None:
    with pytest.raises(TypedDataError, match=r"Case\.y: is unknown"):
        eip712.digest(DOMAIN, struct("Case", "bool x"), {"x": True, "y": 1})


@pytest.mark.parametrize(
    "members",
    [
        ["uint7 x"],
        ["uint264 x"],
        ["uint x"],
        ["int08 x"],
        ["bytes33 x"],
        ["bytes0 x"],
        ["Stranger x"],
        ["uint8[0] x"],
        ["bool"],
        ["bool x", "bool x"],
        ["bool 1x"],
        ["bool x y"],
    ],
)
def test_a_type_outside_the_standard_is_refused(members: list[str]) -> None:
    with pytest.raises(TypedDataError):
        struct("Case", *members)


def test_two_structs_of_one_name_are_refused() -> None:
    other = struct("Person", "bool alive")
    inner = struct("Inner", "Person person", uses=(other,))
    outer = struct("Outer", "Person person", "Inner inner", uses=(PERSON, inner))
    with pytest.raises(TypedDataError, match="two structs are named Person"):
        eip712.type_hash(outer)


def test_the_example_of_the_standard_has_its_published_digest() -> None:
    message = {
        "from": {
            "name": "Cow",
            "wallet": bytes.fromhex("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
        },
        "to": {"name": "Bob", "wallet": bytes.fromhex("bB" * 20)},
        "contents": "Hello, Bob!",
    }
    published = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"  # EIP-712, Example.js
    domain = Domain("Ether Mail", "1", 1, bytes.fromhex("cc" * 20))
    assert eip712.encode_type(MAIL) == ("Mail(Person from,Person to,string contents)Person(string name,address wallet)")
    assert eip712.digest(domain, MAIL, message).hex() == published


@given(messages)
def test_every_digest_is_that_of_eth_account(message: dict[str, object]) -> None:
    assert eip712.digest(DOMAIN, EVERY, message) == judged(DOMAIN, EVERY, message)


@pytest.mark.parametrize(
    "other",
    [
        Domain("Cangdan2", "1", 20590, DOMAIN.verifying_contract),
        Domain("Cangdan", "2", 20590, DOMAIN.verifying_contract),
        Domain("Cangdan", "1", 1, DOMAIN.verifying_contract),
        Domain("Cangdan", "1", 20590, bytes(20)),
    ],
)
def test_each_part_of_the_domain_binds(other: Domain) -> None:
    kind = struct("Case", "bool x")
    assert eip712.digest(DOMAIN, kind, {"x": True}) != eip712.digest(other, kind, {"x": True})
