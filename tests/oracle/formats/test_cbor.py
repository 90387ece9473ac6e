"""Deterministic CBOR: what is refused first, then that every value has one encoding. cbor2 is the judge."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.formats import cbor


def depth(value: cbor.CborValue) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=80),
    lambda items: st.lists(items, max_size=30),
    max_leaves=60,
).filter(lambda value: depth(value) <= cbor.MAX_DEPTH)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("", "premature end"),
        ("1817", "longer than it need be"),
        ("190017", "longer than it need be"),
        ("5800", "longer than it need be"),
        ("980100", "longer than it need be"),
        ("0000", "follow the value"),
        ("9f00ff", "indefinite"),
        ("5f4100ff", "indefinite"),
        ("a0", "dict has no place"),
        ("a10001", "dict has no place"),
        ("c11a00000000", "tag"),
        ("c249010000000000000000", "tag"),
        ("d81c80", "tag"),
        ("d81c81d81d00", "tag"),
        ("d8236128", "tag"),
        ("d9d9f701", "tag"),
        ("da0001000000", "tag"),
        ("f5", "bool has no place"),
        ("f6", "NoneType has no place"),
        ("f7", "has no place"),
        ("e0", "has no place"),
        ("f97c00", "float has no place"),
        ("fb3ff0000000000000", "float has no place"),
        ("62ffff", "text"),
        ("8181818100", None),
        ("818181818100", "depth"),
        ("9bffffffffffffffff", "premature end"),
        ("5bffffffffffffffff", "premature end"),
        ("1c", "subtype"),
    ],
)
def test_an_encoding_that_breaks_a_rule_is_refused(data: str, rule: str | None) -> None:
    if rule is None:
        assert cbor.loads(bytes.fromhex(data)) == [[[[0]]]]
        return
    with pytest.raises(cbor.CborError, match=rule):
        cbor.loads(bytes.fromhex(data))


def test_more_than_sixty_kilobytes_are_refused() -> None:
    with pytest.raises(cbor.CborError, match="more than 61440"):
        cbor.loads(cbor2.dumps(bytes(cbor.MAX_BYTES)))


@pytest.mark.parametrize("value", [1.5, True, None, {}, 2**64, -(2**64) - 1, "\ud800", [[[[[1]]]]], {1}])
def test_a_value_outside_the_kind_is_not_written(value: object) -> None:
    with pytest.raises(cbor.CborError):
        cbor.dumps([value])


@given(VALUES)
def test_every_value_comes_back_and_is_written_as_cbor2_writes_it(value: cbor.CborValue) -> None:
    data = cbor.dumps(value)
    assert data == cbor2.dumps(value)
    assert cbor.loads(data) == value


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"\x82" + tail))
def test_random_bytes_are_either_refused_or_the_one_encoding(data: bytes) -> None:
    try:
        value = cbor.loads(data)
    except cbor.CborError:
        return
    assert cbor.dumps(value) == data
