"""Four oracles in one process on real SQLite files; only the chain is a stand-in, behind its port."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ledger_node.eip712 import Domain
from ledger_node.merkle import leaf_hash, verify_padded
from ledger_node.secp256k1 import recover
from ledger_node.signing import Signer, SignerError
from oracle.agreement import Fault, Round
from oracle.anchored import AnchoredRounds
from oracle.chain import Anchored, AnchoredPage, Chain, Execution, FacilityRoots, Refusal
from oracle.database import Database
from oracle.execution import ExecutionService
from oracle.firings import FiringStore
from oracle.formats.covenant import Covenant
from oracle.formats.report import Config, Proposal
from oracle.formats.segment import SignedSegment
from oracle.formats.signed import log_origin
from oracle.log import Log
from oracle.peers import PeerUnavailable, ReportPage
from oracle.rounds import Pace, RoundService
from oracle.rules import meets
from oracle.slots import SlotKeeper
from oracle.store import Store
from tests.oracle.judgement_kit import CONFIG, CONTEXT, ORACLE_SIGNERS

CREDIT_DOMAIN = Domain("Cangdan", "1", 20590, bytes.fromhex("33" * 20))
PACE = Pace(grace_ms=100, timeout_ms=1000, batch=50)


@dataclass
class HandClock:
    """A clock that a test moves."""

    time_ms: int = 0

    def now_ms(self) -> int:
        return self.time_ms


@dataclass
class FakeChain:
    """The contracts' rules for rounds and executions, in memory; each set and each round is a block of its own."""

    roots: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    events: list[Config | Anchored] = field(default_factory=lambda: [CONFIG])
    facilities: dict[bytes, FacilityRoots] = field(default_factory=dict)
    covers: dict[tuple[bytes, int], bytes | Refusal] = field(default_factory=dict)
    entities: dict[bytes, int] = field(default_factory=dict)
    last: dict[tuple[bytes, int], int] = field(default_factory=dict)
    outcomes: dict[str, Refusal | bool] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    refuse: Refusal | None = None
    contradictions: int = 0

    @property
    def blocks(self) -> list[Anchored]:
        """The rounds that are anchored, in order."""
        return [each for each in self.events if isinstance(each, Anchored)]

    def config(self) -> Config:
        return [each for each in self.events if isinstance(each, Config)][-1]

    def is_oracle(self, address: bytes) -> bool:
        return address in self.config().oracles

    def credit_domain(self) -> Domain:
        return CREDIT_DOMAIN

    def anchored_since(self, block: int) -> AnchoredPage:
        told = self.events[block:]
        sets = tuple(each for each in told if isinstance(each, Config))
        return AnchoredPage(sets, tuple(each for each in told if isinstance(each, Anchored)), len(self.events))

    def facility(self, facility: bytes) -> FacilityRoots | None:
        return self.facilities.get(facility)

    def last_slot(self, facility: bytes, rule: int) -> int:
        return self.last.get((facility, rule), 0)

    def cover_of(self, facility: bytes, rule: int, slot: int) -> bytes | Refusal | None:
        return self.covers.get((facility, rule))

    def entity_of(self, account: bytes) -> int | None:
        return self.entities.get(account)

    def anchor(self, key: str, round_: Round, mask: int, signatures: bytes) -> None:
        if key in self.outcomes:
            return
        self.outcomes[key] = True
        config = self.config()
        positions = [at for at in range(len(config.oracles)) if mask >> at & 1]
        assert len(positions) == config.f + 1
        for number, position in enumerate(positions):
            signature = signatures[64 * number : 64 * number + 64]
            assert recover(round_.digest(config), signature) == config.oracles[position]
        place = (round_.schema, round_.slot)
        if self.roots.setdefault(place, round_.tree.root) != round_.tree.root:
            self.contradictions += 1
        elif place not in {(each.schema, each.slot) for each in self.blocks}:
            self.events.append(Anchored(*place, round_.tree.root, config.epoch))

    def execute(self, key: str, execution: Execution) -> Refusal | None:
        if key in self.outcomes:
            return None
        rule = execution.firing.rule
        if self.refuse is not None:
            return self.refuse
        if execution.firing.first_slot <= self.last_slot(execution.facility, rule.index):
            return Refusal("EvidenceNotNewer", "EvidenceNotNewer()")
        rules_root = self.facilities[execution.facility].rules
        assert verify_padded(leaf_hash(rule.leaf()), rule.index, execution.rule_proof, rules_root)
        for condition, run, proofs in zip(rule.conditions, execution.firing.evidence, execution.proofs, strict=True):
            assert meets(condition, run)
            for seen, (index, proof) in zip(run, proofs, strict=True):
                assert verify_padded(leaf_hash(seen.leaf()), index, proof, self.roots[seen.schema, seen.slot])
        self.last[execution.facility, rule.index] = execution.firing.last_slot
        self.executions.append(execution)
        self.outcomes[key] = True
        return None

    def outcome(self, key: str) -> Refusal | bool:
        return self.outcomes.get(key, False)


class Oracle:
    """One oracle with its files; `reopen` is what a restart after kill -9 finds."""

    def __init__(
        self, signer: Signer, directory: Path, chain: Chain, clock: HandClock, liveness: dict[bytes, int]
    ) -> None:
        self.signer = signer
        self.address = signer.address
        self.path = directory / f"oracle-{self.address.hex()}.db"
        self.chain, self.clock, self.liveness = chain, clock, liveness
        self.others: list[Oracle] = []
        self.silent = False
        self.open()

    def open(self) -> None:
        origin = log_origin(CONTEXT, self.address)
        self.database = Database(self.path, origin)
        self.log = Log(self.database, origin, self.signer, b"k" * 32)
        self.store = Store(self.database, self.log)
        self.anchored = AnchoredRounds(self.store)
        self.firings = FiringStore(self.store)
        slots = SlotKeeper(
            self.database, self.log, lambda device: self.liveness.get(device, 0), self.store, self.address
        )
        self.slots = slots
        self.peers = [InProcessPeer(each) for each in self.others]
        self.rounds = RoundService(
            self.signer, self.chain, self.store, self.anchored, self.log, slots, self.peers, self.clock, PACE
        )
        self.execution = ExecutionService(
            self.signer, self.chain, self.store, self.anchored, self.firings, self.clock, 1000
        )
        self.execution.learn()

    def reopen(self) -> None:
        self.database.close()
        self.open()

    def add_covenant(self, covenant: Covenant) -> None:
        self.store.add_covenant(covenant.facility(self.chain.credit_domain()), covenant)
        self.rounds.learn()
        self.execution.learn()

    def hears(self, segments: Sequence[SignedSegment]) -> None:
        for segment in segments:
            if self.log.find(segment.digest) is None:
                self.log.append(segment, self.clock.now_ms(), "test")

    def step(self) -> bool:
        if self.silent:
            return False
        try:
            did = self.rounds.step()
        except SignerError:
            return False
        for peer in self.peers:
            with suppress(PeerUnavailable):
                did = self.rounds.hear(peer) or did
        return self.execution.step() or did


@dataclass
class InProcessPeer:
    """Another oracle, called directly; silent when it is."""

    oracle: Oracle

    @property
    def address(self) -> bytes:
        return self.oracle.address

    def _awake(self) -> None:
        if self.oracle.silent:
            raise PeerUnavailable("silent")

    def reports(self, after: int) -> ReportPage:
        self._awake()
        last, reports = self.oracle.store.own_reports(after, 200)
        return ReportPage(last, tuple(reports))

    def propose(self, proposals: Sequence[Proposal]) -> list[bytes | Fault]:
        self._awake()
        return self.oracle.rounds.answer(proposals)

    def round(self, schema: bytes, slot: int) -> Proposal | None:
        self._awake()
        known = self.oracle.anchored.find(schema, slot)
        return None if known is None else known.proposal


class Consortium:
    """Four oracles, their chain and their clock."""

    def __init__(self, directory: Path, now_ms: int) -> None:
        self.clock, self.chain = HandClock(now_ms), FakeChain()
        self.liveness: dict[bytes, int] = {}
        self.oracles = [Oracle(each, directory, self.chain, self.clock, self.liveness) for each in ORACLE_SIGNERS]
        for oracle in self.oracles:
            oracle.others = [each for each in self.oracles if each is not oracle]
            oracle.reopen()

    def add_covenant(self, covenant: Covenant) -> None:
        """Opens the facility on the chain and hands its covenant to each oracle."""
        roots = FacilityRoots(True, covenant.rules_tree.root, covenant.schedule_tree.root)
        self.chain.facilities[covenant.facility(CREDIT_DOMAIN)] = roots
        for oracle in self.oracles:
            oracle.add_covenant(covenant)

    def hear(self, segments: Sequence[SignedSegment]) -> None:
        for oracle in self.oracles:
            oracle.hears(segments)

    def run(self, for_ms: int = 1000) -> None:
        """Lets every oracle step, fifty milliseconds apart."""
        for _ in range(0, for_ms, 50):
            for oracle in self.oracles:
                oracle.step()
            self.clock.time_ms += 50
