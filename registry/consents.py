"""What parties sign: the EIP-712 digest of each consent, and the contract that it is for (docs/formats/ledger.md)."""

from functools import cache, lru_cache
from typing import Any

from ledger_node import eip712
from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.signing import TypedData
from registry import structs
from registry.acts import Contract
from registry.transitions import Deployment

Consent = (
    structs.Issue | structs.Pledge | structs.Release | structs.Delivery | structs.Fleet | structs.Facility
    | structs.Drawdown | structs.Repayment | structs.Cover | structs.ClaimDecision | structs.Inspection
    | structs.Decision
)  # fmt: skip
"""A struct that parties sign."""
FOR: dict[type[Consent], Contract] = {
    structs.Issue: Contract.RECEIPTS,
    structs.Pledge: Contract.RECEIPTS,
    structs.Release: Contract.RECEIPTS,
    structs.Delivery: Contract.RECEIPTS,
    structs.Fleet: Contract.DEVICES,
    structs.Facility: Contract.CREDIT,
    structs.Drawdown: Contract.CREDIT,
    structs.Repayment: Contract.CREDIT,
    structs.Cover: Contract.COVERS,
    structs.ClaimDecision: Contract.COVERS,
    structs.Inspection: Contract.REVIEWS,
    structs.Decision: Contract.REVIEWS,
}
"""The contract whose address the consent's domain names."""


def digest(consent: Consent, deployment: Deployment) -> bytes:
    """The 32 bytes that the parties sign."""
    return eip712.digest(domain(type(consent), deployment), struct_type(type(consent)), message(consent))


def digest_of(kind: type[Consent], data: bytes, deployment: Deployment) -> bytes:
    """The digest of a consent whose members are all words, from its ABI encoding: EIP-712 encodes them the same."""
    given: Any = kind
    words = keccak256(_type_hash(given) + data)
    return keccak256(_prefix(deployment.chain_id, deployment.addresses[FOR[kind]]) + words)


@lru_cache(1 << 10)
def _prefix(chain_id: int, address: bytes) -> bytes:
    """What stands before the hash of each consent for a contract."""
    return b"\x19\x01" + eip712.domain_separator(_domain(chain_id, address))


@cache
def _type_hash(kind: type[Consent]) -> bytes:
    """By the class: hashing a type's fields anew for each consent would take longer than hashing the consent."""
    return eip712.type_hash(kind.TYPE)


def typed_data(consent: Consent, deployment: Deployment) -> dict[str, JsonValue]:
    """The JSON that wallets show and sign (eth_signTypedData_v4)."""
    return eip712.typed_data(domain(type(consent), deployment), struct_type(type(consent)), message(consent))


def to_sign(consent: Consent, deployment: Deployment) -> TypedData:
    """What a party's signer is given."""
    return eip712.to_sign(domain(type(consent), deployment), struct_type(type(consent)), message(consent))


def domain(kind: type[Consent], deployment: Deployment) -> eip712.Domain:
    """What a signature of this kind is bound to."""
    return _domain(deployment.chain_id, deployment.addresses[FOR[kind]])


def _domain(chain_id: int, address: bytes) -> eip712.Domain:
    return eip712.Domain("Cangdan", "1", chain_id, address)


def struct_type(kind: type[Consent]) -> eip712.StructType:
    """The EIP-712 type of a consent."""
    return kind.TYPE


def message(consent: Consent) -> eip712.Message:
    """The values of a consent by the names that are signed."""
    return consent.message()
