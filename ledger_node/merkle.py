"""Merkle trees: append-only logs (RFC 6962) and padded trees whose proofs a contract can check.

Both hash a leaf as H(0x00 || data) and a node as H(0x01 || left || right), so that no leaf passes for a node.
Logs use SHA-256; trees that contracts read use Keccak-256. A padded tree is filled up to a power of two with
leaves of empty data; the bits of an index then give the side of each step of its proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger_node.hashing import Hash, keccak256, sha256

Range = tuple[int, int]
"""The leaves from `start` up to and without `end` of one subtree."""
MAX_DEPTH = 32


def leaf_hash(data: bytes, hash_: Hash = keccak256) -> bytes:
    """H(0x00 || data), RFC 6962 section 2.1."""
    return hash_(b"\x00" + data)


def node_hash(left: bytes, right: bytes, hash_: Hash = keccak256) -> bytes:
    """H(0x01 || left || right), RFC 6962 section 2.1."""
    return hash_(b"\x01" + left + right)


# --- logs (RFC 6962) --------------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose hashes, in this order, are the inclusion proof of leaf `index` among `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not within a tree of {size}")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """The subtrees whose hashes, in this order, prove that the tree of `new_size` extends that of `old_size`."""
    if not 0 < old_size <= new_size:
        raise ValueError(f"no consistency proof from {old_size} to {new_size} leaves")
    ranges: list[Range] = []
    start, end, whole = 0, new_size, True
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, whole = middle, False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def verify_inclusion(
    leaf: bytes,
    index: int,
    size: int,
    proof: Sequence[bytes],
    head: bytes,
    hash_: Hash = sha256,
) -> bool:
    """Whether the hashed leaf is number `index` of the `size` leaves under `head`; the proof has no node to spare."""
    if not 0 <= index < size or not _all_digests(leaf, head, *proof):
        return False
    ranges = inclusion_ranges(index, size)
    if len(ranges) != len(proof):
        return False
    running = leaf
    for (start, _), sibling in zip(ranges, proof, strict=True):
        running = node_hash(running, sibling, hash_) if start > index else node_hash(sibling, running, hash_)
    return running == head


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _all_digests(*hashes: bytes) -> bool:
    return all(len(each) == 32 for each in hashes)


# --- padded trees -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaddedTree:
    """A tree over the data of its leaves, filled up to a power of two with leaves of empty data.

    No leaf may itself be empty. A tree of no leaves is one padding leaf, of depth 0. Raises ValueError.
    """

    leaves: Sequence[bytes]
    hash_: Hash = keccak256
    _levels: tuple[tuple[bytes, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "leaves", tuple(self.leaves))
        for index, data in enumerate(self.leaves):
            if not data:
                raise ValueError(f"leaf {index}: empty data is kept for padding")
        width = 1 << padded_depth(len(self.leaves))
        level = [leaf_hash(data, self.hash_) for data in self.leaves]
        level += [leaf_hash(b"", self.hash_)] * (width - len(level))
        levels = [tuple(level)]
        while len(level) > 1:
            level = [node_hash(level[at], level[at + 1], self.hash_) for at in range(0, len(level), 2)]
            levels.append(tuple(level))
        object.__setattr__(self, "_levels", tuple(levels))

    @property
    def root(self) -> bytes:
        """The hash at the top, 32 bytes."""
        return self._levels[-1][0]

    @property
    def depth(self) -> int:
        """The number of hashes in each proof."""
        return len(self._levels) - 1

    def leaf_hash(self, index: int) -> bytes:
        """The hash of leaf `index`. Raises ValueError outside the leaves given."""
        self._check(index)
        return self._levels[0][index]

    def proof(self, index: int) -> list[bytes]:
        """The siblings of leaf `index` from the bottom up. Raises ValueError outside the leaves given."""
        self._check(index)
        return [level[index >> height ^ 1] for height, level in enumerate(self._levels[:-1])]

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.leaves):
            raise ValueError(f"leaf {index} is not within a tree of {len(self.leaves)}")


def padded_depth(leaves: int) -> int:
    """The depth of the padded tree over so many leaves. Raises ValueError over 2**32 leaves."""
    depth = max(leaves - 1, 0).bit_length()
    if depth > MAX_DEPTH:
        raise ValueError(f"a padded tree has at most 2**{MAX_DEPTH} leaves")
    return depth


def verify_padded(
    leaf: bytes,
    index: int,
    proof: Sequence[bytes],
    root: bytes,
    hash_: Hash = keccak256,
) -> bool:
    """Whether the hashed leaf stands at `index` under `root`; the index must lie within the depth of the proof."""
    if len(proof) > MAX_DEPTH or not 0 <= index < 1 << len(proof) or not _all_digests(leaf, root, *proof):
        return False
    running = leaf
    for height, sibling in enumerate(proof):
        right = index >> height & 1
        running = node_hash(sibling, running, hash_) if right else node_hash(running, sibling, hash_)
    return running == root
