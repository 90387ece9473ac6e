"""RLP with one reading: lists in lists end somewhere."""

import pytest

from ledger_node.rlp_strict import MOST_NESTED, Item, RlpError, decode, rlp_list


def nested(depth: int) -> bytes:
    """So many lists, each in the one before."""
    text = b""
    for _ in range(depth):
        text = rlp_list(text)
    return text


@pytest.mark.parametrize("depth", [MOST_NESTED + 1, 300, 700, 5_000])
def test_lists_that_lie_too_deep_in_each_other_are_refused(depth: int) -> None:
    with pytest.raises(RlpError):
        decode(nested(depth))


def test_lists_may_lie_in_each_other_as_deep_as_is_said() -> None:
    item: Item = []
    for _ in range(MOST_NESTED - 1):
        item = [item]
    assert decode(nested(MOST_NESTED)) == item
