"""ECDSA over secp256k1 as Ethereum uses it: signing, recovery, addresses.

A signature has one of two forms: 64 bytes, r and s with the parity of the nonce point in the top bit of s
(EIP-2098), or 65 bytes, r, s and v of 27 or 28. Only low s is accepted (EIP-2), so no third party can turn
one valid signature into another.
"""

import secrets
from enum import StrEnum

from coincurve import PrivateKey, PublicKey

from ledger_node.hashing import keccak256

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of the group (SEC 2, 2.4.1)."""
_HALF_ORDER = ORDER // 2
_PARITY_BIT = 1 << 255


class SignatureRule(StrEnum):
    """The rule that a refused signature breaks."""

    LENGTH = "length"
    RANGE = "range"
    HIGH_S = "high-s"
    V = "v"
    POINT = "point"


class SignatureError(ValueError):
    """A signature, digest or private key breaks `rule`; the text never holds key material."""

    def __init__(self, rule: SignatureRule, detail: str) -> None:
        super().__init__(f"signature refused ({rule.value}): {detail}")
        self.rule = rule


def generate() -> bytes:
    """A new private key: 32 bytes from the system's random source, within the order of the group."""
    while True:
        key = secrets.token_bytes(32)
        if 0 < int.from_bytes(key, "big") < ORDER:
            return key


def ready(private_key: bytes) -> PrivateKey:
    """A private key in the form that signs in half the time. Raises SignatureError."""
    return _private_key(private_key)


def address_of(private_key: bytes) -> bytes:
    """The 20-byte address of a 32-byte private key. Raises SignatureError (length, range)."""
    return _address(_private_key(private_key).public_key)


def public_key_of(private_key: bytes) -> bytes:
    """The 64-byte public key, x and y, of a 32-byte private key. Raises SignatureError (length, range)."""
    return _uncompressed(_private_key(private_key).public_key)


def address_of_public_key(public_key: bytes) -> bytes:
    """The 20-byte address of a 64-byte public key, x and y. Raises SignatureError (length, point)."""
    if len(public_key) != 64:
        raise SignatureError(SignatureRule.LENGTH, f"a public key has 64 bytes, this one {len(public_key)}")
    try:
        return _address(PublicKey(b"\x04" + public_key))
    except ValueError:
        raise SignatureError(SignatureRule.POINT, "x and y are no point of the curve") from None


def sign_digest(private_key: bytes | PrivateKey, digest: bytes) -> bytes:
    """The 64-byte compact signature (EIP-2098) of a 32-byte digest; deterministic (RFC 6979), low s."""
    return _compact(*_sign(private_key, digest))


def sign65(private_key: bytes | PrivateKey, digest: bytes) -> bytes:
    """The 65-byte signature r, s, v (27 or 28) of a 32-byte digest; deterministic (RFC 6979), low s."""
    r_s, parity = _sign(private_key, digest)
    return r_s + bytes([27 + parity])


def compact(signature: bytes) -> bytes:
    """The 64-byte form (EIP-2098) of a signature in either form. Raises SignatureError (length, v)."""
    r_s, parity = _split(signature)
    return _compact(r_s, parity)


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key signed `digest`. Raises SignatureError with the rule that is broken."""
    _check_digest(digest)
    r_s, parity = _split(signature)
    r, s = int.from_bytes(r_s[:32], "big"), int.from_bytes(r_s[32:], "big")
    if not 0 < r < ORDER or s == 0:
        raise SignatureError(SignatureRule.RANGE, "r and s must lie between 1 and the order of the group")
    if s > _HALF_ORDER:
        raise SignatureError(SignatureRule.HIGH_S, "s must be at most half the order of the group")
    try:
        public = PublicKey.from_signature_and_message(r_s + bytes([parity]), digest, hasher=None)
    except ValueError:
        raise SignatureError(SignatureRule.POINT, "r is not on the curve or yields no public key") from None
    return _address(public)


def recover_sealer(digest: bytes, seal: bytes) -> bytes:
    """The 20-byte address that sealed a header of QBFT or Clique: 65 bytes r, s and a parity of 0 or 1.

    s may lie in either half, as the engines accept it there. Raises SignatureError with the rule that is broken.
    """
    _check_digest(digest)
    if len(seal) != 65:
        raise SignatureError(SignatureRule.LENGTH, f"a seal has 65 bytes, this one {len(seal)}")
    if seal[64] > 1:
        raise SignatureError(SignatureRule.V, f"v of a seal must be 0 or 1, is {seal[64]}")
    try:
        return _address(PublicKey.from_signature_and_message(seal, digest, hasher=None))
    except ValueError:
        raise SignatureError(SignatureRule.POINT, "r and s yield no public key") from None


def _compact(r_s: bytes, parity: int) -> bytes:
    return r_s[:32] + bytes([r_s[32] | parity << 7]) + r_s[33:]


def _sign(private_key: bytes | PrivateKey, digest: bytes) -> tuple[bytes, int]:
    _check_digest(digest)
    key = private_key if isinstance(private_key, PrivateKey) else _private_key(private_key)
    signature = key.sign_recoverable(digest, hasher=None)
    return signature[:64], signature[64]


def _private_key(private_key: bytes) -> PrivateKey:
    if len(private_key) != 32:
        raise SignatureError(SignatureRule.LENGTH, "a private key has 32 bytes")
    if not 0 < int.from_bytes(private_key, "big") < ORDER:
        raise SignatureError(
            SignatureRule.RANGE,
            "a private key lies between 1 and the order of the group",
        )
    return PrivateKey(private_key)


def _check_digest(digest: bytes) -> None:
    if len(digest) != 32:
        raise SignatureError(SignatureRule.LENGTH, f"a digest has 32 bytes, this one {len(digest)}")


def _split(signature: bytes) -> tuple[bytes, int]:
    if len(signature) == 64:
        s = int.from_bytes(signature[32:], "big")
        return signature[:32] + (s & ~_PARITY_BIT).to_bytes(32, "big"), s >> 255
    if len(signature) != 65:
        raise SignatureError(
            SignatureRule.LENGTH,
            f"a signature has 64 or 65 bytes, this one {len(signature)}",
        )
    if signature[64] not in (27, 28):
        raise SignatureError(SignatureRule.V, f"v must be 27 or 28, is {signature[64]}")
    return signature[:64], signature[64] - 27


def _address(public: PublicKey) -> bytes:
    return keccak256(_uncompressed(public))[12:]


def _uncompressed(public: PublicKey) -> bytes:
    return bytes(public.format(compressed=False)[1:])
