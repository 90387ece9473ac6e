"""An object has exactly the members of its format, or is refused by member and rule."""

import pytest

from ledger_node.fields import exact_fields, integer_within


class Refused(Exception):
    """What a format's own reader raises."""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "thing: must be an object"),
        ({"a": 1}, "thing.b: is missing"),
        ({"a": 1, "b": 2, "c": 3}, "thing.c: is unknown"),
    ],
)
def test_another_shape_is_refused_by_member_and_rule(value: object, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        exact_fields("thing", value, ("a", "b"), Refused)
    assert str(refusal.value) == words


@pytest.mark.parametrize("value", [1, 5, True, "3", 3.0, None])
def test_a_number_beyond_its_bounds_is_refused_with_them(value: object) -> None:
    with pytest.raises(Refused) as refusal:
        integer_within("thing.a", value, 2, 4, Refused)
    assert str(refusal.value) == "thing.a: must be an integer between 2 and 4"


def test_both_bounds_are_within() -> None:
    assert [integer_within("thing.a", value, 2, 4, Refused) for value in (2, 4)] == [2, 4]


def test_exactly_the_named_members_are_taken() -> None:
    assert exact_fields("thing", {"b": 2, "a": 1}, ("a", "b"), Refused) == {"a": 1, "b": 2}
