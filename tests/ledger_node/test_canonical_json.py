"""Canonical JSON: strict reading, one text for one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import canonical_json
from ledger_node.canonical_json import MAX_INTEGER, JsonError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children),
)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b'{"a":1,"a":2}', "key 'a' stands twice"),
        (b'[{"b":{"a":1,"a":1}}]', "key 'a' stands twice"),
        (b"1.5", "is not an integer"),
        (b"1.0", "is not an integer"),
        (b"1e3", "is not an integer"),
        (b"NaN", "is not an integer"),
        (b"-Infinity", "is not an integer"),
        (b"9007199254740992", "over 2\\*\\*53"),
        (b"1" * 5000, "over 2\\*\\*53"),
        (b'"\\ud800"', "not canonical JSON"),
        (b'{"\\ud800":1}', "not canonical JSON"),
        (b'"\xff"', "not UTF-8"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b"", "not JSON"),
        (b"1 2", "not JSON"),
        (b"[" * 200_000, "nested too deep"),
    ],
)
def test_a_text_outside_the_rules_is_refused_by_name(text: bytes, rule: str) -> None:
    with pytest.raises(JsonError, match=rule):
        canonical_json.loads(text)


@pytest.mark.parametrize("text", [b' {"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b'"\\u0041"', b"-0", b"1\n"])
def test_a_text_that_is_not_canonical_is_refused_where_it_must_be(text: bytes) -> None:
    canonical_json.loads(text)
    with pytest.raises(JsonError, match="not canonical"):
        canonical_json.loads(text, canonical=True)


@pytest.mark.parametrize("value", [1.5, {"a": [1.0]}, 2**53, object(), {1: 2}, b"x", "\ud800"])
def test_a_value_without_a_canonical_text_is_refused(value: object) -> None:
    with pytest.raises(JsonError):
        canonical_json.dumps(value)


def test_keys_are_ordered_by_utf_16_units() -> None:
    ordered = '{"a":3,"\U0001f600":2,"\ufb33":1}'
    assert canonical_json.dumps({"\ufb33": 1, "\U0001f600": 2, "a": 3}).decode() == ordered


def test_brackets_within_texts_are_not_nesting() -> None:
    value = ["[" * 100, '\\"' + "{" * 100]
    assert canonical_json.loads(canonical_json.dumps(value)) == value


@given(values)
def test_what_is_written_reads_back_equal(value: object) -> None:
    assert canonical_json.loads(canonical_json.dumps(value), canonical=True) == value
