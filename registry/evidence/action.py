"""The claim about an action: the readings it came from, who signed them, and the rule they were held against."""

from collections.abc import Mapping
from itertools import chain

from ledger_node.covers import is_covered
from ledger_node.hashing import keccak256, sha256
from ledger_node.hexvalues import data_hex
from ledger_node.merkle import PaddedTree, leaf_hash, verify_inclusion, verify_padded
from oracle.agreement import agreed_salt
from oracle.formats.entry import entry_leaf
from oracle.formats.fleet import DeviceRecord
from oracle.formats.observation import NO_SOURCES, Checkpoint, Observation, round_id
from oracle.formats.rule import Action, Firing
from oracle.formats.schema import Schema
from oracle.formats.segment import Context, Quality, SegmentRefused, SignedSegment, verify
from oracle.observe import contributing, observe
from oracle.rules import meets
from registry import structs
from registry.acts import Contract
from registry.evidence.bundle import ActionEvidence, CheckpointEvidence, DeviceEvidence, EntryEvidence, SegmentEvidence
from registry.evidence.claims import prove_cover, prove_entities, prove_facility, prove_review
from registry.evidence.proven import Proven
from registry.evidence.steps import StepFailed, StepName
from registry.firings import FiringError, decode_firing
from registry.items import Claim, Facility, Key, Kind, claim_id, entity_id
from registry.items import Fleet as FleetItem
from registry.slots import fleet_slots, round_slot
from registry.state import replay

DAY_MS = 86_400_000
RoundKey = tuple[bytes, int]


class ActionProof:
    """The steps of one action claim; each uses what the steps before it have proved."""

    def __init__(self, proven: Proven, evidence: ActionEvidence) -> None:
        self._proven = proven
        self._evidence = evidence
        self._schemas = {each.id: each for each in evidence.schemas}
        self._rounds = {(each.schema, each.slot): each for each in evidence.rounds}
        self._checkpoints: dict[tuple[bytes, int, bytes], CheckpointEvidence] = {}
        self._segments: dict[RoundKey, list[SignedSegment]] = {}
        self._used: set[tuple[bytes, int, bytes]] = set()

    # --- claim and rule

    def prove_claim(self) -> str:
        """The facility's history has, at the claimed seq, a firing whose evidence is the bundle's."""
        claim = self._proven.bundle.claim
        said = prove_facility(self._proven, claim.id)
        history = self._proven.transitions(Contract.CREDIT, claim.id)
        if claim.seq > len(history):
            raise StepFailed(StepName.CLAIM, f"the facility's history has no seq {claim.seq}")
        self._transition = history[claim.seq - 1]
        self._name, act = self._transition.read()
        if not isinstance(act, structs.Firing):
            raise StepFailed(StepName.CLAIM, f"seq {claim.seq} is {self._name}, which no rule did")
        self._act = act
        self._before = replay(history[: claim.seq - 1], self._proven.deployment)
        return f"{said}; seq {claim.seq} is {self._name} by rule {act.rule}"

    def prove_rule(self) -> str:
        """The firing is the one of the transition; its rule is pinned, and its evidence satisfies it."""
        if keccak256(self._evidence.firing) != self._act.evidence:
            raise StepFailed(StepName.RULE, "the firing is not the one whose digest the transition has")
        try:
            self._firing = decode_firing(self._evidence.firing)
        except FiringError as error:
            raise StepFailed(StepName.RULE, str(error)) from None
        rule, act = self._firing.rule, self._act
        facility = self._proven.item(Facility, Key(Kind.FACILITY, self._proven.bundle.claim.id))
        pinned = verify_padded(rule.leaf_hash, rule.index, self._evidence.rule_proof, facility.terms.rules_root)
        if not pinned or rule.leaf_hash != act.rule_leaf or rule.index != act.rule:
            raise StepFailed(StepName.RULE, "the rule is not the one that the facility pins")
        _check_evidence(self._firing, act)
        before = self._before[Key(Kind.FACILITY, facility.id)]
        guard = before.guards[rule.index] if isinstance(before, Facility) else 0
        if self._firing.first_slot <= guard:
            raise StepFailed(StepName.RULE, "the evidence is not newer than what the rule acted on before")
        return f"rule {rule.index} ({rule.action.name}) holds on {sum(map(len, self._firing.evidence))} observations"

    def _observed(self) -> list[Observation]:
        return list(dict.fromkeys(chain.from_iterable(self._firing.evidence)))

    # --- rounds

    def prove_rounds(self) -> str:
        """Each observation is a leaf of its anchored round, and so is each checkpoint."""
        wanted: dict[RoundKey, dict[tuple[bytes, bytes], Observation]] = {}
        for each in self._observed():
            wanted.setdefault((each.schema, each.slot), {})[each.subject, each.metric] = each
        if set(wanted) != set(self._rounds):
            raise StepFailed(StepName.ROUNDS, "the rounds are not those of the firing's observations")
        for place, observations in wanted.items():
            self._prove_round(place, observations)
        return f"{len(wanted)} rounds anchored, {len(self._checkpoints)} checkpoints"

    def _prove_round(self, place: RoundKey, wanted: Mapping[tuple[bytes, bytes], Observation]) -> None:
        round_, where = self._rounds[place], f"round {data_hex(place[0])} slot {place[1]}"
        root = self._proven.slot(Contract.HUB, round_slot(round_id(*place))).to_bytes(32, "big")
        if root == bytes(32):
            raise StepFailed(StepName.ROUNDS, f"{where}: is not anchored")
        if {(each.subject, each.metric) for each in round_.observations} != set(wanted):
            raise StepFailed(StepName.ROUNDS, f"{where}: the observations are not those of the firing")
        for each in round_.observations:
            observation = wanted[each.subject, each.metric]
            if not verify_padded(leaf_hash(observation.leaf()), each.index, each.proof, root):
                raise StepFailed(StepName.ROUNDS, f"{where}: an observation is not its leaf {each.index}")
            if agreed_salt(each.salts) != observation.salt:
                raise StepFailed(StepName.ROUNDS, f"{where}: the reporters' salts do not give the observation's")
        for checkpoint in round_.checkpoints:
            data = Checkpoint(checkpoint.size, checkpoint.root).leaf(*place, checkpoint.oracle)
            if not verify_padded(leaf_hash(data), checkpoint.index, checkpoint.proof, root):
                raise StepFailed(StepName.ROUNDS, f"{where}: a checkpoint is not its leaf {checkpoint.index}")
            self._checkpoints[*place, checkpoint.oracle] = checkpoint

    # --- devices

    def prove_devices(self) -> str:
        """Each device is in the fleet that was in force when the rule fired."""
        entities = {int.from_bytes(each.record.device[:4], "big") for each in self._evidence.devices}
        revoked = {each.entity: each for each in self._evidence.fleets}
        if entities != set(revoked):
            raise StepFailed(StepName.DEVICES, "the fleets are not those of the devices")
        self._fleets: dict[int, structs.Fleet] = {}
        for entity in sorted(entities):
            self._fleets[entity] = self._prove_fleet(entity)
            fleet, list_ = self._fleets[entity], revoked[entity].revocations
            root = PaddedTree([each.leaf() for each in list_]).root if list_ else None
            if len(list_) != fleet.revoked or (root is not None and root != fleet.revocation_root):
                raise StepFailed(StepName.DEVICES, f"entity {entity}: the revocations are not those of its fleet")
        for device in self._evidence.devices:
            self._prove_device(device)
        self._revoked = {each.device: each.at_ms for fleet in revoked.values() for each in fleet.revocations}
        return f"{len(self._evidence.devices)} devices of {len(entities)} fleets"

    def _prove_fleet(self, entity: int) -> structs.Fleet:
        """The fleet in force when the rule fired."""
        record = self._proven.load(Contract.DEVICES, entity_id(entity))
        now = self._proven.item(FleetItem, Key(Kind.FLEET, entity_id(entity)))
        roots = tuple(self._proven.slot(Contract.DEVICES, slot) for slot in fleet_slots(entity))
        if roots != tuple(int.from_bytes(each, "big") for each in (now.terms.fleet_root, now.terms.revocation_root)):
            raise StepFailed(StepName.HISTORY, "DeviceRegistry: the roots in the state are not those of the history")
        prove_entities(self._proven, (entity,))
        in_force = [each for each in record.transitions if each.at.block <= self._transition.at.block]
        _, fleet = in_force[-1].read() if in_force else ("", None)
        if not isinstance(fleet, structs.Fleet):
            raise StepFailed(StepName.DEVICES, f"entity {entity}: had no fleet when the rule fired")
        return fleet

    def _prove_device(self, device: DeviceEvidence) -> None:
        fleet = self._fleets[int.from_bytes(device.record.device[:4], "big")]
        leaf = leaf_hash(device.record.leaf())
        if device.index >= fleet.devices or not verify_padded(leaf, device.index, device.proof, fleet.fleet_root):
            raise StepFailed(StepName.DEVICES, f"device {data_hex(device.record.device)}: is not in its fleet")

    # --- segments

    def prove_segments(self) -> str:
        """Each segment is signed by its device and logged, before the round, by a reporter of the round."""
        context = Context(self._proven.deployment.chain_id, self._proven.deployment.addresses[Contract.DEVICES])
        directory = _Directory(self._evidence.devices)
        for segment in self._evidence.segments:
            try:
                signed = verify(segment.raw, directory, context)
            except SegmentRefused as error:
                raise StepFailed(StepName.SEGMENTS, f"segment {data_hex(sha256(segment.raw))}: {error}") from None
            self._check_enrolment(signed, directory)
            for entry in segment.entries:
                self._prove_entry(segment, signed, entry)
        unused = set(self._checkpoints) - self._used
        if unused:
            raise StepFailed(StepName.SEGMENTS, "a checkpoint has no segment under it")
        if directory.unused:
            raise StepFailed(StepName.SEGMENTS, f"device {data_hex(min(directory.unused))}: has no segment")
        return f"{len(self._evidence.segments)} segments signed and logged"

    def _check_enrolment(self, signed: SignedSegment, directory: "_Directory") -> None:
        content, where = signed.content, f"segment {data_hex(signed.digest)}"
        record = directory.records[content.device]
        if content.calibration != record.calibration:
            raise StepFailed(StepName.SEGMENTS, f"{where}: its calibration is not the enrolled one")
        if content.seq < record.first_seq or content.first_ms < record.valid_from_ms:
            raise StepFailed(StepName.SEGMENTS, f"{where}: is older than the device's enrolment")

    def _prove_entry(self, segment: SegmentEvidence, signed: SignedSegment, entry: EntryEvidence) -> None:
        where = f"segment {data_hex(signed.digest)}"
        place = (entry.schema, entry.slot, entry.oracle)
        checkpoint = self._checkpoints.get(place)
        if checkpoint is None:
            raise StepFailed(StepName.SEGMENTS, f"{where}: its round has no checkpoint of that oracle")
        leaf = entry_leaf(entry.salt, entry.arrived_ms, segment.raw)
        if not verify_inclusion(leaf, entry.place, checkpoint.size, entry.proof, checkpoint.root):
            raise StepFailed(StepName.SEGMENTS, f"{where}: is not entry {entry.place} of the oracle's log")
        revoked_ms = self._revoked.get(signed.content.device)
        if revoked_ms is not None and entry.arrived_ms >= revoked_ms:
            raise StepFailed(StepName.SEGMENTS, f"{where}: arrived after its device was revoked")
        self._used.add(place)
        self._segments.setdefault((entry.schema, entry.slot), []).append(signed)

    # --- observations

    def prove_observations(self) -> str:
        """Each observation is what its schema makes of the segments, and each segment contributes."""
        asked = {each.schema for each in self._firing.rule.conditions}
        if asked != set(self._schemas):
            raise StepFailed(StepName.OBSERVATIONS, "the schemas are not those of the rule's conditions")
        if not set(self._segments) <= set(self._rounds):
            raise StepFailed(StepName.OBSERVATIONS, "a segment is of no round of the firing")
        for place in self._rounds:
            self._recompute(place)
        return f"{len(self._observed())} observations recomputed"

    def _recompute(self, place: RoundKey) -> None:
        schema, where = self._schemas[place[0]], f"round {data_hex(place[0])} slot {place[1]}"
        streams = _streams(self._segments.get(place, []))
        try:
            made = {(each.subject, each.metric): each for each in observe(schema, place[1], streams)}
        except ValueError as error:
            raise StepFailed(StepName.OBSERVATIONS, f"{where}: {error}") from None
        used: set[bytes] = set()
        salts = {(each.subject, each.metric): each.salts for each in self._rounds[place].observations}
        for each in self._observed():
            if (each.schema, each.slot) != place:
                continue
            own = made.get((each.subject, each.metric))
            if own is None or not _agrees(own, each):
                raise StepFailed(StepName.OBSERVATIONS, f"{where}: the segments give another observation")
            if own.salt not in salts[each.subject, each.metric]:
                raise StepFailed(StepName.OBSERVATIONS, f"{where}: no reporter had the salt that the segments give")
            used |= _contributors(schema, place[1], each, streams)
        if used != {each.digest for stream in streams.values() for each in stream}:
            raise StepFailed(StepName.OBSERVATIONS, f"{where}: a segment contributes to no observation")

    # --- action

    def commitments(self) -> set[bytes]:
        """The commitments in the rule and the instalment, beside those in the histories."""
        found = {self._firing.rule.clause}
        if self._evidence.instalment is not None:
            found.add(self._evidence.instalment.amount_hash)
        return found

    def prove_action(self) -> str:
        """What the chain did is what the rule says, and its target is proved too."""
        act, rule = self._act, self._firing.rule
        if act.action not in (rule.action, Action.REVIEW):
            raise StepFailed(
                StepName.ACTION, f"the chain did {Action(act.action).name}, the rule says {rule.action.name}"
            )
        if self._evidence.instalment is not None and act.action != Action.DEFER:
            raise StepFailed(StepName.ACTION, "an instalment is no part of this action")
        if act.action == Action.DEFER:
            return self._prove_deferral()
        if act.action in (Action.HOLD, Action.REVIEW):
            return self._prove_review()
        if act.action == Action.OPEN_CLAIM:
            return self._prove_opened_claim()
        return f"{Action(act.action).name} was done"

    def _prove_review(self) -> str:
        opening = prove_review(self._proven, self._act.target).opening
        claim, act = self._proven.bundle.claim, self._act
        if (opening.facility, opening.facility_seq, opening.rule) != (claim.id, claim.seq, act.rule):
            raise StepFailed(StepName.ACTION, "the review is of something else")
        if opening.evidence != act.evidence or opening.action != act.action:
            raise StepFailed(StepName.ACTION, "the review was opened on other evidence")
        return f"{Action(act.action).name}, review {data_hex(act.target)}"

    def _prove_opened_claim(self) -> str:
        cover, act = prove_cover(self._proven, self._act.target), self._act
        if not is_covered(cover.terms, act.rule, act.slot):
            raise StepFailed(StepName.ACTION, "the cover is not the rule's at the last evidence")
        for number in range(cover.word.claims):
            claim = self._proven.item(Claim, Key(Kind.CLAIM, claim_id(cover.id, number)))
            if claim.opening.evidence == act.evidence and claim.opening.facility == self._proven.bundle.claim.id:
                return f"claim {number} opened under cover {data_hex(cover.id)}"
        raise StepFailed(StepName.ACTION, "the cover has no claim on this evidence")

    def _prove_deferral(self) -> str:
        entry, act = self._evidence.instalment, self._act
        if entry is None:
            raise StepFailed(StepName.ACTION, "the instalment's place in the schedule is missing")
        ordinal = int.from_bytes(act.target, "big")
        numbers = (ordinal, entry.period_start_ms, entry.due_ms)
        data = b"".join(each.to_bytes(32, "big") for each in numbers) + entry.amount_hash
        facility = self._proven.item(Facility, Key(Kind.FACILITY, self._proven.bundle.claim.id))
        if not verify_padded(leaf_hash(data), ordinal, entry.proof, facility.terms.schedule_root):
            raise StepFailed(StepName.ACTION, "the instalment is not in the facility's schedule")
        if not entry.period_start_ms <= act.slot < entry.due_ms:
            raise StepFailed(StepName.ACTION, "the last evidence does not lie within the instalment's period")
        if act.due_ms != entry.due_ms + self._firing.rule.parameter * DAY_MS:
            raise StepFailed(StepName.ACTION, "the instalment was not moved by the rule's days")
        return f"instalment {ordinal} deferred to {act.due_ms} ms"


class _Directory:
    """The devices of a bundle, as segments are checked against; it remembers which were asked for."""

    def __init__(self, devices: tuple[DeviceEvidence, ...]) -> None:
        self.records = {each.record.device: each.record for each in devices}
        self.unused = set(self.records)

    def find(self, device: bytes) -> DeviceRecord | None:
        """The record of a device."""
        self.unused.discard(device)
        return self.records.get(device)


def _check_evidence(firing: Firing, act: structs.Firing) -> None:
    rule = firing.rule
    if len(firing.evidence) != len(rule.conditions) or not all(firing.evidence):
        raise StepFailed(StepName.RULE, "each condition has one run of evidence")
    for number, (condition, run) in enumerate(zip(rule.conditions, firing.evidence, strict=True)):
        if not meets(condition, run):
            raise StepFailed(StepName.RULE, f"condition {number} is not met")
    if firing.last_slot - firing.first_slot > rule.window_ms:
        raise StepFailed(StepName.RULE, "the evidence does not lie within the rule's window")
    if rule.action is Action.HOLD and not rule.single_kind and len({each.kind for each in rule.conditions}) < 2:
        raise StepFailed(StepName.RULE, "a hold needs two kinds of evidence")
    if firing.last_slot != act.slot:
        raise StepFailed(StepName.RULE, "the transition names another last slot")


def _streams(segments: list[SignedSegment]) -> dict[bytes, list[SignedSegment]]:
    streams: dict[bytes, list[SignedSegment]] = {}
    for each in sorted(segments, key=lambda each: each.content.seq):
        streams.setdefault(each.content.device, []).append(each)
    return streams


def _agrees(own: Observation, agreed: Observation) -> bool:
    """Whether oracles that saw these segments agreed on this; a missing value is agreed as 0 of nothing."""
    if agreed.flag is Quality.MISSING:
        return own.flag is Quality.MISSING and (agreed.value, agreed.count, agreed.sources) == (0, 0, NO_SOURCES)
    return own.without_salt() == agreed.without_salt()


def _contributors(
    schema: Schema, slot: int, seen: Observation, streams: Mapping[bytes, list[SignedSegment]]
) -> set[bytes]:
    metric = next(each for each in schema.metrics if (each.subject, each.id) == (seen.subject, seen.metric))
    return {each.digest for each in contributing(schema, metric, slot, streams)}
