"""What an oracle asks of another one: reports, signatures under its proposals, the reports of an anchored round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.agreement import Fault
from oracle.formats.report import Proposal, Report


class PeerUnavailable(RuntimeError):
    """The peer does not answer, or not in its format; the same may be asked again."""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Reports of a peer's open slots and the serial number to ask from next."""

    next: int
    reports: tuple[Report, ...]


class Peer(Protocol):
    """Another oracle. Each method raises PeerUnavailable."""

    @property
    def address(self) -> bytes:
        """Its 20-byte address."""
        ...

    def reports(self, after: int) -> ReportPage:
        """Its own reports after a serial number."""
        ...

    def propose(self, proposals: Sequence[Proposal]) -> list[bytes | Fault]:
        """For each proposal its 64-byte signature of the round, or why it does not sign."""
        ...

    def round(self, schema: bytes, slot: int) -> Proposal | None:
        """The proposal that an anchored round was made of, or None when it does not know."""
        ...
