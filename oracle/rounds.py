"""From ended slots to anchored rounds: report, pull, propose, sign, send, and take over from a leader that fails.

Everything that must not be done twice is on the disk before it is done; each step may be cut off anywhere and
repeated (docs/formats/report.md tells the protocol).
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger_node.secp256k1 import SignatureError, recover
from oracle.agreement import (
    Fault,
    Refused,
    Round,
    agree,
    check_against_own,
    check_proposal,
    check_report,
    leader,
)
from oracle.chain import Chain
from oracle.clock import Clock
from oracle.formats.observation import Checkpoint
from oracle.formats.report import Config, Proposal, Report
from oracle.formats.schema import Schema
from oracle.formats.signed import Signer
from oracle.log import Log
from oracle.peers import Peer, PeerUnavailable
from oracle.slots import SlotKeeper
from oracle.store import FaultSeen, OpenSlot, Store

BLOCK_MARK = "anchored until"


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient an oracle is. A leader waits `grace_ms` for the last reports; after `timeout_ms` without a round
    of its the next oracle takes over. `batch` slots are treated at once."""

    grace_ms: int = 400
    timeout_ms: int = 5000
    batch: int = 100


@dataclass(frozen=True, slots=True)
class _Led:
    """A round that this oracle leads, with the signatures it has by position."""

    proposal: Proposal
    round: Round
    signatures: dict[int, bytes]


class RoundService:
    """One oracle's part in the rounds. `step` belongs to one thread; `answer` may come from any."""

    def __init__(
        self,
        signer: Signer,
        chain: Chain,
        store: Store,
        log: Log,
        slots: SlotKeeper,
        peers: Sequence[Peer],
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        """`peers` may grow while the oracle runs."""
        self._signer = signer
        self._chain = chain
        self._store = store
        self._log = log
        self._slots = slots
        self._peers = peers
        self._clock = clock
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._schemas: Mapping[bytes, Schema] = store.schemas()
        self._sent: dict[tuple[bytes, int], int] = {}
        self._progress: dict[tuple[bytes, int], int] = {}

    @property
    def schemas(self) -> Mapping[bytes, Schema]:
        """The schemas that are observed, by id."""
        return self._schemas

    def learn(self) -> None:
        """Takes up the schemas of a covenant that was added; peers' reports of them are asked for anew."""
        with self._lock, self._store.database.transaction():
            self._schemas = self._store.schemas()
            for peer in self._peers:
                self._store.set_mark(_cursor(peer), 0)

    def step(self) -> bool:
        """Does what can be done now; whether anything was. Raises ChainUnavailable."""
        config = self._chain.config()
        did = [self._report_due(config), self._pull(config), self._lead(config), self._settle(config)]
        return any(did)

    # --- reporting --------------------------------------------------------------------------------------------------

    def _report_due(self, config: Config) -> bool:
        now = self._clock.now_ms()
        did = False
        for schema in self._schemas.values():
            due = self._slots.due(schema, now, self._pace.batch)
            if not due:
                continue
            did = True
            head = self._log.checkpoint()
            checkpoint = Checkpoint(head.size, head.root)
            made = [Report(schema.id, slot, self._slots.observe(schema, slot), checkpoint) for slot in due]
            signed = [each.signed(config, self._signer) for each in made]
            with self._store.database.transaction():
                for report in signed:
                    self._store.add_report(report, self._signer.address, own=True, now_ms=now)
        return did

    def _pull(self, config: Config) -> bool:
        if not self._store.open_slots(1):
            return False
        did = False
        for peer in self._peers:
            after = self._store.mark(_cursor(peer))
            try:
                page = peer.reports(after)
            except PeerUnavailable:
                continue
            if page.next == after:
                continue
            did = True
            told = [(report, self._author(report, config)) for report in page.reports]
            with self._store.database.transaction():
                for report, oracle in told:
                    if oracle is not None:
                        self._store.add_report(report, oracle, own=False, now_ms=self._clock.now_ms())
                self._store.set_mark(_cursor(peer), page.next)
        return did

    def _author(self, report: Report, config: Config) -> bytes | None:
        """Who may make and has made a report; of one that is wrong nobody, and its oracle counts as silent."""
        schema = self._schemas.get(report.schema)
        if schema is None:
            return None
        try:
            return config.oracles[check_report(report, schema, config)]
        except Refused:
            return None

    # --- leading ----------------------------------------------------------------------------------------------------

    def _lead(self, config: Config) -> bool:
        own = config.position(self._signer.address)
        if own is None:
            return False
        led: list[_Led] = []
        with self._store.database.transaction():
            for each in self._store.open_slots(self._pace.batch * len(config.oracles)):
                if len(led) == self._pace.batch:
                    break
                made = self._make(each, own, config)
                if made is not None:
                    led.append(made)
        if not led:
            return False
        self._collect(led, config)
        return sum(self._send(each, config) for each in led) > 0

    def _make(self, open_slot: OpenSlot, own: int, config: Config) -> _Led | None:
        """The round of a slot whose turn is ours, under our signature; None when it must wait or is sent already."""
        schema = self._schemas.get(open_slot.schema)
        if schema is None:
            return None
        place, oracles = (open_slot.schema, open_slot.slot), len(config.oracles)
        attempt = self._attempt(open_slot, schema, oracles)
        if leader(schema, open_slot.slot, attempt, oracles) != own or self._sent.get(place) == attempt:
            return None
        reports = self._store.how_many(*place)
        waiting = self._clock.now_ms() - open_slot.made_ms < self._pace.grace_ms
        if reports < config.quorum or (reports < oracles and waiting):
            return None
        earlier = self._store.proposals(*place)
        chosen = earlier[0].reports if earlier else self._chosen(place, config)
        proposal = Proposal(*place, attempt, chosen).signed(config, self._signer)
        try:
            round_ = check_proposal(proposal, schema, config)
        except Refused:
            # The set of oracles changed since the reports were made.
            return None
        self._store.add_proposal(proposal, round_.tree.root)
        signed = self._store.sign_once(*place, attempt, round_.tree.root)
        if signed != round_.tree.root:
            return None
        return _Led(proposal, round_, {own: self._signer.sign_digest(round_.digest(config))})

    def _chosen(self, place: tuple[bytes, int], config: Config) -> tuple[Report, ...]:
        reports = self._store.reports(*place)
        return tuple(reports[oracle] for oracle in config.oracles if oracle in reports)

    def _collect(self, led: Sequence[_Led], config: Config) -> None:
        """Asks one peer after the other until f+1 have signed each round."""
        for peer in self._peers:
            position = config.position(peer.address)
            wanting = [each for each in led if len(each.signatures) < config.signers]
            if position is None or not wanting:
                continue
            try:
                answers = peer.propose([each.proposal for each in wanting])
            except PeerUnavailable:
                continue
            for each, answer in zip(wanting, answers, strict=True):
                if isinstance(answer, bytes) and _signed_by(peer.address, each.round.digest(config), answer):
                    each.signatures[position] = answer

    def _send(self, led: _Led, config: Config) -> bool:
        if len(led.signatures) < config.signers:
            return False
        positions = sorted(led.signatures)[: config.signers]
        signatures = b"".join(led.signatures[position] for position in positions)
        mask = sum(1 << position for position in positions)
        attempt = led.proposal.attempt
        self._chain.anchor(f"anchor {led.round.id.hex()} {attempt}", led.round, mask, signatures)
        self._sent[led.round.schema, led.round.slot] = attempt
        return True

    def _attempt(self, open_slot: OpenSlot, schema: Schema, oracles: int) -> int:
        """How many leaders have let this slot pass: time without a round of the first leader, in timeouts."""
        first = leader(schema, open_slot.slot, 0, oracles)
        since = max(open_slot.made_ms, self._progress.get((open_slot.schema, first), 0))
        return max(0, self._clock.now_ms() - since) // self._pace.timeout_ms

    # --- signing for others -----------------------------------------------------------------------------------------

    def answer(self, proposals: Sequence[Proposal]) -> list[bytes | Fault]:
        """For each proposal our signature of its round, or why not. Raises ChainUnavailable."""
        config = self._chain.config()
        with self._store.database.transaction():
            return [self._answer(each, config) for each in proposals]

    def _answer(self, proposal: Proposal, config: Config) -> bytes | Fault:
        try:
            return self._sign(proposal, config)
        except Refused as error:
            return error.fault

    def _sign(self, proposal: Proposal, config: Config) -> bytes:
        schema = self._schemas.get(proposal.schema)
        if schema is None:
            raise Refused(Fault.WRONG_SCHEMA, "no covenant here has this schema")
        round_ = check_proposal(proposal, schema, config)
        root = round_.tree.root
        self._watch(proposal, root, config)
        open_slot = self._store.open_slot(proposal.schema, proposal.slot)
        if open_slot is None:
            known = self._store.anchored(proposal.schema, proposal.slot) is not None
            raise Refused(Fault.ANCHORED if known else Fault.NOT_OBSERVED, "the slot is not open here")
        if proposal.attempt > self._attempt(open_slot, schema, len(config.oracles)) + 1:
            raise Refused(Fault.TOO_EARLY, f"attempt {proposal.attempt} has not begun here")
        reports = self._store.reports(proposal.schema, proposal.slot)
        by_position = {check_report(each, schema, config): each for each in proposal.reports}
        check_against_own(reports[self._signer.address], by_position, config.f)
        self._store.add_proposal(proposal, root)
        if self._store.sign_once(proposal.schema, proposal.slot, proposal.attempt, root) != root:
            raise Refused(Fault.SIGNED_OTHER, "another root was signed in this attempt")
        return self._signer.sign_digest(round_.digest(config))

    def _watch(self, proposal: Proposal, root: bytes, config: Config) -> None:
        """Keeps the proof when a leader has signed two proposals in one attempt, or an oracle two reports of a slot."""
        for other in self._store.proposals(proposal.schema, proposal.slot):
            if other.attempt == proposal.attempt and other.digest(config) != proposal.digest(config):
                self._fault(proposal, proposal.signer(config), other.digest(config), proposal.digest(config))
        known = self._store.reports(proposal.schema, proposal.slot)
        for report in proposal.reports:
            oracle = report.signer(config)
            if oracle in known and known[oracle].digest(config) != report.digest(config):
                self._fault(proposal, oracle, known[oracle].digest(config), report.digest(config))

    def _fault(self, proposal: Proposal, oracle: bytes, one: bytes, other: bytes) -> None:
        first, second = sorted((one, other))
        fault, now = Fault.EQUIVOCATION.value, self._clock.now_ms()
        place = (proposal.schema, proposal.slot, proposal.attempt)
        self._store.add_fault(FaultSeen(oracle, *place, fault, first, second, now))

    # --- settling ---------------------------------------------------------------------------------------------------

    def _settle(self, config: Config) -> bool:
        """Takes over what final blocks hold, and fetches the reports of rounds that were made without us."""
        block = self._store.mark(BLOCK_MARK)
        page = self._chain.anchored_since(block)
        now = self._clock.now_ms()
        for each in page.rounds:
            self._note_progress(each.schema, each.slot, now, config)
        with self._store.database.transaction():
            self._store.add_anchored(page.rounds)
            if page.next_block != block:
                self._store.set_mark(BLOCK_MARK, page.next_block)
        fetched = [
            self._fetch(each.schema, each.slot, each.root, config) for each in self._store.bare(self._pace.batch)
        ]
        return bool(page.rounds) or any(fetched)

    def _note_progress(self, schema_id: bytes, slot: int, now: int, config: Config) -> None:
        schema, open_slot = self._schemas.get(schema_id), self._store.open_slot(schema_id, slot)
        self._sent.pop((schema_id, slot), None)
        if schema is None or open_slot is None:
            return
        oracles = len(config.oracles)
        if self._attempt(open_slot, schema, oracles) == 0:
            self._progress[schema_id, leader(schema, slot, 0, oracles)] = now

    def _fetch(self, schema_id: bytes, slot: int, root: bytes, config: Config) -> bool:
        schema = self._schemas.get(schema_id)
        if schema is None:
            return False
        for peer in self._peers:
            try:
                proposal = peer.round(schema_id, slot)
                if proposal is None or (proposal.schema, proposal.slot) != (schema_id, slot):
                    continue
                reports = {check_report(each, schema, config): each for each in proposal.reports}
                if agree(reports, schema, config).tree.root == root:
                    self._watch(proposal, root, config)
                    self._store.add_body(proposal, root)
                    return True
            except (PeerUnavailable, Refused, SignatureError):
                continue
        return False


def _cursor(peer: Peer) -> str:
    return f"reports of {peer.address.hex()}"


def _signed_by(address: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return recover(digest, signature) == address
    except SignatureError:
        return False
