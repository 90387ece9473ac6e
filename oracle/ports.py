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


class FleetRegistry(Protocol):
    """The fleets' roots as final blocks have them."""

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


class OracleSet(Protocol):
    """The oracles of the consortium, who are granted the bodies of each other's logs."""

    def is_oracle(self, address: bytes) -> bool:
        """Whether a 20-byte address is of an oracle. Raises ChainUnavailable."""
        ...
