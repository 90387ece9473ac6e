"""Heads: the hash chain over a record's transitions (docs/formats/ledger.md, "Records, transitions, heads")."""

from ledger_node.hashing import keccak256

EMPTY_HEAD = bytes(32)
"""The head of a record before its first transition."""


def event_digest(act: int, word: int, block: int, time: int, data: bytes) -> bytes:
    """The digest of one transition: its act, resulting word, block number, block time (s) and data; 32 bytes."""
    return keccak256(_word(act) + _word(word) + _word(block) + _word(time) + keccak256(data))


def next_head(head: bytes, seq: int, digest: bytes) -> bytes:
    """The head after transition number `seq`, 32 bytes."""
    return keccak256(head + _word(seq) + digest)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
