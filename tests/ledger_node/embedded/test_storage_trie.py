"""The storage trie against the trie library: same values, same root, after any writes and deletes."""

import pytest
from eth.constants import BLANK_ROOT_HASH
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.storage_trie import StorageTrie
from ledger_node.hashing import keccak256

# Few first bytes, so that paths fork early, late and everywhere; short and long values, so that nodes are embedded.
KEYS = st.builds(
    lambda head, tail: bytes(head).ljust(31, b"\x11") + bytes([tail]),
    st.lists(st.sampled_from([0, 1, 16, 17]), max_size=3),
    st.sampled_from([0, 1, 2, 16, 0x21]),
)
VALUES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=3), st.binary(min_size=30, max_size=40))
WRITES = st.lists(st.tuples(KEYS, VALUES), max_size=40)


def test_a_missing_node_is_an_error_and_no_empty_slot():
    with pytest.raises(LedgerError, match="is missing"):
        StorageTrie({}, b"\x07" * 32)[b"\x01" * 32]


@settings(max_examples=300, deadline=None)
@given(st.lists(WRITES, max_size=4))
def test_any_writes_give_the_root_of_the_library(rounds):
    ours, judge = {}, HexaryTrie({})
    root = BLANK_ROOT_HASH
    for writes in rounds:
        trie = StorageTrie(ours, root)
        for key, value in writes:
            trie[key] = value
            judge[key] = value
            assert trie[key] == value
        root = trie.root_hash
        assert root == judge.root_hash
        assert all(StorageTrie(ours, root)[key] == judge[key] for key, _ in writes)


@settings(deadline=None)
@given(WRITES, WRITES)
def test_asking_for_the_root_in_between_changes_nothing(first, second):
    trie, once = StorageTrie({}, BLANK_ROOT_HASH), StorageTrie({}, BLANK_ROOT_HASH)
    for key, value in first:
        trie[key] = once[key] = value
    middle = trie.root_hash
    for key, value in second:
        trie[key] = once[key] = value
    assert trie.root_hash == once.root_hash
    for key, value in dict(first).items():
        assert StorageTrie(trie.db, middle)[key] == value


def test_what_is_deleted_leaves_the_empty_root():
    trie = StorageTrie({}, BLANK_ROOT_HASH)
    keys = [keccak256(bytes([number])) for number in range(200)]
    for key in keys:
        trie[key] = b"x" * 20
    assert trie.root_hash != BLANK_ROOT_HASH
    for key in keys:
        del trie[key]
        assert key not in trie
    assert trie.root_hash == BLANK_ROOT_HASH
