"""Heads and proofs of a whole log in memory, and the check that one log extends another (RFC 6962, 2.1)."""

from collections.abc import Sequence

from ledger_node.hashing import Hash, sha256
from ledger_node.merkle import Range, consistency_ranges, inclusion_ranges, node_hash


def tree_head(leaf_hashes: Sequence[bytes], hash_: Hash = sha256) -> bytes:
    """The Merkle tree hash of hashed leaves in order; of none it is H of nothing (RFC 6962, 2.1)."""
    return range_head(leaf_hashes, (0, len(leaf_hashes)), hash_)


def range_head(leaf_hashes: Sequence[bytes], leaves: Range, hash_: Hash = sha256) -> bytes:
    """The Merkle tree hash over one range of the leaves."""
    start, end = leaves
    if not 0 <= start <= end <= len(leaf_hashes):
        raise ValueError(f"leaves {start} to {end} are not within {len(leaf_hashes)}")
    if start == end:
        return hash_(b"")
    stack: list[tuple[int, bytes]] = []
    for leaf in leaf_hashes[start:end]:
        size, joined = 1, leaf
        while stack and stack[-1][0] == size:
            size, joined = size * 2, node_hash(stack.pop()[1], joined, hash_)
        stack.append((size, joined))
    head = stack.pop()[1]
    while stack:
        head = node_hash(stack.pop()[1], head, hash_)
    return head


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, hash_: Hash = sha256) -> list[bytes]:
    """The audit path of leaf `index` (RFC 6962, 2.1.1). Raises ValueError for an index outside the tree."""
    return [range_head(leaf_hashes, part, hash_) for part in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int, hash_: Hash = sha256) -> list[bytes]:
    """The proof that these leaves extend the first `old_size` of them (RFC 6962, 2.1.2)."""
    return [range_head(leaf_hashes, part, hash_) for part in consistency_ranges(old_size, len(leaf_hashes))]


def verify_consistency(
    old_size: int,
    new_size: int,
    proof: Sequence[bytes],
    old_head: bytes,
    new_head: bytes,
    hash_: Hash = sha256,
) -> bool:
    """Whether the tree under `new_head` begins with the tree under `old_head`; an empty old tree needs no proof."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return not proof and old_head == hash_(b"")
    ranges = consistency_ranges(old_size, new_size)
    if len(ranges) != len(proof):
        return False
    heads = dict(zip(ranges, proof, strict=True))
    if all(end != old_size for _, end in ranges):
        heads[(0, old_size)] = old_head
    return _fold((0, old_size), heads, hash_) == old_head and _fold((0, new_size), heads, hash_) == new_head


def _fold(leaves: Range, heads: dict[Range, bytes], hash_: Hash) -> bytes | None:
    if leaves in heads:
        return heads[leaves]
    start, end = leaves
    if end - start < 2:
        return None
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    left, right = (
        _fold((start, middle), heads, hash_),
        _fold((middle, end), heads, hash_),
    )
    return None if left is None or right is None else node_hash(left, right, hash_)
