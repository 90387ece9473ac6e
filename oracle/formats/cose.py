"""Device keys and signatures: COSE_Key (RFC 9053), its thumbprint (RFC 9679), ES256 and EdDSA.

A public key is held as the deterministic encoding of its COSE_Key with the required members only, so the
SHA-256 of those bytes is the thumbprint, which is the device's kid.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of P-256 (FIPS 186-5)."""
SIGNATURE_SIZE = 64
"""Both algorithms sign in 64 bytes: r and s, or R and S."""

_ES256_HEAD, _ES256_MIDDLE = bytes.fromhex("a401022001215820"), bytes.fromhex("225820")
_ED25519_HEAD = bytes.fromhex("a301012006215820")
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDSA_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class Algorithm(IntEnum):
    """The COSE algorithm of a device (IANA COSE Algorithms)."""

    ES256 = -7
    EDDSA = -8


class KeyRefused(ValueError):
    """A COSE_Key is not one that a device may have."""


class SignatureRefused(ValueError):
    """A signature does not hold; `high_s` when it would, but for an s in the upper half."""

    def __init__(self, detail: str, *, high_s: bool = False) -> None:
        super().__init__(detail)
        self.high_s = high_s


@dataclass(frozen=True, slots=True)
class DevicePublicKey:
    """A device's public key as deterministic COSE_Key bytes. Raises KeyRefused for any other form or a bad point."""

    encoded: bytes

    def __post_init__(self) -> None:
        _public(self.encoded)

    @property
    def algorithm(self) -> Algorithm:
        """The one algorithm this key signs with."""
        return Algorithm.ES256 if self.encoded.startswith(_ES256_HEAD) else Algorithm.EDDSA

    @property
    def kid(self) -> bytes:
        """The COSE key thumbprint (RFC 9679), 32 bytes."""
        return hashlib.sha256(self.encoded).digest()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raises SignatureRefused unless this key signed `message`; ES256 takes low s only."""
        public = _public(self.encoded)
        try:
            if isinstance(public, ed25519.Ed25519PublicKey):
                public.verify(signature, message)
                return
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            public.verify(encode_dss_signature(r, s), message, _ECDSA)
        except InvalidSignature:
            raise SignatureRefused("signature does not verify") from None
        if s > P256_ORDER // 2:
            raise SignatureRefused("s is in the upper half of the order", high_s=True)


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's private key, for simulated devices and tests; its text never shows the secret."""

    _private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

    @classmethod
    def from_secret(cls, secret: bytes, algorithm: Algorithm = Algorithm.ES256) -> "DeviceKey":
        """The key of a 32-byte secret: the scalar (ES256) or the seed (EdDSA). Raises ValueError out of range."""
        if len(secret) != 32:
            raise ValueError("a device's secret has 32 bytes")
        if algorithm is Algorithm.EDDSA:
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(secret))
        scalar = int.from_bytes(secret, "big")
        if not 0 < scalar < P256_ORDER:
            raise ValueError("a P-256 secret lies between 1 and the order")
        return cls(ec.derive_private_key(scalar, ec.SECP256R1()))

    @property
    def public(self) -> DevicePublicKey:
        """The public half."""
        public = self._private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return DevicePublicKey(_ED25519_HEAD + public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return DevicePublicKey(_ES256_HEAD + point[1:33] + _ES256_MIDDLE + point[33:])

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of `message`; deterministic (RFC 6979, RFC 8032), low s."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(message)
        r, s = decode_dss_signature(self._private.sign(message, _ECDSA_DETERMINISTIC))
        return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"DeviceKey(kid={self.public.kid.hex()})"


@lru_cache(maxsize=65536)
def _public(encoded: bytes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    try:
        if encoded.startswith(_ED25519_HEAD) and len(encoded) == 40:
            return ed25519.Ed25519PublicKey.from_public_bytes(encoded[8:])
        if encoded.startswith(_ES256_HEAD) and len(encoded) == 75 and encoded[40:43] == _ES256_MIDDLE:
            point = b"\x04" + encoded[8:40] + encoded[43:]
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise KeyRefused("key: the point is not on its curve") from None
    raise KeyRefused("key: must be a deterministic COSE_Key of P-256 or Ed25519 with required members only")
