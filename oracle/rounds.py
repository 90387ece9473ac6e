"""From ended slots to anchored rounds: report, hear, propose, sign, send, and take over from a leader that fails.

Everything that must not be done twice is on the disk before it is done; each step may be cut off anywhere and
repeated (docs/formats/report.md tells the protocol).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger_node.secp256k1 import SignatureError, recover
from ledger_node.signing import Signer, SignerError, so_far
from oracle.agreement import (
    Fault,
    Refused,
    Round,
    check_against_own,
    check_proposal,
    check_report,
    leader,
)
from oracle.anchored import AnchoredRound, AnchoredRounds
from oracle.chain import Chain
from oracle.clock import Clock
from oracle.formats.observation import Checkpoint
from oracle.formats.report import Config, Proposal, Report
from oracle.formats.schema import Schema
from oracle.hedging import Hedged
from oracle.log import Log
from oracle.peers import Peer
from oracle.slots import SlotKeeper
from oracle.store import FaultSeen, OpenSlot, Store

BLOCK_MARK, SET_MARK = "anchored until", "set of oracles"
MOST_AHEAD = 10_000
"""How many reports of a peer are kept of slots that are not anchored, as it could sign any number of slots that never
come; with more, it is asked again later."""
ALL = 1 << 31


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient an oracle is. A leader waits `grace_ms` for the last reports; after `timeout_ms` without a round
    of its the next oracle takes over. `batch` slots are treated at once. A peer that has not answered a proposal after
    `hedge_ms` is still listened to, but the next one is asked too."""

    grace_ms: int = 400
    timeout_ms: int = 5000
    batch: int = 100
    hedge_ms: int = 1000


@dataclass(frozen=True, slots=True)
class _Led:
    """A round that this oracle leads, with the signatures it has by position."""

    proposal: Proposal
    round: Round
    signatures: dict[int, bytes]


class RoundService:
    """One oracle's part in the rounds. `step` is for one thread, `hear` for one a peer, `answer` for any."""

    def __init__(
        self,
        signer: Signer,
        chain: Chain,
        store: Store,
        anchored: AnchoredRounds,
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
        self._anchored = anchored
        self._log = log
        self._slots = slots
        self._peers = peers
        self._clock = clock
        self._pace = pace or Pace()
        self._hedged = Hedged(self._pace.hedge_ms / 1000, self._pace.timeout_ms / 1000)
        self._lock = threading.Lock()
        self._schemas: Mapping[bytes, Schema] = store.schemas()
        self._fetching: set[int] = set()
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
            self._store.reset_cursors()

    def step(self) -> bool:
        """Does what can be done now; whether anything was. Raises ChainUnavailable, SignerError."""
        config = self._chain.config()
        # First, so that an oracle that joined late does not report what is anchored long since.
        followed = self._follow_chain(config)
        if self._store.mark(SET_MARK) != config.epoch:
            self._change_set(config)
        reported, led = self._report_due(config), self._lead(config)
        return followed or reported or led

    def hear(self, peer: Peer) -> bool:
        """Takes from a peer its reports of open slots and the reports of rounds that were made without us; whether
        anything was new. What it says is checked, so a peer can withhold, and nothing else. Raises ChainUnavailable,
        PeerUnavailable."""
        config = self._chain.config()
        fetched = [self._fetch(each, peer) for each in self._anchored.bare(self._pace.batch) if self._claims(each)]
        if self._store.mark(SET_MARK) != config.epoch or not self._store.open_slots(1):
            return any(fetched)
        return self._hear_reports(peer, config) or any(fetched)

    def _change_set(self, config: Config) -> None:
        """Another set of oracles is in force: what was reported of open slots is signed anew, for the new set."""
        now = self._clock.now_ms()
        with self._store.database.transaction():
            places = [(each.schema, each.slot) for each in self._store.open_slots(ALL)]
            own = [self._store.reports(*place)[self._signer.address] for place in places]
        signed = [each.signed(config, self._signer) for each in own]
        with self._lock, self._store.database.transaction():
            self._store.renew_own_reports(signed, self._signer.address, now)
            self._store.reset_cursors()
            self._store.set_mark(SET_MARK, config.epoch)
        self._sent.clear()
        self._progress.clear()

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
            signed, failed = so_far(each.signed(config, self._signer) for each in made)
            with self._store.database.transaction():
                for report in signed:
                    self._store.add_own_report(report, self._signer.address, now)
            if failed is not None:
                raise failed
        return did

    def _hear_reports(self, peer: Peer, config: Config) -> bool:
        schemas, after = self._schemas, self._store.cursor(peer.address)
        page = peer.reports(after)
        known = [each for each in page.reports if self._author(each, config) == peer.address]
        with self._lock, self._store.database.transaction():
            if self._schemas is not schemas or self._store.mark(SET_MARK) != config.epoch:
                # A covenant or a set came in between, so what was no report of ours then may be one now.
                return True
            if self._store.peer_reports(peer.address) + len(known) > MOST_AHEAD:
                return False
            self._store.set_cursor(peer.address, page.next)
            return self._store.add_peer_reports(known, peer.address) > 0

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
        # A signer elsewhere may be slow, so the database is not held while anything is signed.
        with self._store.database.transaction():
            due = self._due(own, config)
        signed, failed = so_far(each.signed(config, self._signer) for each in due)
        rounds = [(each, check_proposal(each, self._schemas[each.schema], config)) for each in signed]
        with self._store.database.transaction():
            kept = [(each, round_) for each, round_ in rounds if self._is_kept(each, round_, config)]
        led, later = so_far(_Led(each, of, {own: self._signer.sign_typed(of.to_sign(config))}) for each, of in kept)
        if led:
            self._collect(led, config)
        sent = sum(self._send(each, config) for each in led)
        if (error := failed or later) is not None:
            raise error
        return sent > 0

    def _due(self, own: int, config: Config) -> list[Proposal]:
        """The proposals that are ours to make now, at most a batch, unsigned."""
        due: list[Proposal] = []
        for each in self._store.open_slots(self._pace.batch * len(config.oracles)):
            if len(due) == self._pace.batch:
                break
            proposal = self._proposal(each, own, config)
            if proposal is not None:
                due.append(proposal)
        return due

    def _proposal(self, open_slot: OpenSlot, own: int, config: Config) -> Proposal | None:
        """The proposal for a slot whose turn is ours, unsigned; None when it must wait or is sent already."""
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
        earlier = self._store.proposals(*place, config.epoch)
        chosen = earlier[0].reports if earlier else self._chosen(place, config)
        return Proposal(*place, attempt, chosen)

    def _is_kept(self, proposal: Proposal, round_: Round, config: Config) -> bool:
        """Keeps that this root is signed in the attempt; False when another one was."""
        root = round_.tree.root
        if self._store.sign_once(proposal.schema, proposal.slot, config.epoch, proposal.attempt, root) != root:
            return False
        self._store.add_proposal(proposal, root, config.epoch)
        return True

    def _chosen(self, place: tuple[bytes, int], config: Config) -> tuple[Report, ...]:
        reports = self._store.reports(*place)
        return tuple(reports[oracle] for oracle in config.oracles if oracle in reports)

    def _collect(self, led: Sequence[_Led], config: Config) -> None:
        """Asks one peer after the other until f+1 have signed each round."""
        lacking = list(led)

        def ask(peer: Peer) -> Callable[[], None]:
            asked = tuple(lacking)

            def take() -> None:
                answers = peer.propose([each.proposal for each in asked])
                for each, answer in zip(asked, answers, strict=True):
                    if isinstance(answer, bytes) and _signed_by(peer.address, each.round.digest(config), answer):
                        each.signatures[config.oracles.index(peer.address)] = answer

            return take

        def enough() -> bool:
            lacking[:] = [each for each in led if len(each.signatures) < config.signers]
            return not lacking

        self._hedged.run([each for each in self._peers if config.position(each.address) is not None], ask, enough)

    def _send(self, led: _Led, config: Config) -> bool:
        if len(led.signatures) < config.signers:
            return False
        signed = dict(led.signatures)
        positions = sorted(signed)[: config.signers]
        signatures = b"".join(signed[position] for position in positions)
        mask = sum(1 << position for position in positions)
        attempt = led.proposal.attempt
        self._chain.anchor(f"anchor {led.round.id.hex()} {config.epoch} {attempt}", led.round, mask, signatures)
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
        return [self._answer(each, config) for each in proposals]

    def _answer(self, proposal: Proposal, config: Config) -> bytes | Fault:
        try:
            return self._sign(proposal, config)
        except Refused as error:
            return error.fault
        except SignerError:
            return Fault.UNSIGNED

    def _sign(self, proposal: Proposal, config: Config) -> bytes:
        schema = self._schemas.get(proposal.schema)
        if schema is None:
            raise Refused(Fault.WRONG_SCHEMA, "no covenant here has this schema")
        # Signatures take long to check and are checked before the database is held.
        round_ = check_proposal(proposal, schema, config)
        self._watch(proposal, config)
        with self._store.database.transaction():
            self._consent(proposal, schema, round_.tree.root, config)
        return self._signer.sign_typed(round_.to_sign(config))

    def _consent(self, proposal: Proposal, schema: Schema, root: bytes, config: Config) -> None:
        """Keeps that this root is signed in the attempt. Raises Refused when it must not be."""
        open_slot = self._store.open_slot(proposal.schema, proposal.slot)
        if open_slot is None:
            known = self._anchored.find(proposal.schema, proposal.slot) is not None
            raise Refused(Fault.ANCHORED if known else Fault.NOT_OBSERVED, "the slot is not open here")
        if proposal.attempt > self._attempt(open_slot, schema, len(config.oracles)) + 1:
            raise Refused(Fault.TOO_EARLY, f"attempt {proposal.attempt} has not begun here")
        reports = self._store.reports(proposal.schema, proposal.slot)
        by_position = {check_report(each, schema, config): each for each in proposal.reports}
        check_against_own(reports[self._signer.address], by_position, config.f)
        place = (proposal.schema, proposal.slot, config.epoch)
        if self._store.sign_once(*place, proposal.attempt, root) != root:
            raise Refused(Fault.SIGNED_OTHER, "another root was signed in this attempt")
        self._store.add_proposal(proposal, root, config.epoch)

    def _watch(self, proposal: Proposal, config: Config) -> None:
        """Keeps the proof when a leader has signed two proposals in one attempt, or an oracle two reports of a slot."""
        with self._store.database.transaction():
            self._compare(proposal, config)

    def _compare(self, proposal: Proposal, config: Config) -> None:
        for other in self._store.proposals(proposal.schema, proposal.slot, config.epoch):
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

    # --- following the chain ----------------------------------------------------------------------------------------

    def _follow_chain(self, config: Config) -> bool:
        """Takes over the sets and rounds that final blocks hold, up to the last block; whether there were any."""
        did, block = False, self._store.mark(BLOCK_MARK)
        while (page := self._chain.anchored_since(block)).next_block != block:
            block, now = page.next_block, self._clock.now_ms()
            for each in page.rounds:
                self._note_progress(each.schema, each.slot, now, config)
            with self._store.database.transaction():
                self._anchored.add(page.sets, page.rounds)
                self._store.set_mark(BLOCK_MARK, block)
            did = did or bool(page.sets or page.rounds)
        return did

    def _note_progress(self, schema_id: bytes, slot: int, now: int, config: Config) -> None:
        schema, open_slot = self._schemas.get(schema_id), self._store.open_slot(schema_id, slot)
        self._sent.pop((schema_id, slot), None)
        if schema is None or open_slot is None:
            return
        oracles = len(config.oracles)
        if self._attempt(open_slot, schema, oracles) == 0:
            self._progress[schema_id, leader(schema, slot, 0, oracles)] = now

    def _fetch(self, bare: AnchoredRound, peer: Peer) -> bool:
        """Keeps the reports that an anchored round was made of, when a peer gives them. Raises PeerUnavailable."""
        schema = self._schemas.get(bare.schema)
        try:
            proposal = None if schema is None else peer.round(bare.schema, bare.slot)
            if schema is None or proposal is None or (proposal.schema, proposal.slot) != (bare.schema, bare.slot):
                return False
            if bare.rebuild(schema, proposal).tree.root != bare.root:
                return False
            self._watch(proposal, bare.config)
            self._anchored.add_proposal(bare, proposal)
        except (Refused, SignatureError):
            return False
        finally:
            self._fetching.discard(bare.serial)
        return True

    def _claims(self, bare: AnchoredRound) -> bool:
        """Whether no other peer is being asked for a round now; then this one is."""
        with self._lock:
            free = bare.serial not in self._fetching
            self._fetching.add(bare.serial)
        return free


def _signed_by(address: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return recover(digest, signature) == address
    except SignatureError:
        return False
