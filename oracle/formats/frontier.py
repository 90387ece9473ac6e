"""The frontier of a growing log: the whole subtrees that cover it, enough to extend it and to know its root."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger_node.hashing import sha256
from ledger_node.merkle import node_hash

HASH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Frontier:
    """`size` leaves, covered by one hash a bit of `size`, the largest subtree first. Raises ValueError."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"a frontier of {self.size} leaves has {self.size.bit_count()} hashes")
        if any(len(each) != HASH_SIZE for each in self.hashes):
            raise ValueError(f"a hash has {HASH_SIZE} bytes")

    def extended(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after more leaf hashes."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaves:
            place, hash_ = size, leaf
            while place & 1:
                hash_ = node_hash(hashes.pop(), hash_, sha256)
                place >>= 1
            hashes.append(hash_)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The RFC 6962 root over the leaves."""
        if not self.hashes:
            return sha256(b"")
        root = self.hashes[-1]
        for hash_ in reversed(self.hashes[:-1]):
            root = node_hash(hash_, root, sha256)
        return root

    def to_bytes(self) -> bytes:
        """The hashes end to end; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """The frontier of `to_bytes`. Raises ValueError."""
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))
