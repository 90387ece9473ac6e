"""What the judgement asks of the chain and does there: one port, answered by a node (oracle.node)."""

from dataclasses import dataclass
from typing import Protocol

from ledger_node.eip712 import Domain
from oracle.agreement import Round
from oracle.formats.report import Config
from oracle.formats.rule import Firing


@dataclass(frozen=True, slots=True)
class Anchored:
    """A round that a final block holds; `epoch` is that of the oracle set that signed it."""

    schema: bytes
    slot: int
    root: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class AnchoredPage:
    """The oracle sets that came into force and the rounds anchored from one block on, in order, and the next block."""

    sets: tuple[Config, ...]
    rounds: tuple[Anchored, ...]
    next_block: int


@dataclass(frozen=True, slots=True)
class FacilityRoots:
    """What CreditBook holds of a facility."""

    open: bool
    rules: bytes
    schedule: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the chain refuses an act: the name of the contract's error, and the same with its arguments."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Execution:
    """A call of RuleEngine.execute: the rule with its proof, the evidence with index and proof of each observation."""

    facility: bytes
    firing: Firing
    rule_proof: tuple[bytes, ...]
    proofs: tuple[tuple[tuple[int, tuple[bytes, ...]], ...], ...]
    action_data: bytes


class Chain(Protocol):
    """The consortium's chain. Each method raises ports.ChainUnavailable when the node does not answer."""

    def config(self) -> Config:
        """The oracle set in force."""
        ...

    def is_oracle(self, address: bytes) -> bool:
        """Whether a 20-byte address is of an oracle of the set in force."""
        ...

    def credit_domain(self) -> Domain:
        """The EIP-712 domain of CreditBook, which facilities' ids are made under."""
        ...

    def anchored_since(self, block: int) -> AnchoredPage:
        """The sets and rounds that final blocks from `block` on hold; a page at a time."""
        ...

    def facility(self, facility: bytes) -> FacilityRoots | None:
        """A facility's roots, or None when it does not exist."""
        ...

    def last_slot(self, facility: bytes, rule: int) -> int:
        """The last slot that a rule of a facility acted on, 0 before the first."""
        ...

    def cover_of(self, facility: bytes, rule: int, slot: int) -> bytes | Refusal | None:
        """The cover of a rule's claims at a slot; None while there may yet be one, else why there is none."""
        ...

    def entity_of(self, account: bytes) -> int | None:
        """The entity that a 20-byte account acts for, or None."""
        ...

    def anchor(self, key: str, round_: Round, mask: int, signatures: bytes) -> None:
        """Sends a round under f+1 signatures; the same `key` never sends twice, also after a restart."""
        ...

    def execute(self, key: str, execution: Execution) -> Refusal | None:
        """Sends an execution, or says why the engine would refuse it now; the same `key` never sends twice."""
        ...

    def outcome(self, key: str) -> Refusal | bool:
        """Of what was sent under `key`: True when a final block holds it, False while it waits, or why it failed.

        False too when nothing was sent under it.
        """
        ...
