"""What the intake asks of the chain. The oracle's service answers from its node; verdicts never come from here."""

from dataclasses import dataclass
from typing import Protocol


class ChainUnavailable(RuntimeError):
    """The node does not answer now; nothing was decided and the same question may be asked again."""


@dataclass(frozen=True, slots=True)
class FleetRoots:
    """What DeviceRegistry holds for an entity."""

    fleet: bytes
    revocations: bytes


@dataclass(frozen=True, slots=True)
class FleetSize:
    """How many devices an entity's fleet has, and how many of them are revoked."""

    devices: int
    revoked: int


class FleetRegistry(Protocol):
    """The fleets as final blocks have them."""

    def fleet_size(self, entity: int) -> FleetSize | None:
        """How much an entity's fleet holds, or None before its first. Raises ChainUnavailable."""
        ...

    def roots(self, entity: int) -> FleetRoots | None:
        """The roots of an entity's fleet, or None before its first. Raises ChainUnavailable."""
        ...


class EpochBlocks(Protocol):
    """The blocks by which devices show that they signed no earlier."""

    def is_final(self, block_hash: bytes) -> bool:
        """Whether a 32-byte hash names a final block of the chain. Raises ChainUnavailable."""
        ...

    def latest(self) -> bytes:
        """The hash of the newest final block. Raises ChainUnavailable."""
        ...


class Members(Protocol):
    """Who is who in the consortium."""

    def is_oracle(self, address: bytes) -> bool:
        """Whether a 20-byte address is of an oracle of the set in force. Raises ChainUnavailable."""
        ...

    def entity_of(self, account: bytes) -> int | None:
        """The entity that a 20-byte account acts for, or None. Raises ChainUnavailable."""
        ...
