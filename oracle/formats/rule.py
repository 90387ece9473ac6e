"""A rule and what it rests on when it fires: value types, their ABI encoding and their JSON (docs/formats/ledger.md).

Windows and periods are milliseconds of event time, thresholds are in units of 10**exp10 of the metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from eth_abi.abi import encode

from ledger_node.bindings import constants, structs
from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from ledger_node.merkle import PaddedTree, leaf_hash
from oracle.formats.fields import FieldError, Fields, objects
from oracle.formats.observation import HIGHEST, LOWEST, Observation
from oracle.formats.segment import MAX_TIME_MS, Quality

MAX_CONDITIONS, MAX_EVIDENCE = 8, 64
RULE_ABI = structs.Rule.ABI
OBSERVATION_ABI = structs.Observation.ABI


Action = constants.RuleAction
"""What a rule does when it fires."""


class Comparator(IntEnum):
    """How a value is compared with the threshold."""

    BELOW = constants.Comparator.BELOW
    AT_MOST = constants.Comparator.AT_MOST
    ABOVE = constants.Comparator.ABOVE
    AT_LEAST = constants.Comparator.AT_LEAST
    EQUAL = constants.Comparator.EQUAL
    UNEQUAL = constants.Comparator.UNEQUAL

    @property
    def sign(self) -> str:
        """As it is written."""
        return ("<", "<=", ">", ">=", "=", "!=")[self - 1]

    def holds(self, value: int, threshold: int) -> bool:
        """Whether value (comparator) threshold."""
        match self:
            case Comparator.BELOW:
                return value < threshold
            case Comparator.AT_MOST:
                return value <= threshold
            case Comparator.ABOVE:
                return value > threshold
            case Comparator.AT_LEAST:
                return value >= threshold
            case Comparator.EQUAL:
                return value == threshold
            case Comparator.UNEQUAL:
                return value != threshold


class EvidenceKind(IntEnum):
    """The class of evidence that a condition is; a HOLD needs two of them by default."""

    MASS = 1
    MOVEMENT = 2
    IMAGE = 3
    CLIMATE = 4
    ENERGY = 5
    COUNT = 6
    STATE = 7


@dataclass(frozen=True, slots=True)
class Condition:
    """`count` observations of one metric of one subject, period after period, whose values compare so.

    `period_ms` is 0 for events; `flags` are those that count; a missing observation may stand between when
    `missing_skips`.
    """

    schema: bytes
    subject: bytes
    metric: bytes
    period_ms: int
    kind: EvidenceKind
    comparator: Comparator
    count: int
    missing_skips: bool
    flags: frozenset[Quality]
    threshold: int

    @property
    def flag_mask(self) -> int:
        """Bit n for each flag with code n that counts."""
        return sum(1 << flag for flag in self.flags)

    def counts(self, observation: Observation) -> bool:
        """Whether an observation has a flag that counts and a value that compares so."""
        return observation.flag in self.flags and self.comparator.holds(observation.value, self.threshold)

    def about(self, observation: Observation) -> bool:
        """Whether an observation is of this schema, subject and metric."""
        own = (self.schema, self.subject, self.metric)
        return own == (observation.schema, observation.subject, observation.metric)

    def abi(self) -> tuple[bytes, bytes, bytes, int, int, int, int, bool, int, int]:
        """The struct as an ABI codec takes it."""
        return (
            self.schema,
            self.subject,
            self.metric,
            self.period_ms,
            int(self.kind),
            int(self.comparator),
            self.count,
            self.missing_skips,
            self.flag_mask,
            self.threshold,
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a facility: `parameter` is the days of a DEFER, `clause` commits to its text, `salt` hides it."""

    index: int
    action: Action
    parameter: int
    single_kind: bool
    window_ms: int
    clause: bytes
    salt: bytes
    conditions: tuple[Condition, ...]

    def abi(self) -> tuple[object, ...]:
        """The struct as an ABI codec takes it."""
        conditions = [each.abi() for each in self.conditions]
        head = (self.index, int(self.action), self.parameter, self.single_kind, self.window_ms)
        return (*head, self.clause, self.salt, conditions)

    def leaf(self) -> bytes:
        """The data of its leaf: abi.encode(Rule)."""
        return bytes(encode([RULE_ABI], [self.abi()]))

    @property
    def leaf_hash(self) -> bytes:
        """The hash of its leaf, by which the chain names the rule."""
        return leaf_hash(self.leaf())


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule with the evidence for each of its conditions, oldest first."""

    rule: Rule
    evidence: tuple[tuple[Observation, ...], ...]

    @property
    def first_slot(self) -> int:
        """The earliest slot of the evidence."""
        return min(run[0].slot for run in self.evidence)

    @property
    def last_slot(self) -> int:
        """The latest slot of the evidence; the rule acts again only on later ones."""
        return max(run[-1].slot for run in self.evidence)

    def encode(self) -> bytes:
        """abi.encode(Rule, Observation[][]): what RuleFired carries."""
        evidence = [[each.abi() for each in run] for run in self.evidence]
        return bytes(encode([RULE_ABI, f"{OBSERVATION_ABI}[][]"], [self.rule.abi(), evidence]))

    @property
    def digest(self) -> bytes:
        """keccak256 of the encoding: `evidence` in the facility's transition."""
        return keccak256(self.encode())


def rules_tree(rules: Sequence[Rule]) -> PaddedTree:
    """The tree whose root the facility holds; each rule stands at its index."""
    return PaddedTree([each.leaf() for each in rules])


def rule_from_json(fields: Fields, index: int, clause: bytes) -> Rule:
    """The rule of a JSON object; `clause` is the commitment of its text. Raises FieldError."""
    rule = Rule(
        index=index,
        action=constants.RuleAction[fields.word("action", str, [each.name.lower() for each in Action]).upper()],
        parameter=fields.integer("parameter", 0, (1 << 32) - 1, 0),
        single_kind=fields.flag("singleKind", default=False),
        window_ms=fields.integer("windowMs", 0, MAX_TIME_MS),
        clause=clause,
        salt=fields.data("salt", 32),
        conditions=tuple(_condition(each) for each in objects(fields, "conditions", MAX_CONDITIONS, fewest=1)),
    )
    if rule.action is Action.HOLD and not rule.single_kind and len({each.kind for each in rule.conditions}) < 2:
        raise FieldError(f"{fields.at('conditions')}: a hold needs two kinds of evidence unless singleKind is true")
    if sum(each.count for each in rule.conditions) > MAX_EVIDENCE:
        raise FieldError(f"{fields.at('conditions')}: must not need more than {MAX_EVIDENCE} observations")
    return rule


def rule_to_json(rule: Rule) -> dict[str, JsonValue]:
    """The JSON object without index and clause, which the covenant gives; defaults are left out."""
    value: dict[str, JsonValue] = {
        "action": rule.action.name.lower(),
        "windowMs": rule.window_ms,
        "salt": data_hex(rule.salt),
        "conditions": [_condition_json(each) for each in rule.conditions],
    }
    if rule.parameter:
        value["parameter"] = rule.parameter
    if rule.single_kind:
        value["singleKind"] = True
    return value


def _condition(fields: Fields) -> Condition:
    flags = fields.integers("flags", 1, 9, 5)
    if not set(flags) <= set(Quality) or not flags:
        raise FieldError(f"{fields.at('flags')}: members must be 1, 2, 3, 4 or 9, one at least")
    condition = Condition(
        schema=fields.data("schema", 32),
        subject=fields.data("subject", 32),
        metric=fields.data("metric", 32),
        period_ms=fields.integer("periodMs", 0, MAX_TIME_MS),
        kind=EvidenceKind[fields.word("kind", str, [each.name.lower() for each in EvidenceKind]).upper()],
        comparator=Comparator[fields.word("comparator", str, [each.name.lower() for each in Comparator]).upper()],
        count=fields.integer("count", 1, MAX_EVIDENCE),
        missing_skips=fields.flag("missingSkips", default=False),
        flags=frozenset(Quality(each) for each in flags),
        threshold=fields.long("threshold", LOWEST, HIGHEST),
    )
    fields.end()
    return condition


def _condition_json(condition: Condition) -> dict[str, JsonValue]:
    value: dict[str, JsonValue] = {
        "schema": data_hex(condition.schema),
        "subject": data_hex(condition.subject),
        "metric": data_hex(condition.metric),
        "periodMs": condition.period_ms,
        "kind": condition.kind.name.lower(),
        "comparator": condition.comparator.name.lower(),
        "count": condition.count,
        "flags": [int(each) for each in sorted(condition.flags)],
        "threshold": str(condition.threshold),
    }
    if condition.missing_skips:
        value["missingSkips"] = True
    return value
