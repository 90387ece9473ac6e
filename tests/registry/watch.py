"""Watched goods on the chain: two devices, four oracles with logs, rounds that are anchored, rules that fire."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from eth_abi.abi import encode as abi_encode

from ledger_node.bindings import structs
from ledger_node.canonical_json import dumps
from ledger_node.eip712 import Domain
from ledger_node.hashing import keccak256, sha256
from ledger_node.keys import LocalSigner
from ledger_node.secp256k1 import address_of, sign_digest
from oracle.agreement import Round, agree
from oracle.formats.cose import DeviceKey
from oracle.formats.covenant import Covenant, Instalment, Opening
from oracle.formats.entry import entry_leaf
from oracle.formats.fleet import DeviceRecord, Fleet, Revocation, make_fleet
from oracle.formats.metric import Aggregate, Metric
from oracle.formats.observation import Checkpoint
from oracle.formats.report import Config, Report, config_digest
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Firing, Rule
from oracle.formats.schema import Kind, Member, Schema, Zone
from oracle.formats.segment import GENESIS_PREV, Context, Quality, Reading, Segment, SignedSegment, TimeSource, sign
from oracle.observe import observe
from registry.evidence.gather import LoggedEntry, RoundRecord
from tests.log_proofs import inclusion_proof, tree_head
from tests.oracle.judgement_kit import first_firing
from tests.registry.consortium import BANK, CHAIN_ID, DEPOSITOR, KEEPER, PANEL, Consortium

MINUTE = 60_000
START = 1_790_000_000_000 // MINUTE * MINUTE
BAY = keccak256(b"bay 1")
DAY_MS = 86_400_000


def opening(content: dict[str, object], salt: bytes) -> Opening:
    return Opening(sha256(salt), dumps(content))


@dataclass
class Watch:
    """The bay of KEEPER: a scale (mass) and a fence (crossings), minute by minute."""

    consortium: Consortium
    revoked_at: int | None = None
    forged_keys: bool = False
    logs: dict[bytes, list[tuple[bytes, int, bytes]]] = field(default_factory=dict)
    streams_: dict[bytes, list[SignedSegment]] = field(default_factory=dict)
    rounds: dict[tuple[bytes, int], RoundRecord] = field(default_factory=dict)
    readable: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        made = self.consortium
        self.hub = made.addresses["AttestationHub"]
        self.oracles = tuple(address_of(key) for key in made.oracle_keys)
        digest_ = config_digest(CHAIN_ID, self.hub, 1, 1, self.oracles)
        self.config = Config(Domain("Cangdan", "1", CHAIN_ID, self.hub), digest_, self.oracles, 1, 1)
        self.context = Context(CHAIN_ID, made.addresses["DeviceRegistry"])
        self.logs = {oracle: [] for oracle in self.oracles}
        self.readable = set(self.oracles)
        self.keys = {self.device(n): DeviceKey.from_secret(n.to_bytes(32, "big")) for n in (1, 2)}
        self.schema = self._schema()
        self.covenant_ = self._covenant()
        self.fleets = {1: self._fleet(1)}

    def device(self, number_: int) -> bytes:
        return KEEPER.to_bytes(4, "big") + number_.to_bytes(12, "big")

    def _schema(self) -> Schema:
        members = (Member(self.device(1), 1, 20_000), Member(self.device(2), 1))
        metrics = (
            Metric("mass", BAY, 0, Aggregate.MEAN, (0,)),
            Metric("crossings", BAY, 0, Aggregate.COUNT, (1,)),
        )
        zone = Zone(40_000_000, 0, 0)
        return Schema("bay", Kind.PERIOD, MINUTE, START, zone, 0, KEEPER, b"s" * 32, members, metrics)

    def _rule(self, index: int, action: Action, parameter: int = 0) -> Rule:
        mass, crossings = self.schema.metrics
        passing = frozenset({Quality.PASS, Quality.NOT_EVALUATED, Quality.SUSPECT})
        below = Condition(
            self.schema.id, BAY, mass.id, MINUTE, EvidenceKind.MASS, Comparator.BELOW, 3, True, passing, 24_000
        )
        moved = Condition(
            self.schema.id, BAY, crossings.id, MINUTE, EvidenceKind.MOVEMENT, Comparator.ABOVE, 1, False, passing, 0
        )
        clause = self.clauses[index].commitment
        return Rule(index, action, parameter, False, 10 * MINUTE, clause, sha256(b"rule %d" % index), (below, moved))

    def _covenant(self) -> Covenant:
        texts = ("held when weight and fence agree", "deferred then", "a claim is opened then", "told")
        self.clauses = tuple(opening({"schema": "cangdan/clause/1", "text": text}, text.encode()) for text in texts)
        actions = [(Action.HOLD, 0), (Action.DEFER, 30), (Action.OPEN_CLAIM, 0), (Action.REVIEW, 0)]
        rules = tuple(self._rule(index, action, parameter) for index, (action, parameter) in enumerate(actions))
        schedule = tuple(
            Instalment(n, START + n * DAY_MS, START + (n + 1) * DAY_MS, opening({"n": n}, b"amount %d" % n))
            for n in range(3)
        )
        terms = opening({"schema": "cangdan/facility-terms/1"}, b"facility terms")
        names = tuple(f"rule {each.index}" for each in rules)
        at = self.consortium.now_ms
        return Covenant(BANK, DEPOSITOR, PANEL, at, terms, rules, names, self.clauses, schedule, (self.schema,))

    def _fleet(self, epoch: int) -> Fleet:
        enrolled = {
            device: DeviceKey.from_secret(b"k" * 31 + device[-1:]) if self.forged_keys else key
            for device, key in self.keys.items()
        }
        records = [
            DeviceRecord(device, key.public, "profile", b"p" * 32, b"c" * 32, (BAY,))
            for device, key in enrolled.items()
        ]
        revocations = [] if self.revoked_at is None else [Revocation(self.device(2), self.revoked_at)]
        return make_fleet(KEEPER, epoch, records, revocations)

    # --- acts

    def enrol(self) -> None:
        fleet = self.fleets[1]
        revoked = fleet.revocations
        root = fleet.revocation_tree().root if revoked else bytes(32)
        self.consortium.fleet(KEEPER, len(fleet.devices), fleet.tree().root, len(revoked), root)

    def open_facility(self) -> bytes:
        covenant = self.covenant_
        consent = structs.Facility(
            BANK, DEPOSITOR, PANEL, len(covenant.rules), len(covenant.schedule), covenant.terms.commitment,
            covenant.rules_tree.root, covenant.schedule_tree.root, covenant.drafted_at,
        )  # fmt: skip
        self.consortium.act(
            "entity 1", "CreditBook", "openFacility", consent, self.consortium.sign(consent, BANK, DEPOSITOR)
        )
        self.facility = covenant.facility(Domain("Cangdan", "1", CHAIN_ID, self.consortium.addresses["CreditBook"]))
        return self.facility

    def say(self, device: bytes, slot: int, values: Sequence[int]) -> None:
        stream = self.streams_.setdefault(device, [])
        readings = tuple(Reading(at * 20_000, 1, value) for at, value in enumerate(values))
        content = Segment(
            device, 1, len(stream) + 1, stream[-1].digest if stream else GENESIS_PREV, b"e" * 32, slot, slot,
            TimeSource.NTP, b"f" * 32, b"c" * 32, readings,
        )  # fmt: skip
        signed = sign(content, self.keys[device], self.context)
        stream.append(signed)
        for oracle, log in self.logs.items():
            log.append((sha256(oracle + signed.raw), slot + MINUTE, signed.raw))

    def minute(self, number_: int, mass: Sequence[int], crossings: int, liars: Sequence[int] = ()) -> Round:
        """What the devices say of a minute, and its round; the oracles `liars` report another mass."""
        slot = START + number_ * MINUTE
        if mass:
            self.say(self.device(1), slot, mass)
        self.say(self.device(2), slot, [1] * crossings)
        self.say(self.device(2), slot + MINUTE - 1, ())
        return self.round_of(slot, liars)

    def round_of(self, slot: int, liars: Sequence[int] = ()) -> Round:
        seen = observe(self.schema, slot, self.streams_)
        reports = {}
        for position, oracle in enumerate(self.oracles[:3]):
            own = tuple(_spoilt(each) for each in seen) if position in liars else seen
            leaves = [entry_leaf(*each) for each in self.logs[oracle]]
            checkpoint = Checkpoint(len(leaves), tree_head(leaves))
            report = Report(self.schema.id, slot, own, checkpoint)
            reports[position] = report.signed(self.config, LocalSigner(self.consortium.oracle_keys[position]))
        round_ = agree(reports, self.schema, self.config)
        digest_ = round_.digest(self.config)
        signatures = b"".join(sign_digest(key, digest_) for key in self.consortium.oracle_keys[:2])
        place = (self.schema.id, slot, round_.tree.root, len(round_.leaves))
        self.consortium.act("operator", "AttestationHub", "anchor", *place, 0b11, signatures)
        self.rounds[self.schema.id, slot] = RoundRecord(round_, reports, self.oracles)
        return round_

    def fire(self, rule: int, after: int = -1, cover: bytes = b"") -> int:
        """Executes a rule on all rounds; the seq of what it did to the facility."""
        pinned = self.covenant_.rules[rule]
        observations = [each for record in self.rounds.values() for each in record.round.observations]
        firing = first_firing(pinned, observations, after)
        assert firing is not None
        self.execute(firing, cover)
        return self.consortium.word("CreditBook", self.facility) >> 128 & 0xFFFFFFFF

    def execute(self, firing: Firing, cover: bytes) -> None:
        evidence = [[self._proof_of(each) for each in run] for run in firing.evidence]
        data = b""
        if firing.rule.action is Action.DEFER:
            instalment = self.covenant_.instalment_at(firing.last_slot)
            assert instalment is not None
            data = self.covenant_.deferral(instalment)
        if firing.rule.action is Action.OPEN_CLAIM:
            data = abi_encode(["bytes32"], [cover])
        proof = self.covenant_.rules_tree.proof(firing.rule.index)
        args = (self.facility, firing.rule.abi(), proof, evidence, data)
        self.consortium.act("operator", "RuleEngine", "execute", *args)

    def _proof_of(self, seen: object) -> tuple[object, ...]:
        record = self.rounds[seen.schema, seen.slot]  # type: ignore[attr-defined]
        index = record.round.observations.index(seen)  # type: ignore[arg-type]
        return (seen.abi(), index, record.round.tree.proof(index))  # type: ignore[attr-defined]

    # --- registry.evidence.gather.EvidencePort

    def covenant(self, facility: bytes) -> Covenant:
        assert facility == self.facility
        return self.covenant_

    def round(self, schema: Schema, slot: int) -> RoundRecord:
        return self.rounds[schema.id, slot]

    def streams(self, schema: Schema, slot: int) -> dict[bytes, list[SignedSegment]]:
        return self.streams_

    def entry(self, oracle: bytes, segment: SignedSegment, size: int) -> LoggedEntry | None:
        if oracle not in self.readable:
            return None
        log = self.logs[oracle][:size]
        place = next((at for at, each in enumerate(log) if each[2] == segment.raw), None)
        if place is None:
            return None
        leaves = [entry_leaf(*each) for each in log]
        return LoggedEntry(place, log[place][1], log[place][0], tuple(inclusion_proof(leaves, place, sha256)))

    def fleet(self, entity: int, epoch: int) -> Fleet:
        assert entity == KEEPER
        return self.fleets[epoch]


def _spoilt(observation):

    return replace(observation, value=observation.value + 1000, salt=bytes(32))
