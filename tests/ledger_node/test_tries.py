"""Roots of ordered tries, against the trie library that inserts one by one."""

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger_node.tries import ordered_root


def inserted(items):
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[rlp.encode(index)] = item
    return trie.root_hash


def test_the_empty_list_has_the_empty_root():
    assert ordered_root([]).hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


@pytest.mark.parametrize("count", [1, 2, 16, 17, 127, 128, 129, 255, 256, 257, 700])
def test_the_root_is_that_of_inserting_one_by_one(count):
    items = [bytes([index % 251 + 1]) * (index % 90 + 1) for index in range(count)]
    assert ordered_root(items) == inserted(items)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=120), max_size=40))
def test_any_list_has_the_root_of_inserting_one_by_one(items):
    assert ordered_root(items) == inserted(items)


def test_order_matters():
    assert ordered_root([b"a", b"b"]) != ordered_root([b"b", b"a"])
