"""What an oracle tells of itself to whoever watches it: its figures (docs/formats/metrics.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ledger_node.figures import Figure, Kind
from ledger_node.hexvalues import address_hex
from oracle.clock import Clock
from oracle.database import Database
from oracle.formats.reasons import Reason
from oracle.log import Log
from oracle.peers import Peer
from oracle.pull import peer_logs
from oracle.refusals import Quarantine
from oracle.rounds import RoundService
from oracle.slots import SlotKeeper
from oracle.store import Store

_ENTRIES = Kind("oracle_log_entries", "Entries of the oracle's log.")
_ARRIVED = Kind("oracle_last_entry_timestamp_seconds", "When the newest entry arrived, in seconds since 1970; 0: none.")
_OPEN = Kind("oracle_open_slots", "Reported slots that are not anchored, counted up to 10000.")
_OLDEST = Kind("oracle_oldest_open_slot_seconds", "How long the oldest of them has been reported; 0: none.")
_FIRINGS = Kind("oracle_waiting_firings", "Rules that fired and have not acted on the chain yet.")
_REFUSED = Kind("oracle_kept_refusals", "Refused segments that are kept, each as often as it came.", ("reason",))
_PEERS = Kind("oracle_reached_peers", "Other oracles that have answered since the start.")
_READ = Kind("oracle_peer_entries", "Entries that were read of another oracle's log.", ("peer",))
_PULLED = Kind(
    "oracle_peer_pulled_timestamp_seconds", "When another oracle's whole log had been read, since 1970.", ("peer",)
)
_SILENT = Kind("oracle_silent_devices", "Devices of covenants that nothing came from for longer than they may rest.")
_AWAITED = Kind("oracle_oldest_awaited_slot_seconds", "How long an ended slot has waited for a silent device; 0: none.")
_FAULTS = Kind("oracle_kept_faults", "Contradictions that another oracle signed and that are kept.", ("oracle",))
_SPLIT = Kind("oracle_peer_split", "1 when another oracle has shown two logs, else 0.", ("peer",))


@dataclass(frozen=True, slots=True)
class Status:
    """Entries in the log, reported slots that are not anchored, rules that fired and have not acted on the chain yet.

    `silent_devices` as oracle.staleness has it; `faults` are the contradictions of other oracles that are kept.
    `idle`: no slot and no firing is under way, and every loop has looked at this size of the log and found nothing to
    do. A peer's log may still be ahead.
    """

    log_size: int
    open_slots: int
    pending_firings: int
    silent_devices: int
    faults: int
    idle: bool


class Told(Protocol):
    """The parts of an oracle that figures are read of."""

    database: Database
    log: Log
    store: Store
    quarantine: Quarantine
    clock: Clock
    peers: list[Peer]
    rounds: RoundService
    slots: SlotKeeper

    def status(self) -> Status:
        """What is under way."""
        ...


def figures_of(oracle: Told) -> Iterator[Figure]:
    """The figures of now."""
    status, now_ms = oracle.status(), oracle.clock.now_ms()
    oldest = oracle.store.open_slots(1)
    yield _ENTRIES.is_(status.log_size)
    yield _ARRIVED.is_(oracle.log.last_arrival_ms() / 1000)
    yield _OPEN.is_(status.open_slots)
    yield _OLDEST.is_(max(now_ms - oldest[0].made_ms, 0) / 1000 if oldest else 0)
    waits = (oracle.slots.awaited_ms(schema, now_ms) for schema in oracle.rounds.schemas.values())
    yield _AWAITED.is_(max(waits, default=0) / 1000)
    yield _SILENT.is_(status.silent_devices)
    for accused, count in oracle.store.fault_counts().items():
        yield _FAULTS.is_(count, address_hex(accused))
    yield _FIRINGS.is_(status.pending_firings)
    refused = oracle.quarantine.counts()
    for reason in Reason:
        yield _REFUSED.is_(refused.get(reason, 0), reason.value)
    yield _PEERS.is_(len(oracle.peers))
    for peer in peer_logs(oracle.database):
        name = address_hex(peer.oracle)
        yield _READ.is_(peer.size, name)
        yield _PULLED.is_(peer.pulled_ms / 1000, name)
        yield _SPLIT.is_(peer.split, name)
