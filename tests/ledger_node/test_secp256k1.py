"""Signing and recovery over secp256k1."""

import pytest
from eth_keys.datatypes import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import secp256k1
from ledger_node.hashing import keccak256
from ledger_node.secp256k1 import ORDER, SignatureError, SignatureRule

KEY = bytes(31) + b"\x07"
DIGEST = keccak256(b"a consent")
keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def refused(digest: bytes, signature: bytes) -> SignatureRule:
    with pytest.raises(SignatureError) as caught:
        secp256k1.recover(digest, signature)
    return caught.value.rule


@pytest.mark.parametrize("length", [0, 63, 66, 130])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    assert refused(DIGEST, bytes(length)) is SignatureRule.LENGTH


def test_a_digest_of_another_length_is_refused() -> None:
    assert refused(DIGEST[:31], secp256k1.sign65(KEY, DIGEST)) is SignatureRule.LENGTH


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_v_other_than_27_or_28_is_refused(v: int) -> None:
    assert refused(DIGEST, secp256k1.sign65(KEY, DIGEST)[:64] + bytes([v])) is SignatureRule.V


def test_the_mirrored_signature_with_high_s_is_refused() -> None:
    signature = secp256k1.sign65(KEY, DIGEST)
    mirrored = (ORDER - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    assert refused(DIGEST, signature[:32] + mirrored + bytes([55 - signature[64]])) is SignatureRule.HIGH_S


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (ORDER, 1)])
def test_r_and_s_outside_the_group_are_refused(r: int, s: int) -> None:
    assert refused(DIGEST, r.to_bytes(32, "big") + s.to_bytes(32, "big")) is SignatureRule.RANGE


def test_r_that_is_no_point_is_refused() -> None:
    assert refused(DIGEST, (5).to_bytes(32, "big") + (1).to_bytes(32, "big")) is SignatureRule.POINT


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        (bytes(31), SignatureRule.LENGTH),
        (bytes(32), SignatureRule.RANGE),
        (ORDER.to_bytes(32, "big"), SignatureRule.RANGE),
    ],
)
def test_a_private_key_outside_the_group_is_refused(key: bytes, rule: SignatureRule) -> None:
    with pytest.raises(SignatureError) as caught:
        secp256k1.sign_digest(key, DIGEST)
    assert caught.value.rule is rule


def test_an_error_never_shows_the_key() -> None:
    with pytest.raises(SignatureError) as caught:
        secp256k1.address_of(b"\xff" * 32)
    assert "ff" * 4 not in str(caught.value)


@given(keys, st.binary(min_size=32, max_size=32))
def test_both_forms_recover_to_the_address_of_the_signer(key: bytes, digest: bytes) -> None:
    address = secp256k1.address_of(key)
    assert secp256k1.recover(digest, secp256k1.sign_digest(key, digest)) == address
    assert secp256k1.recover(digest, secp256k1.sign65(key, digest)) == address


@given(keys)
def test_the_address_is_that_of_eth_keys(key: bytes) -> None:
    public = PrivateKey(key).public_key
    assert secp256k1.address_of(key) == public.to_canonical_address()
    assert secp256k1.public_key_of(key) == public.to_bytes()
    assert secp256k1.address_of_public_key(public.to_bytes()) == public.to_canonical_address()


@pytest.mark.parametrize(
    ("public", "rule"),
    [(bytes(63), SignatureRule.LENGTH), (bytes(64), SignatureRule.POINT), (b"\xff" * 64, SignatureRule.POINT)],
)
def test_what_is_no_public_key_is_refused(public: bytes, rule: SignatureRule) -> None:
    with pytest.raises(SignatureError) as caught:
        secp256k1.address_of_public_key(public)
    assert caught.value.rule is rule


def test_a_new_key_is_another_each_time() -> None:
    assert secp256k1.generate() != secp256k1.generate()
