"""RFC 6962 log proofs and padded trees."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import merkle
from ledger_node.hashing import keccak256, sha256
from ledger_node.merkle import PaddedTree
from tests import log_proofs

# The leaves and heads of Certificate Transparency's own test vectors (RFC 6962 reference implementation).
VECTOR_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
VECTOR_HEADS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big"), sha256) for number in range(count)]


def naive_head(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_head(leaves[:split]) + naive_head(leaves[split:])).digest()


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_a_leaf_outside_the_log_has_no_proof(index: int) -> None:
    with pytest.raises(ValueError, match="not within a tree of 5"):
        log_proofs.inclusion_proof(hashes(5), index)


@pytest.mark.parametrize("old", [0, 6])
def test_there_is_no_consistency_proof_from_nothing_or_from_a_longer_log(
    old: int,
) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        log_proofs.consistency_proof(hashes(5), old)


@pytest.mark.parametrize(("size", "head"), VECTOR_HEADS.items())
def test_heads_are_those_of_the_published_vectors(size: int, head: str) -> None:
    leaves = [merkle.leaf_hash(data, sha256) for data in VECTOR_LEAVES[:size]]
    assert log_proofs.tree_head(leaves).hex() == head


@given(st.integers(0, 70))
def test_the_head_is_that_of_the_recursive_definition(count: int) -> None:
    assert log_proofs.tree_head(hashes(count)) == naive_head(hashes(count))


@given(
    st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))),
    st.data(),
)
def test_an_inclusion_proof_holds_for_its_own_leaf_place_size_and_nodes_alone(
    case: tuple[int, int], data: st.DataObject
) -> None:
    size, index = case
    leaves = hashes(size)
    proof, head = log_proofs.inclusion_proof(leaves, index), log_proofs.tree_head(leaves)
    assert merkle.verify_inclusion(leaves[index], index, size, proof, head)
    assert not merkle.verify_inclusion(sha256(b"other"), index, size, proof, head)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*proof, sha256(b"")], head)
    assert not merkle.verify_inclusion(leaves[index], size, size, proof, head)
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index or size == 1))
    assert size == 1 or not merkle.verify_inclusion(leaves[index], other, size, proof, head)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not merkle.verify_inclusion(leaves[index], index, size, proof[:at] + proof[at + 1 :], head)
        bent = [sha256(node) if number == at else node for number, node in enumerate(proof)]
        assert not merkle.verify_inclusion(leaves[index], index, size, bent, head)


@given(
    st.integers(1, 40).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))),
    st.data(),
)
def test_a_consistency_proof_holds_for_its_own_heads_sizes_and_nodes_alone(
    case: tuple[int, int], data: st.DataObject
) -> None:
    old, new = case
    leaves = hashes(new)
    proof = log_proofs.consistency_proof(leaves, old)
    old_head, new_head = log_proofs.tree_head(leaves[:old]), log_proofs.tree_head(leaves)
    assert log_proofs.verify_consistency(old, new, proof, old_head, new_head)
    assert not log_proofs.verify_consistency(old, new, proof, sha256(b"other"), new_head)
    assert not log_proofs.verify_consistency(old, new, proof, old_head, sha256(b"other"))
    assert not log_proofs.verify_consistency(old, new, [*proof, sha256(b"")], old_head, new_head)
    assert not log_proofs.verify_consistency(new + 1, new, proof, old_head, new_head)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [sha256(node) if number == at else node for number, node in enumerate(proof)]
        assert not log_proofs.verify_consistency(old, new, bent, old_head, new_head)


def test_an_empty_log_is_the_beginning_of_every_log() -> None:
    head = log_proofs.tree_head(hashes(3))
    assert log_proofs.verify_consistency(0, 3, [], sha256(b""), head)
    assert not log_proofs.verify_consistency(0, 3, [], head, head)
    assert not log_proofs.verify_consistency(0, 3, [head], sha256(b""), head)


def test_a_leaf_of_empty_data_is_refused_in_a_padded_tree() -> None:
    with pytest.raises(ValueError, match="leaf 1: empty data"):
        PaddedTree([b"a", b""])


@pytest.mark.parametrize("index", [-1, 3])
def test_padding_has_no_proof(index: int) -> None:
    with pytest.raises(ValueError, match="not within a tree of 3"):
        PaddedTree([b"a", b"b", b"c"]).proof(index)


def test_an_index_above_the_depth_of_the_proof_is_refused() -> None:
    tree = PaddedTree([b"a", b"b", b"c"])
    assert merkle.verify_padded(tree.leaf_hash(1), 1, tree.proof(1), tree.root)
    assert not merkle.verify_padded(tree.leaf_hash(1), 1 + 4, tree.proof(1), tree.root)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    tree = PaddedTree([b"a", b"b", b"c", b"d"])
    below = merkle.leaf_hash(b"a") + merkle.leaf_hash(b"b")
    assert not merkle.verify_padded(merkle.leaf_hash(below), 0, tree.proof(0)[1:], tree.root)


def test_a_padded_tree_of_three_is_the_tree_by_hand() -> None:
    leaf = [keccak256(b"\x00" + data) for data in (b"a", b"b", b"c", b"")]
    left, right = (
        keccak256(b"\x01" + leaf[0] + leaf[1]),
        keccak256(b"\x01" + leaf[2] + leaf[3]),
    )
    assert PaddedTree([b"a", b"b", b"c"]).root == keccak256(b"\x01" + left + right)


def test_a_padded_tree_without_leaves_is_one_padding_leaf() -> None:
    assert PaddedTree([]).root == keccak256(b"\x00")
    assert PaddedTree([]).depth == 0


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=40), st.data())
def test_a_padded_proof_holds_for_its_own_leaf_and_place_alone(leaves: list[bytes], data: st.DataObject) -> None:
    tree = PaddedTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = tree.proof(index)
    assert len(proof) == tree.depth == merkle.padded_depth(len(leaves))
    assert merkle.verify_padded(tree.leaf_hash(index), index, proof, tree.root)
    assert not merkle.verify_padded(merkle.leaf_hash(b"other thing"), index, proof, tree.root)
    other = data.draw(st.integers(0, len(leaves) - 1))
    assert merkle.verify_padded(tree.leaf_hash(index), other, proof, tree.root) == (
        other == index or (leaves[other] == leaves[index] and tree.proof(other) == proof)
    )
