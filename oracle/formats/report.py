"""What one oracle says of one slot, signed; and a proposed round over such reports (docs/formats/report.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ledger_node import eip712
from ledger_node.canonical_json import JsonValue
from ledger_node.eip712 import Domain, struct
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from ledger_node.secp256k1 import recover
from ledger_node.signing import Signer, TypedData
from oracle.formats import observation as observations
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.metric import MAX_MEMBERS
from oracle.formats.observation import Checkpoint, Observation
from oracle.formats.segment import MAX_TIME_MS

REPORT = struct(
    "Report",
    "bytes32 configDigest",
    "bytes32 schema",
    "uint64 slot",
    "bytes32 observations",
    "uint64 logSize",
    "bytes32 logRoot",
)
PROPOSAL = struct(
    "Proposal", "bytes32 configDigest", "bytes32 schema", "uint64 slot", "uint32 attempt", "bytes32 reports"
)
SIGNATURE_SIZE = 64
MAX_ORACLES = 31
REMEMBERED = 4096
"""How many reports' digests and signers are remembered, as each is checked in several steps of a round."""


@dataclass(frozen=True, slots=True)
class Config:
    """A set of oracles, as signatures are bound to it: the hub's EIP-712 domain, the digest of the set, its members, f.

    Sets are numbered by `epoch` from 1; a round stays under the set that signed it when another one comes into force.
    """

    domain: Domain
    digest: bytes
    oracles: tuple[bytes, ...]
    f: int
    epoch: int

    @property
    def quorum(self) -> int:
        """How many reports a round rests on at least: 2f+1."""
        return 2 * self.f + 1

    @property
    def signers(self) -> int:
        """How many oracles sign a round, exactly: f+1."""
        return self.f + 1

    def position(self, oracle: bytes) -> int | None:
        """The place of an oracle in the set, or None."""
        return self.oracles.index(oracle) if oracle in self.oracles else None


def config_digest(chain_id: int, hub: bytes, epoch: int, f: int, oracles: Sequence[bytes]) -> bytes:
    """keccak256(abi.encode(chain id, hub, epoch, f, oracles)), as the AttestationHub makes it."""
    words = [chain_id, int.from_bytes(hub, "big"), epoch, f, 5 * 32, len(oracles)]
    words += [int.from_bytes(each, "big") for each in oracles]
    return keccak256(b"".join(word.to_bytes(32, "big") for word in words))


@dataclass(frozen=True, slots=True)
class Report:
    """The observations of one oracle for one slot and how far its log then went; `signature` has 64 bytes."""

    schema: bytes
    slot: int
    observations: tuple[Observation, ...]
    checkpoint: Checkpoint
    signature: bytes = b""

    def digest(self, config: Config) -> bytes:
        """The EIP-712 digest that the oracle signs."""
        return _report_digest(self, config)

    def signed(self, config: Config, signer: Signer) -> "Report":
        """The same under an oracle's signature. Raises SignerError."""
        to_sign = TypedData(
            self.digest(config), lambda: eip712.typed_data(config.domain, REPORT, _report_message(self, config))
        )
        signature = signer.sign_typed(to_sign)
        return Report(self.schema, self.slot, self.observations, self.checkpoint, signature)

    def signer(self, config: Config) -> bytes:
        """The address that signed. Raises SignatureError."""
        return _report_signer(self, config)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A leader's choice of reports, by ascending position, for the round of one slot; `signature` is the leader's."""

    schema: bytes
    slot: int
    attempt: int
    reports: tuple[Report, ...]
    signature: bytes = b""

    def digest(self, config: Config) -> bytes:
        """The EIP-712 digest that the leader signs."""
        return self._to_sign(config).digest

    def _to_sign(self, config: Config) -> TypedData:
        message = {
            "configDigest": config.digest,
            "schema": self.schema,
            "slot": self.slot,
            "attempt": self.attempt,
            "reports": keccak256(b"".join(each.digest(config) for each in self.reports)),
        }
        return eip712.to_sign(config.domain, PROPOSAL, message)

    def signed(self, config: Config, signer: Signer) -> "Proposal":
        """The same under the leader's signature. Raises SignerError."""
        signature = signer.sign_typed(self._to_sign(config))
        return Proposal(self.schema, self.slot, self.attempt, self.reports, signature)

    def signer(self, config: Config) -> bytes:
        """The address that signed. Raises SignatureError."""
        return recover(self.digest(config), self.signature)


@lru_cache(maxsize=REMEMBERED)
def _report_digest(report: Report, config: Config) -> bytes:
    return eip712.digest(config.domain, REPORT, _report_message(report, config))


def _report_message(report: Report, config: Config) -> eip712.Message:
    return {
        "configDigest": config.digest,
        "schema": report.schema,
        "slot": report.slot,
        "observations": keccak256(b"".join(each.words() for each in report.observations)),
        "logSize": report.checkpoint.size,
        "logRoot": report.checkpoint.root,
    }


@lru_cache(maxsize=REMEMBERED)
def _report_signer(report: Report, config: Config) -> bytes:
    return recover(_report_digest(report, config), report.signature)


def report_to_json(report: Report) -> dict[str, JsonValue]:
    """The JSON object of a report."""
    return {
        "schema": data_hex(report.schema),
        "slot": report.slot,
        "observations": [observations.to_json(each) for each in report.observations],
        "logSize": report.checkpoint.size,
        "logRoot": data_hex(report.checkpoint.root),
        "signature": data_hex(report.signature),
    }


def report_from_json(fields: Fields) -> Report:
    """The report of a JSON object, its signature unchecked. Raises FieldError that names field and rule."""
    schema, slot = fields.data("schema", 32), fields.integer("slot", 0, MAX_TIME_MS)
    report = Report(
        schema=schema,
        slot=slot,
        observations=tuple(
            observations.from_json(each) for each in objects(fields, "observations", MAX_MEMBERS, fewest=1)
        ),
        checkpoint=Checkpoint(fields.integer("logSize", 0, (1 << 53) - 1), fields.data("logRoot", 32)),
        signature=fields.data("signature", SIGNATURE_SIZE),
    )
    fields.end()
    if any((each.schema, each.slot) != (schema, slot) for each in report.observations):
        raise FieldError(f"{fields.at('observations')}: must be of the report's schema and slot")
    return report


def proposal_to_json(proposal: Proposal) -> dict[str, JsonValue]:
    """The JSON object of a proposal."""
    return {
        "schema": data_hex(proposal.schema),
        "slot": proposal.slot,
        "attempt": proposal.attempt,
        "reports": [report_to_json(each) for each in proposal.reports],
        "signature": data_hex(proposal.signature),
    }


def proposal_from_json(fields: Fields) -> Proposal:
    """The proposal of a JSON object, its signatures unchecked. Raises FieldError that names field and rule."""
    proposal = Proposal(
        schema=fields.data("schema", 32),
        slot=fields.integer("slot", 0, MAX_TIME_MS),
        attempt=fields.integer("attempt", 0, (1 << 32) - 1),
        reports=tuple(report_from_json(each) for each in objects(fields, "reports", MAX_ORACLES, fewest=1)),
        signature=fields.data("signature", SIGNATURE_SIZE),
    )
    fields.end()
    if any((each.schema, each.slot) != (proposal.schema, proposal.slot) for each in proposal.reports):
        raise FieldError(f"{fields.at('reports')}: must be of the proposal's schema and slot")
    return proposal
