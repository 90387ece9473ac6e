"""The two hash functions of Cangdan: Keccak-256 on the chain, SHA-256 in logs and documents."""

import hashlib
from collections.abc import Callable

import sha3

Hash = Callable[[bytes], bytes]
"""A function from bytes to a digest of 32 bytes."""


def keccak256(data: bytes) -> bytes:
    """The Keccak-256 digest of `data`, 32 bytes, as Ethereum uses it (not the later SHA3-256 of FIPS 202)."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest


def sha256(data: bytes) -> bytes:
    """The SHA-256 digest of `data`, 32 bytes (FIPS 180-4)."""
    return hashlib.sha256(data).digest()
