"""What a rule fired on, read from the bytes that RuleFired carries."""

from ledger_node.abi_types import AbiError, decode_values
from ledger_node.bindings import structs
from oracle.formats.observation import Observation
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Firing, Rule
from oracle.formats.segment import Quality

_KINDS = [structs.Rule.ABI, f"{structs.Observation.ABI}[][]"]


class FiringError(ValueError):
    """Bytes are not the one encoding of a rule and its evidence."""


def decode_firing(data: bytes) -> Firing:
    """The rule and its evidence in abi.encode(Rule, Observation[][]). Raises FiringError."""
    try:
        rule, runs = decode_values(_KINDS, data)
        evidence = tuple(tuple(_observation(structs.Observation.from_tuple(each)) for each in run) for run in runs)
        firing = Firing(_rule(structs.Rule.from_tuple(rule)), evidence)
    except (AbiError, ValueError) as error:
        raise FiringError(f"firing: {error}") from None
    if firing.encode() != data:
        raise FiringError("firing: is not the one encoding of its rule and evidence")
    return firing


def _rule(rule: structs.Rule) -> Rule:
    return Rule(
        index=rule.index,
        action=Action(rule.action),
        parameter=rule.parameter,
        single_kind=rule.single_kind,
        window_ms=rule.window_ms,
        clause=rule.clause,
        salt=rule.salt,
        conditions=tuple(_condition(each) for each in rule.conditions),
    )


def _condition(condition: structs.Condition) -> Condition:
    return Condition(
        schema=condition.schema,
        subject=condition.subject,
        metric=condition.metric,
        period_ms=condition.period_ms,
        kind=EvidenceKind(condition.kind),
        comparator=Comparator(condition.comparator),
        count=condition.count,
        missing_skips=condition.missing_skips,
        flags=frozenset(Quality(bit) for bit in range(16) if condition.flag_mask >> bit & 1),
        threshold=condition.threshold,
    )


def _observation(seen: structs.Observation) -> Observation:
    return Observation(
        schema=seen.schema,
        slot=seen.slot,
        subject=seen.subject,
        metric=seen.metric,
        value=seen.value,
        flag=Quality(seen.flag),
        count=seen.count,
        sources=seen.sources,
        salt=seen.salt,
    )
