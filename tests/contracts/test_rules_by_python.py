"""The RuleEngine and its twin in Python give one answer on whatever the oracles may observe.

Each example opens a facility with random rules and anchors random observations. For each rule the firings
that `oracle.rules.Tracker` finds are followed to their end: the engine carries them out, with the same firing, and when
there is none left it refuses whatever evidence is put together. Any evidence at all is judged alike.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hypothesis import event, given
from hypothesis import strategies as st

from ledger_node.abi import RevertCause, decode_log, decode_result, encode_call
from ledger_node.bindings.events import RuleFired
from ledger_node.hashing import keccak256
from ledger_node.merkle import PaddedTree, leaf_hash, verify_padded
from oracle.formats.observation import HIGHEST, LOWEST, Checkpoint, Observation
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Firing, Rule, rules_tree
from oracle.formats.segment import Quality
from oracle.rules import meets
from tests.contracts.deployed import EXAMPLES, START, Deployed, Evidence
from tests.oracle.judgement_kit import first_firing

SCHEMA, SUBJECT = keccak256(b"a yard by the minute"), keccak256(b"bay 1")
METRICS = (keccak256(b"mass"), keccak256(b"crossings"))
PERIOD = 60_000
SLOTS, RULES = 5, 4
RUN_FAULTS = {"WrongObservation", "NotConsecutive", "ConditionUnmet", "RunWrong"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Seen:
    """What was observed of one metric in one slot, `at` counted from the example's first slot."""

    at: int
    metric: int
    value: int
    flag: Quality


@dataclass
class Scene:
    """A facility with rules, and anchored observations, on slots that no other example has."""

    deployed: Deployed
    rules: PaddedTree
    observations: list[Observation]
    proofs: dict[Observation, tuple[int, list[bytes]]]
    facility: bytes

    def judge(self, rule: Rule, evidence: Evidence) -> str | None:
        """The name of the error with which the engine refuses this evidence, None when it would act on it."""
        answer = self.deployed.ask("RuleEngine", "execute", *self._execution(Firing(rule, evidence)))
        return answer.name if isinstance(answer, RevertCause) else None

    def act(self, firing: Firing) -> RuleFired:
        """Executes a firing; the event that tells of it."""
        data = encode_call("RuleEngine", "execute", *self._execution(firing))
        hash_ = self.deployed.send("operator", self.deployed.addresses["RuleEngine"], data)
        receipt = self.deployed.client.receipt(hash_)
        assert receipt is not None
        (fired,) = (
            told for log in receipt.logs if isinstance(told := decode_log(log.address, log.topics, log.data), RuleFired)
        )
        return fired

    def last_slot(self, rule: Rule) -> int:
        answer = self.deployed.ask("RuleEngine", "lastSlot", self.facility, rule.index)
        assert isinstance(answer, bytes)
        return int(decode_result("RuleEngine", "lastSlot", answer)[0])

    def _execution(self, firing: Firing) -> tuple[object, ...]:
        return self.deployed.execution(self.facility, firing, self.rules.proof(firing.rule.index), self.proofs)


def stage(deployed: Deployed, rules_: Sequence[Rule], seen: Sequence[Seen]) -> Scene:
    """Opens the facility and anchors a round for each slot in which anything was seen."""
    first = (START + next(_numbers) * 3_600) * 1000
    observations, proofs = [], {}
    for at, group in itertools.groupby(sorted(seen, key=lambda each: each.at), key=lambda each: each.at):
        slot = first + at * PERIOD
        own = [
            Observation(SCHEMA, slot, SUBJECT, METRICS[each.metric], each.value, each.flag, 1, bytes(32), bytes(32))
            for each in group
        ]
        checkpoint = Checkpoint(1, bytes(32)).leaf(SCHEMA, slot, bytes(20))
        tree = deployed.anchor(SCHEMA, slot, [*(each.leaf() for each in own), checkpoint])
        observations += own
        proofs |= {each: (index, tree.proof(index)) for index, each in enumerate(own)}
    tree = rules_tree(rules_)
    return Scene(deployed, tree, observations, proofs, deployed.facility(tree.root, len(rules_)))


def refusals(rule: Rule, evidence: Evidence, after: int) -> set[str]:
    """The errors of which one is due for this evidence by the twin in Python; empty when it is good."""
    if rule.action is Action.HOLD and not rule.single_kind and len({each.kind for each in rule.conditions}) < 2:
        return {"OneKindOnly"}
    if not all(meets(condition, run) for condition, run in zip(rule.conditions, evidence, strict=True)):
        return RUN_FAULTS
    firing = Firing(rule, evidence)
    if firing.last_slot - firing.first_slot > rule.window_ms:
        return {"OutsideWindow"}
    return {"EvidenceNotNewer"} if firing.first_slot <= after else set()


def consecutive(scene: Scene, rule: Rule) -> Iterator[Evidence]:
    """All evidence that takes a stretch of what was observed for each condition."""
    stretches = []
    for condition in rule.conditions:
        own = [each for each in scene.observations if condition.about(each)]
        stretches.append([tuple(own[a:b]) for a in range(len(own)) for b in range(a + 1, len(own) + 1)])
    return itertools.product(*stretches)


NUMBERS = [*[-1, 0, 1] * 4, LOWEST, LOWEST + 1, HIGHEST - 1, HIGHEST]
numbers = st.sampled_from(NUMBERS)
flags = st.sampled_from([*[Quality.PASS] * 12, *[Quality.MISSING] * 2, *Quality])
conditions = st.builds(
    Condition,
    schema=st.just(SCHEMA),
    subject=st.just(SUBJECT),
    metric=st.sampled_from(METRICS),
    period_ms=st.sampled_from([PERIOD, PERIOD, PERIOD, PERIOD, 0, 2 * PERIOD]),
    kind=st.sampled_from([EvidenceKind.MASS, EvidenceKind.MOVEMENT]),
    comparator=st.sampled_from(Comparator),
    count=st.sampled_from([1, 1, 2, 2, 3]),
    missing_skips=st.booleans(),
    flags=st.frozensets(flags, max_size=2).map(lambda some: some or frozenset({Quality.PASS})),
    threshold=numbers,
)
rules = st.builds(
    Rule,
    index=st.just(0),
    action=st.sampled_from([Action.HOLD, Action.REVIEW, Action.NOTIFY]),
    parameter=st.just(0),
    single_kind=st.booleans(),
    window_ms=st.sampled_from([0, 1, 2, 3, SLOTS, SLOTS]).map(lambda count: count * PERIOD),
    clause=st.binary(min_size=32, max_size=32),
    salt=st.binary(min_size=32, max_size=32),
    conditions=st.lists(conditions, min_size=1, max_size=2).map(tuple),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Rule], list[Seen]]:
    """Rules and what was observed; for half of the rules a run for each condition is laid into it."""
    made = [replace(draw(rules), index=index) for index in range(RULES)]
    seen = {}
    for at, metric in itertools.product(range(SLOTS), (0, 1)):
        if draw(st.integers(0, 5)):
            seen[at, metric] = Seen(at, metric, draw(numbers), draw(flags))
    for condition in (each for rule in made if draw(st.booleans()) for each in rule.conditions):
        good = [number for number in NUMBERS if condition.comparator.holds(number, condition.threshold)]
        step, metric = max(condition.period_ms // PERIOD, 1), METRICS.index(condition.metric)
        first = draw(st.integers(0, SLOTS - 1))
        for at in range(first, min(first + condition.count * step, SLOTS), step) if good else ():
            flag = draw(st.sampled_from(sorted(condition.flags)))
            seen[at, metric] = Seen(at, metric, draw(st.sampled_from(good)), flag)
    return made, list(seen.values())


@st.composite
def runs(draw: st.DrawFn, scene: Scene, condition: Condition) -> tuple[Observation, ...]:
    """Some stretch of what was observed, often with one mistake in it."""
    own = [each for each in scene.observations if condition.about(each)]
    first = draw(st.integers(0, len(own)))
    run = own[first : draw(st.integers(first, len(own)))]
    match draw(st.sampled_from(["whole", "whole", "gap", "turned", "strange"])):
        case "gap" if run:
            run.pop(draw(st.integers(0, len(run) - 1)))
        case "turned":
            run.reverse()
        case "strange" if run:
            run[draw(st.integers(0, len(run) - 1))] = draw(st.sampled_from(scene.observations))
    return tuple(run)


@EXAMPLES
@given(case=cases(), data=st.data())
def test_the_engine_fires_exactly_when_python_says(
    deployed: Deployed, case: tuple[list[Rule], list[Seen]], data: st.DataObject
) -> None:
    scene = stage(deployed, *case)
    for rule in case[0]:
        evidence = tuple(data.draw(runs(scene, condition)) for condition in rule.conditions)
        judged, due = scene.judge(rule, evidence), refusals(rule, evidence, -1)
        assert judged in due if due else judged is None

        after = follow(scene, rule)
        left = list(consecutive(scene, rule))
        for evidence in data.draw(st.lists(st.sampled_from(left), max_size=6)) if left else ():
            assert scene.judge(rule, evidence) in (refusals(rule, evidence, after) or {"RuleHolding"})


def follow(scene: Scene, rule: Rule) -> int:
    """Executes whatever Python fires; the last slot that was acted on, -1 for none."""
    after = -1
    while (firing := first_firing(rule, scene.observations, after)) is not None:
        due = refusals(rule, firing.evidence, after)
        if due or (rule.action is Action.HOLD and after >= 0):
            event("refused for one kind alone, or held already")
            assert scene.judge(rule, firing.evidence) in (due or {"RuleHolding"})
            return after
        told = scene.act(firing)
        assert (told.firing, told.rule_leaf) == (firing.encode(), rule.leaf_hash)
        assert scene.last_slot(rule) == firing.last_slot
        assert scene.judge(rule, firing.evidence) == "EvidenceNotNewer"
        event("fired" if after < 0 else "fired again")
        after = firing.last_slot
    return after


@st.composite
def broken_proofs(draw: st.DrawFn, index: int, proof: list[bytes]) -> tuple[int, list[bytes]]:
    """A proof with an index, whole or with one mistake."""
    proof = list(proof)
    match draw(st.sampled_from(["whole", "index", "bit", "short", "long", "swapped", "deep"])):
        case "index":
            index = draw(st.integers(0, 40) | st.integers(0, (1 << 32) - 1))
        case "bit" if proof:
            at = draw(st.integers(0, len(proof) - 1))
            proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << draw(st.integers(0, 255))).to_bytes(32, "big")
        case "short" if proof:
            proof.pop(draw(st.integers(0, len(proof) - 1)))
        case "long":
            proof.insert(draw(st.integers(0, len(proof))), draw(st.binary(min_size=32, max_size=32)))
        case "swapped" if len(proof) > 1:
            proof[0], proof[-1] = proof[-1], proof[0]
        case "deep":
            proof += [leaf_hash(b"")] * draw(st.integers(30, 34))
    return index, proof


RULE = Rule(
    0,
    Action.NOTIFY,
    0,
    True,
    0,
    bytes(32),
    bytes(32),
    (
        Condition(
            SCHEMA, SUBJECT, METRICS[0], 0, EvidenceKind.MASS, Comparator.ABOVE, 1, False, frozenset({Quality.PASS}), 0
        ),
    ),
)


@EXAMPLES
@given(size=st.integers(1, 20), data=st.data())
def test_a_proof_of_an_observation_holds_on_the_chain_exactly_when_it_holds_in_python(
    deployed: Deployed, size: int, data: st.DataObject
) -> None:
    slot = (START + next(_numbers) * 3_600) * 1000
    index = data.draw(st.integers(0, size - 1))
    seen = Observation(SCHEMA, slot, SUBJECT, METRICS[0], 1, Quality.PASS, 1, bytes(32), bytes(32))
    leaves = [bytes([1 + at]) for at in range(size)]
    leaves[index] = seen.leaf()
    tree = deployed.anchor(SCHEMA, slot, leaves)
    tree_of_rule = rules_tree([RULE])
    scene = Scene(deployed, tree_of_rule, [seen], {}, deployed.facility(tree_of_rule.root, 1))
    scene.proofs[seen] = given_ = data.draw(broken_proofs(index, tree.proof(index)))
    holds = verify_padded(leaf_hash(seen.leaf()), *given_, tree.root)
    event("holds" if holds else "does not hold")
    assert scene.judge(RULE, ((seen,),)) == (None if holds else "ObservationUnproven")


@EXAMPLES
@given(data=st.data())
def test_a_rule_is_proven_on_the_chain_exactly_when_it_is_in_python(deployed: Deployed, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 32))
    all_rules = [Rule(at, *RULE.abi()[1:7], RULE.conditions) for at in range(size)]  # type: ignore[arg-type]
    tree = rules_tree(all_rules)
    chosen = data.draw(st.integers(0, size - 1))
    proof = data.draw(broken_proofs(chosen, tree.proof(chosen)))[1]
    facility = deployed.facility(tree.root, size)
    answer = deployed.ask("RuleEngine", "execute", facility, all_rules[chosen].abi(), proof, [[]], b"")
    assert isinstance(answer, RevertCause)
    holds = verify_padded(leaf_hash(all_rules[chosen].leaf()), chosen, proof, tree.root)
    assert answer.name == ("RunWrong" if holds else "RuleUnproven")


def test_every_comparator_draws_its_line_where_python_does(deployed: Deployed) -> None:
    lines = list(itertools.product(Comparator, (0, LOWEST, HIGHEST)))
    made = [
        replace(RULE, index=at, conditions=(replace(RULE.conditions[0], comparator=comparator, threshold=line),))
        for at, (comparator, line) in enumerate(lines)
    ]
    values = (LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST)
    scene = stage(deployed, made, [Seen(at, 0, value, Quality.PASS) for at, value in enumerate(values)])
    for rule, seen in itertools.product(made, scene.observations):
        fires = first_firing(rule, [seen]) is not None
        assert scene.judge(rule, ((seen,),)) == (None if fires else "ConditionUnmet")


def test_every_flag_counts_or_is_passed_over_as_in_python(deployed: Deployed) -> None:
    masks = [frozenset({flag}) for flag in Quality] + [frozenset(Quality)]
    made = [
        replace(RULE, index=at, conditions=(replace(RULE.conditions[0], flags=flags_, count=2, missing_skips=skips),))
        for at, (flags_, skips) in enumerate(itertools.product(masks, (False, True)))
    ]
    made = [replace(each, window_ms=20 * PERIOD) for each in made]
    seen = [Seen(at, 0, 1, flag) for at, flag in enumerate((*Quality, *Quality))]
    scene = stage(deployed, made, seen)
    for rule in made:
        for size in (2, 3, len(Quality) + 1):
            for first in range(0, len(seen) - size + 1, 2):
                run = tuple(scene.observations[first : first + size])
                assert (scene.judge(rule, (run,)) is None) == meets(rule.conditions[0], run)
