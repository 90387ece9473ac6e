"""When a rule fires, and why: the pure twin of the RuleEngine contract (docs/formats/ledger.md, Rules)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from oracle.formats.observation import Observation
from oracle.formats.rule import MAX_EVIDENCE, Action, Comparator, Condition, Firing, Rule
from oracle.formats.segment import Quality

Run = tuple[Observation, ...]
"""Evidence for one condition: observations of one metric, period after period, oldest first."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One observation that counted, and the nearest value that would not have."""

    slot: int
    value: int
    instead: int


@dataclass(frozen=True, slots=True)
class ConditionExplained:
    """A condition of a rule that fired: what was compared, with what, from which sources."""

    condition: Condition
    run: Run
    nearest: Counterfactual

    @property
    def sentence(self) -> str:
        """What had to hold, in signs: how often, compared with which threshold."""
        return f"{self.condition.count} x value {self.condition.comparator.sign} {self.condition.threshold}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule fired: clause, values, thresholds, sources, and for each condition what would have had to differ.

    A single one of the `nearest` values would have been enough for the rule not to fire on this evidence.
    """

    rule: int
    action: Action
    clause: bytes
    first_slot: int
    last_slot: int
    conditions: tuple[ConditionExplained, ...]


class Tracker:
    """Finds the first firing of a rule in observations that come one by one: those of one metric in the order of slots.

    Of all evidence it is the one that is complete earliest; each condition then takes its latest run. The engine
    accepts what comes out of here, and accepts nothing when nothing does.
    """

    def __init__(self, rule: Rule, after: int = -1) -> None:
        """`after` is the last slot that the rule acted on."""
        self.rule = rule
        self.after = after
        self._seen: list[deque[Observation]] = [deque(maxlen=MAX_EVIDENCE) for _ in rule.conditions]
        self._found: list[list[Run]] = [[] for _ in rule.conditions]
        self._latest = [after] * len(rule.conditions)

    def feed(self, observation: Observation) -> None:
        """Takes the next observation; those of no condition and those that are too old do nothing."""
        if observation.slot <= self.after:
            return
        for place, condition in enumerate(self.rule.conditions):
            if not condition.about(observation):
                continue
            self._seen[place].append(observation)
            run = _run_back(condition, self._seen[place], len(self._seen[place]) - 1)
            if run is not None:
                self._found[place].append(run)
            self._latest[place] = observation.slot

    def firing(self) -> Firing | None:
        """The first firing on what was fed, or None."""
        return _match(self.rule, self._found) if all(self._found) else None

    def acted(self, slot: int) -> None:
        """The rule acted on evidence up to `slot`: nothing up to it counts again."""
        self.after = max(self.after, slot)
        for seen in self._seen:
            while seen and seen[0].slot <= self.after:
                seen.popleft()
        self._found = [[run for run in found if run[0].slot > self.after] for found in self._found]

    def forget(self) -> None:
        """Drops the runs that no later evidence can join within the window; right only while there is no firing."""
        horizon = min(self._latest) - self.rule.window_ms
        self._found = [[run for run in found if run[0].slot >= horizon] for found in self._found]


def meets(condition: Condition, run: Run) -> bool:
    """Whether a run is evidence for a condition, as the engine checks it."""
    if not run or not all(condition.about(each) for each in run):
        return False
    if not all(_follows(condition, one, other) for one, other in pairwise(run)):
        return False
    counted = [condition.counts(each) for each in run]
    skipped = [condition.missing_skips and each.flag is Quality.MISSING for each in run]
    if not all(counts or skips for counts, skips in zip(counted, skipped, strict=True)):
        return False
    return sum(counted) == condition.count and counted[0] and counted[-1]


def explain(firing: Firing) -> Explanation:
    """Why a rule fired."""
    explained = tuple(
        ConditionExplained(condition, run, _nearest(condition, run))
        for condition, run in zip(firing.rule.conditions, firing.evidence, strict=True)
    )
    rule = firing.rule
    return Explanation(rule.index, rule.action, rule.clause, firing.first_slot, firing.last_slot, explained)


def _match(rule: Rule, found: Sequence[Sequence[Run]]) -> Firing | None:
    if not all(found):
        return None
    for end in sorted({run[-1].slot for each in found for run in each}):
        chosen = [_latest(each, end) for each in found]
        evidence = tuple(run for run in chosen if run is not None)
        if len(evidence) < len(chosen) or sum(map(len, evidence)) > MAX_EVIDENCE:
            continue
        firing = Firing(rule, evidence)
        if firing.last_slot - firing.first_slot <= rule.window_ms:
            return firing
    return None


def _latest(found: Sequence[Run], end: int) -> Run | None:
    return next((run for run in reversed(found) if run[-1].slot <= end), None)


def _run_back(condition: Condition, own: Sequence[Observation], place: int) -> Run | None:
    """The shortest run that ends at a place, or None."""
    if not condition.counts(own[place]):
        return None
    counted, first = 1, place
    while counted < condition.count:
        first -= 1
        if first < 0 or place - first >= MAX_EVIDENCE or not _follows(condition, own[first], own[first + 1]):
            return None
        if condition.counts(own[first]):
            counted += 1
        elif not (condition.missing_skips and own[first].flag is Quality.MISSING):
            return None
    return tuple(own[at] for at in range(first, place + 1))


def _follows(condition: Condition, one: Observation, other: Observation) -> bool:
    if condition.period_ms == 0:
        return one.slot < other.slot
    return other.slot - one.slot == condition.period_ms


def _nearest(condition: Condition, run: Run) -> Counterfactual:
    counted = [each for each in run if condition.counts(each)]
    changes = [Counterfactual(each.slot, each.value, _instead(condition, each.value)) for each in counted]
    return min(changes, key=lambda each: (abs(each.instead - each.value), each.slot))


def _instead(condition: Condition, value: int) -> int:
    """The value nearest to `value` that the comparator refuses."""
    match condition.comparator:
        case Comparator.BELOW | Comparator.ABOVE | Comparator.UNEQUAL:
            return condition.threshold
        case Comparator.AT_MOST:
            return condition.threshold + 1
        case Comparator.AT_LEAST:
            return condition.threshold - 1
        case Comparator.EQUAL:
            return value + 1
