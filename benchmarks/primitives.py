"""The hashes and signature checks that some work does, watched and then done again bare."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import sha3
from coincurve import PublicKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ledger_node import hashing, secp256k1
from oracle.formats.cose import DevicePublicKey

_ECDSA = ec.ECDSA(hashes.SHA256())
_POINT = 40, 43
"""In a COSE_Key of P-256: where x ends (it has 32 bytes) and where y begins."""


@dataclass(frozen=True, slots=True)
class Primitives:
    """What went into each hash and each signature check, ready for the bare libraries."""

    keccak: list[bytes]
    sha256: list[bytes]
    recoveries: list[tuple[bytes, bytes]]
    """Signature with parity, digest."""
    p256: list[tuple[ec.EllipticCurvePublicKey, bytes, bytes]]
    """Key, signature in DER, message."""

    @property
    def hashed(self) -> int:
        """How many hashes there are."""
        return len(self.keccak) + len(self.sha256)

    @property
    def checked(self) -> int:
        """How many signature checks there are."""
        return len(self.recoveries) + len(self.p256)

    def run(self) -> None:
        """All of it, with nothing around."""
        for data in self.keccak:
            sha3.keccak_256(data).digest()
        for data in self.sha256:
            hashlib.sha256(data).digest()
        self.recover()
        for key, der, message in self.p256:
            key.verify(der, message, _ECDSA)

    def recover(self) -> None:
        """The recoveries of signers' keys alone."""
        for signature, digest in self.recoveries:
            PublicKey.from_signature_and_message(signature, digest, hasher=None).format(compressed=False)


def watch(work: Callable[[], object]) -> Primitives:
    """The primitives that `work` calls in this thread, through the one place that the project has for each."""
    found = Primitives([], [], [], [])
    places: dict[object, Callable[[dict[str, Any]], None]] = {
        hashing.keccak256.__code__: lambda given: found.keccak.append(given["data"]),
        hashing.sha256.__code__: lambda given: found.sha256.append(given["data"]),
        secp256k1.recover.__code__: lambda given: found.recoveries.append(_recovery(**given)),
        secp256k1.recover_sealer.__code__: lambda given: found.recoveries.append((given["seal"], given["digest"])),
        DevicePublicKey.verify.__code__: lambda given: found.p256.append(_p256(**given)),
    }

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in places:
            places[frame.f_code](dict(frame.f_locals))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


def _recovery(digest: bytes, signature: bytes) -> tuple[bytes, bytes]:
    if len(signature) == 65:
        return signature[:64] + bytes([signature[64] - 27]), digest
    return signature[:32] + bytes([signature[32] & 0x7F]) + signature[33:] + bytes([signature[32] >> 7]), digest


def _p256(self: DevicePublicKey, message: bytes, signature: bytes) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes]:
    end, begin = _POINT
    point = b"\x04" + self.encoded[end - 32 : end] + self.encoded[begin:]
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point), der, message
