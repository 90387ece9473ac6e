"""From anchored rounds to executed rules: track each rule, find its firings, execute each once.

The chain is the judge: whoever holds the proofs may execute, an episode is acted on once there, and an oracle that
comes second learns so and goes on.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from ledger_node.signing import Signer
from oracle.anchored import AnchoredRounds
from oracle.chain import Chain, Execution, Refusal
from oracle.clock import Clock
from oracle.firings import FiringRecord, FiringState, FiringStore
from oracle.formats.covenant import Covenant
from oracle.formats.observation import Observation
from oracle.formats.report import Config
from oracle.formats.rule import Action, Firing, Rule
from oracle.formats.schema import Kind, Schema
from oracle.rules import Tracker
from oracle.store import Store

ENDING = frozenset({
    "RuleUnproven", "ActionUnsupported", "ConditionCount", "TooMuchEvidence", "OneKindOnly", "ComparatorUnknown",
    "WrongObservation", "NotConsecutive", "ConditionUnmet", "RunWrong", "OutsideWindow", "InstalmentUnproven",
    "OutsideInstalment", "InstalmentUnknown", "InstalmentPaid", "InstalmentDeferred", "RuleHolding", "CoverNotInForce",
    "TooManyClaims",
})  # fmt: skip
"""Refusals that no later block takes back, and RuleHolding: what it asks for stands, and the same evidence must not
ask for it again once reviewers have cleared it. Any other may come of a node that lags behind, so the firing waits."""
BATCH = 256


@dataclass(slots=True)
class _Watched:
    """A rule of a facility with its tracker and the firing that waits, and the key under which we sent it."""

    facility: bytes
    tracker: Tracker
    pending: FiringRecord | None = None
    sent: str | None = None

    @property
    def rule(self) -> Rule:
        return self.tracker.rule


class ExecutionService:
    """One oracle's execution of rules. `step` belongs to one thread."""

    def __init__(
        self,
        signer: Signer,
        chain: Chain,
        store: Store,
        anchored: AnchoredRounds,
        firings: FiringStore,
        clock: Clock,
        timeout_ms: int = 8000,
    ) -> None:
        """After `timeout_ms` without effect the next oracle executes."""
        self._signer = signer
        self._chain = chain
        self._store = store
        self._anchored = anchored
        self._firings = firings
        self._clock = clock
        self._timeout_ms = timeout_ms
        self._lock = threading.Lock()
        self._covenants: dict[bytes, Covenant] = {}
        self._watched: dict[bytes, list[_Watched]] = {}
        self._read: dict[tuple[bytes, bytes], int] = {}

    @property
    def covenants(self) -> Mapping[bytes, Covenant]:
        """The covenants that are watched, by facility."""
        return self._covenants

    def learn(self) -> None:
        """Takes up covenants that were added. Raises ChainUnavailable."""
        with self._lock:
            for facility, covenant in self._store.covenants().items():
                if facility not in self._covenants:
                    self._watch(facility, covenant)

    def step(self) -> bool:
        """Does what can be done now; whether anything was. Raises ChainUnavailable."""
        with self._lock:
            config = self._chain.config()
            did = False
            for facility, covenant in self._covenants.items():
                for schema in covenant.schemas:
                    did = self._feed(facility, schema) or did
                for watched in self._watched[facility]:
                    did = self._act(watched, covenant, config) or did
            return did

    def _watch(self, facility: bytes, covenant: Covenant) -> None:
        acted = {rule.index: self._chain.last_slot(facility, rule.index) for rule in covenant.rules}
        self._settle(facility, covenant, acted)
        watched = []
        for rule in covenant.rules:
            after = max(acted[rule.index], self._firings.floor(facility, rule.index))
            watched.append(_Watched(facility, Tracker(rule, after)))
        after = min(each.tracker.after for each in watched)
        for schema in covenant.schemas:
            first = schema.start_ms
            if schema.kind is Kind.PERIOD and after >= first:
                first = schema.slot_of(after) + schema.period_ms
            self._read[facility, schema.id] = first if schema.kind is Kind.PERIOD else 0
        self._covenants[facility] = covenant
        self._watched[facility] = watched

    def _settle(self, facility: bytes, covenant: Covenant, acted: Mapping[int, int]) -> None:
        """Ends the firings that were acted on while this oracle was down: its trackers begin behind them."""
        for record in self._firings.of(facility, covenant):
            if record.state is FiringState.PENDING and record.firing.first_slot <= acted[record.firing.rule.index]:
                self._firings.finish(record, FiringState.ACTED)

    # --- feeding ----------------------------------------------------------------------------------------------------

    def _feed(self, facility: bytes, schema: Schema) -> bool:
        """Reads anchored rounds: periods without a gap in the order of slots, events in the order of anchoring."""
        key = (facility, schema.id)
        if schema.kind is Kind.EVENT:
            rounds = self._anchored.after_serial(schema.id, self._read[key], BATCH)
            steps = [(each.serial, each) for each in rounds]
        else:
            rounds = self._anchored.from_slot(schema.id, self._read[key], BATCH)
            steps = [
                (each.slot + schema.period_ms, each)
                for place, each in enumerate(rounds)
                if each.slot == self._read[key] + place * schema.period_ms
            ]
        for after, each in steps:
            if each.proposal is None:
                # Its reports are being fetched from a peer; order matters more than speed.
                return after != steps[0][0]
            for observation in each.rebuild(schema, each.proposal).observations:
                for watched in self._watched[facility]:
                    watched.tracker.feed(observation)
            self._read[key] = after
        return bool(steps)

    # --- acting -----------------------------------------------------------------------------------------------------

    def _act(self, watched: _Watched, covenant: Covenant, config: Config) -> bool:
        if watched.pending is None:
            firing = watched.tracker.firing()
            if firing is None:
                watched.tracker.forget()
                return False
            watched.pending = self._firings.add(watched.facility, firing, self._clock.now_ms())
        acted = self._chain.last_slot(watched.facility, watched.rule.index)
        if acted >= watched.pending.firing.first_slot:
            return self._finish(watched, FiringState.ACTED, acted)
        if watched.sent is not None:
            return self._look(watched)
        return self._execute(watched, watched.pending, covenant, config)

    def _look(self, watched: _Watched) -> bool:
        """What became of our own transaction."""
        assert watched.sent is not None
        outcome = self._chain.outcome(watched.sent)
        if isinstance(outcome, Refusal):
            watched.sent = None
            return self._refused(watched, outcome)
        return False

    def _execute(self, watched: _Watched, record: FiringRecord, covenant: Covenant, config: Config) -> bool:
        attempt = max(0, self._clock.now_ms() - record.found_ms) // self._timeout_ms
        turn = (int.from_bytes(record.firing.digest[:4], "big") + attempt) % len(config.oracles)
        if config.position(self._signer.address) != turn:
            return False
        action_data = self._action_data(watched.facility, record.firing, covenant)
        if isinstance(action_data, Refusal):
            return self._refused(watched, action_data)
        if action_data is None:
            return False
        execution = self._execution(watched.facility, record.firing, covenant, action_data)
        key = f"execute {watched.facility.hex()} {watched.rule.index} {record.firing.last_slot} {attempt}"
        refusal = self._chain.execute(key, execution)
        if refusal is not None:
            return self._refused(watched, refusal)
        watched.sent = key
        return True

    def _refused(self, watched: _Watched, refusal: Refusal) -> bool:
        assert watched.pending is not None
        if not self._is_final(watched.facility, refusal):
            # An episode that was acted on (EvidenceNotNewer) shows in last_slot once its block is final.
            return False
        return self._finish(watched, FiringState.REFUSED, watched.pending.firing.last_slot, refusal.detail)

    def _is_final(self, facility: bytes, refusal: Refusal) -> bool:
        """Whether no later block can take a refusal back: of a facility that is not open, when it was closed."""
        if refusal.name == "FacilityNotOpen":
            known = self._chain.facility(facility)
            return known is not None and not known.open
        return refusal.name in ENDING

    def _finish(self, watched: _Watched, state: FiringState, slot: int, cause: str = "") -> bool:
        assert watched.pending is not None
        self._firings.finish(watched.pending, state, cause)
        watched.tracker.acted(slot)
        watched.pending = watched.sent = None
        return True

    def _action_data(self, facility: bytes, firing: Firing, covenant: Covenant) -> bytes | Refusal | None:
        """What the action needs besides the evidence; None while it is not there yet."""
        if firing.rule.action is Action.OPEN_CLAIM:
            return self._chain.cover_of(facility, firing.rule.index, firing.last_slot)
        if firing.rule.action is not Action.DEFER:
            return b""
        instalment = covenant.instalment_at(firing.last_slot)
        if instalment is None:
            return Refusal("OutsideInstalment", f"no instalment's period holds the slot {firing.last_slot}")
        return covenant.deferral(instalment)

    def _execution(self, facility: bytes, firing: Firing, covenant: Covenant, action_data: bytes) -> Execution:
        schemas = {each.id: each for each in covenant.schemas}
        proofs = tuple(tuple(self._proof(each, schemas[each.schema]) for each in run) for run in firing.evidence)
        rule_proof = tuple(covenant.rules_tree.proof(firing.rule.index))
        return Execution(facility, firing, rule_proof, proofs, action_data)

    def _proof(self, observation: Observation, schema: Schema) -> tuple[int, tuple[bytes, ...]]:
        known = self._anchored.find(schema.id, observation.slot)
        position = schema.position(observation.subject, observation.metric)
        assert known is not None
        assert known.proposal is not None
        assert position is not None
        return position, tuple(known.rebuild(schema, known.proposal).tree.proof(position))
