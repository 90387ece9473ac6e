"""The one door for readings: a device's or a peer's bytes in, a receipt or a refusal out.

Signatures are checked outside of the database's transaction; what depends on the chain of the device, inside. Many
arrivals share one transaction, which is on the disk before any receipt leaves.
"""

import threading
from collections.abc import Container, Sequence
from dataclasses import dataclass

from ledger_node.hashing import sha256
from ledger_node.signing import Signer
from oracle.admission import Equivocated, OutOfSequence, check_enrolment, check_next
from oracle.check import ACCEPTED, Verdict
from oracle.clock import Clock
from oracle.database import Database
from oracle.fleets import Enrolled, Fleets
from oracle.formats.reasons import Reason
from oracle.formats.segment import Context, SegmentRefused, SignedSegment, enrolled, parse, verify_signature
from oracle.formats.signed import SegmentReceipt, sign_receipt
from oracle.log import Log, Position
from oracle.ports import EpochBlocks
from oracle.refusals import Quarantine, Refusal

_KNOWN_BLOCKS = 4096


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes that came from `source`; a peer's carry the time at which they came to the peer."""

    raw: bytes
    source: str
    arrived_ms: int | None = None

    @property
    def pulled(self) -> bool:
        """Whether they come from a peer's log."""
        return self.arrived_ms is not None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The segment is in the log; `fresh` when it was not before. The receipt is unsigned for what a peer has."""

    receipt: SegmentReceipt
    fresh: bool


Outcome = Accepted | Refusal


@dataclass(frozen=True, slots=True)
class _Signed:
    """An arrival whose signature holds."""

    arrival: Arrival
    segment: SignedSegment
    device: Enrolled
    arrived_ms: int
    final_block: bool


class IngestService:
    """Verifies, logs and answers for. Safe to call from several threads."""

    def __init__(
        self,
        context: Context,
        database: Database,
        log: Log,
        quarantine: Quarantine,
        fleets: Fleets,
        blocks: EpochBlocks,
        signer: Signer,
        clock: Clock,
    ) -> None:
        self.context = context
        self.log = log
        self.quarantine = quarantine
        self.fleets = fleets
        self.blocks = blocks
        self._database = database
        self._signer = signer
        self._clock = clock
        self._final: set[bytes] = set()
        self._lock = threading.Lock()

    def accept(self, raw: bytes, source: str) -> Outcome:
        """Takes one segment from a device. Raises ChainUnavailable, sqlite3.Error: then nothing was decided; and
        SignerError: then it may be in the log, and the same bytes sent again get the receipt."""
        return self.accept_many([Arrival(raw, source)])[0]

    def accept_many(self, arrivals: Sequence[Arrival], wait_for: Container[Reason] = ()) -> list[Outcome]:
        """Takes arrivals in their order, in one transaction; stops before the first that is refused for a reason
        in `wait_for`, and then the list is shorter. Raises as `accept` does; what peers have is not signed for."""
        judged = [self._verify(each) for each in arrivals]
        placed: list[tuple[Position, bool] | Refusal] = []
        with self._database.transaction():
            for arrival, each in zip(arrivals, judged, strict=True):
                try:
                    placed.append(self._place(each))
                except SegmentRefused as error:
                    if error.reason in wait_for:
                        break
                    placed.append(self._refuse(arrival, error, each.segment if isinstance(each, _Signed) else None))
        return [
            each if isinstance(each, Refusal) else self._accepted(*each, signed=not arrival.pulled)
            for arrival, each in zip(arrivals, placed, strict=False)
        ]

    def examine(self, raw: bytes) -> Verdict:
        """What `accept` would answer; nothing is logged or kept. Raises ChainUnavailable, sqlite3.Error."""
        judged = self._verify(Arrival(raw, ""))
        try:
            if isinstance(judged, SegmentRefused):
                raise judged
            with self._database.transaction():
                logged = self.log.find(judged.segment.digest)
                if logged is not None:
                    raise _replayed(logged)
                self._check(judged)
        except SegmentRefused as error:
            return Verdict(False, error.reason, error.detail)
        return ACCEPTED

    def _verify(self, arrival: Arrival) -> "_Signed | SegmentRefused":
        now_ms = self._clock.now_ms()
        arrived_ms = now_ms if arrival.arrived_ms is None else arrival.arrived_ms
        try:
            segment = parse(arrival.raw)
            device = enrolled(segment, self._enrolment(segment, arrival))
            verify_signature(segment, device.key, self.context)
        except SegmentRefused as error:
            return error
        return _Signed(arrival, segment, device, arrived_ms, self._is_final(segment.content.epoch_block_hash))

    def _enrolment(self, segment: SignedSegment, arrival: Arrival) -> Enrolled | None:
        if arrival.arrived_ms is None:
            return self.fleets.find(segment.content.device)
        return self.fleets.suited(segment, arrival.arrived_ms)

    def _place(self, signed: "_Signed | SegmentRefused") -> tuple[Position, bool]:
        if isinstance(signed, SegmentRefused):
            raise signed
        segment = signed.segment
        logged = self.log.find(segment.digest)
        if logged is not None:
            if not signed.arrival.pulled:
                self._refuse(signed.arrival, _replayed(logged), segment)
            return logged, False
        self._check(signed)
        return self.log.append(segment, signed.arrived_ms, signed.arrival.source), True

    def _check(self, signed: _Signed) -> None:
        segment, record, content = signed.segment, signed.device.record, signed.segment.content
        other = self.log.at(content.device, content.seq)
        if other is not None:
            raise Equivocated(content.seq, other.digest)
        if self.quarantine.equivocation(content.device, segment.kid) is not None:
            raise SegmentRefused(Reason.QUARANTINED, f"kid {segment.kid.hex()} is under quarantine")
        check_enrolment(content, record, signed.device.revoked_at_ms, signed.arrived_ms)
        check_next(content, record, signed.device.profile, self.log.cursor(content.device), signed.arrived_ms)
        if not signed.final_block:
            raise SegmentRefused(
                Reason.UNKNOWN_EPOCH_BLOCK, f"epochBlockHash: {content.epoch_block_hash.hex()} is no final block"
            )

    def _refuse(self, arrival: Arrival, error: SegmentRefused, signed: SignedSegment | None = None) -> Refusal:
        if isinstance(error, Equivocated) and signed is not None:
            self.quarantine.equivocated(signed, error.logged, self._clock.now_ms())
        expected = error.expected if isinstance(error, OutOfSequence) else None
        refusal = Refusal(error.reason, error.detail, sha256(arrival.raw), expected)
        self.quarantine.add(refusal, arrival.raw, arrival.source, self._clock.now_ms(), signed)
        return refusal

    def _accepted(self, position: Position, fresh: bool, *, signed: bool) -> Accepted:
        receipt = SegmentReceipt(
            chain_id=self.context.chain_id,
            registry=self.context.registry,
            device=position.device,
            seq=position.seq,
            segment_digest=position.digest,
            log_index=position.place,
            oracle=self._signer.address,
            time_ms=position.arrived_ms,
        )
        return Accepted(sign_receipt(receipt, self._signer) if signed else receipt, fresh)

    def _is_final(self, block_hash: bytes) -> bool:
        if block_hash in self._final:
            return True
        if not self.blocks.is_final(block_hash):
            return False
        with self._lock:
            if len(self._final) >= _KNOWN_BLOCKS:
                self._final.clear()
            self._final.add(block_hash)
        return True


def _replayed(logged: Position) -> SegmentRefused:
    return SegmentRefused(Reason.REPLAYED, f"seq: {logged.seq} is logged as entry {logged.place}")
