"""Evidence bundles as values, and their one file form (docs/formats/bundle.md)."""

from dataclasses import dataclass
from enum import StrEnum

from ledger_node.headers import Header
from ledger_node.proofs import StateProof
from oracle.formats.fleet import DeviceRecord, Revocation
from oracle.formats.opening import Opening
from oracle.formats.schema import Schema
from registry.acts import Contract
from registry.transitions import Transition

FORMAT = "cangdan/bundle/1"


class ClaimKind(StrEnum):
    """What a bundle claims: the state of a receipt, that of a facility, or what a rule's action rests on."""

    RECEIPT = "receipt"
    FACILITY = "facility"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed; `id` is the receipt or facility, `seq` the facility's transition of an action, else 0."""

    kind: ClaimKind
    id: bytes
    seq: int = 0


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """A record with all its transitions, oldest first."""

    contract: Contract
    id: bytes
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """The instalment that was deferred, as its leaf in the schedule says; times in ms."""

    period_start_ms: int
    due_ms: int
    amount_hash: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ObservationEvidence:
    """Where an observation of the firing stands in its round, and the reporters' salts that its salt is made of."""

    subject: bytes
    metric: bytes
    index: int
    proof: tuple[bytes, ...]
    salts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CheckpointEvidence:
    """A reporter's checkpoint in a round: how far its log went."""

    oracle: bytes
    size: int
    root: bytes
    index: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RoundEvidence:
    """One round of the firing."""

    schema: bytes
    slot: int
    observations: tuple[ObservationEvidence, ...]
    checkpoints: tuple[CheckpointEvidence, ...]


@dataclass(frozen=True, slots=True)
class EntryEvidence:
    """A segment's entry in a reporter's log, under that reporter's checkpoint in a round."""

    schema: bytes
    slot: int
    oracle: bytes
    place: int
    arrived_ms: int
    salt: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SegmentEvidence:
    """What a device signed, and one entry for each round that it contributed to."""

    raw: bytes
    entries: tuple[EntryEvidence, ...]


@dataclass(frozen=True, slots=True)
class DeviceEvidence:
    """A device's record with its place in its fleet."""

    record: DeviceRecord
    index: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FleetEvidence:
    """All revocations of an entity's fleet."""

    entity: int
    revocations: tuple[Revocation, ...]


@dataclass(frozen=True, slots=True)
class ActionEvidence:
    """What an action rests on; `firing` is abi.encode(Rule, Observation[][])."""

    firing: bytes
    rule_proof: tuple[bytes, ...]
    instalment: ScheduleEntry | None
    schemas: tuple[Schema, ...]
    rounds: tuple[RoundEvidence, ...]
    segments: tuple[SegmentEvidence, ...]
    devices: tuple[DeviceEvidence, ...]
    fleets: tuple[FleetEvidence, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: one header, proofs of state at it, histories, opened documents, and the evidence of an action.

    `before` and `after` are the headers next to it that some engines need (docs/formats/trust.md), oldest first.
    """

    claim: Claim
    chain_id: int
    header: Header
    seal: bytes | None
    proofs: tuple[tuple[Contract, StateProof], ...]
    records: tuple[RecordHistory, ...]
    documents: tuple[Opening, ...]
    action: ActionEvidence | None
    before: tuple[Header, ...] = ()
    after: tuple[Header, ...] = ()
