"""An object has exactly the members of its format, or is refused by member and rule."""

import pytest

from ledger_node.fields import exact_fields


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


def test_exactly_the_named_members_are_taken() -> None:
    assert exact_fields("thing", {"b": 2, "a": 1}, ("a", "b"), Refused) == {"a": 1, "b": 2}
