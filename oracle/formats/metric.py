"""A metric: what is made of the readings of one slot.

docs/formats/observation.md defines each aggregate. Values are integers times 10**exp10, shares basis points.
"""

from dataclasses import dataclass
from enum import StrEnum

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from oracle.formats.fields import FieldError, Fields
from oracle.formats.segment import MAX_EXP10, MAX_TEXT

DAY_MS = 86_400_000
MAX_MEMBERS = 1024
MAX_SPAN_MS = 400 * DAY_MS
"""The longest period, cadence or look back."""


class Aggregate(StrEnum):
    """What is made of the readings of one slot; docs/formats/observation.md defines each."""

    MEAN = "mean"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    DELTA = "delta"
    STUCK_RUN = "stuck_run"
    COUNT = "count"
    COUNT_EVENT = "count_event"
    DISTINCT = "distinct"
    ABSENT = "absent"
    EXTRA = "extra"
    UNMATCHED = "unmatched"

    @property
    def counts(self) -> bool:
        """Whether nothing in a slot is a count of 0, where other aggregates would be missing."""
        return self in _COUNTS

    @property
    def joint(self) -> bool:
        """Whether the readings of all members are taken together, not member by member."""
        return self in _JOINT


_JOINT = frozenset({Aggregate.DISTINCT, Aggregate.ABSENT, Aggregate.EXTRA, Aggregate.UNMATCHED})
_COUNTS = _JOINT | {Aggregate.COUNT, Aggregate.COUNT_EVENT}


class Combine(StrEnum):
    """How the members' aggregates make one value."""

    SUM = "sum"
    MEAN = "mean"
    MEDIAN = "median"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of one subject; `members` and `against` are places in the schema's list of members."""

    name: str
    subject: bytes
    exp10: int
    aggregate: Aggregate
    members: tuple[int, ...]
    combine: Combine = Combine.SUM
    against: tuple[int, ...] = ()
    lookback_ms: int = 0
    daylight_margin_ms: int | None = None
    completeness_bps: int = 0
    suspect_bps: int = 0
    codes: tuple[int, ...] = ()
    expected: tuple[str, ...] = ()

    @property
    def id(self) -> bytes:
        """keccak256 of the name."""
        return keccak256(self.name.encode())


def metric_from_json(fields: Fields, places: int) -> Metric:
    """The metric of a JSON object; `places` is the last place in the list of members. Raises FieldError."""
    margin = fields.has("daylightMarginMs")
    combine = (
        fields.word("combine", Combine, [each.value for each in Combine]) if fields.has("combine") else Combine.SUM
    )
    metric = Metric(
        name=fields.text("name", 64),
        subject=fields.data("subject", 32),
        exp10=fields.integer("exp10", -MAX_EXP10, MAX_EXP10, 0),
        aggregate=fields.word("aggregate", Aggregate, [each.value for each in Aggregate]),
        members=fields.integers("members", 0, places, MAX_MEMBERS),
        combine=combine,
        against=fields.integers("against", 0, places, MAX_MEMBERS, optional=True),
        lookback_ms=fields.integer("lookbackMs", 0, MAX_SPAN_MS, 0),
        daylight_margin_ms=fields.integer("daylightMarginMs", -DAY_MS // 4, DAY_MS // 4) if margin else None,
        completeness_bps=fields.integer("completenessBps", 0, 10_000, 0),
        suspect_bps=fields.integer("suspectBps", 0, 10_000, 0),
        codes=fields.integers("codes", -(1 << 53), 1 << 53, 256, optional=True),
        expected=fields.texts("expected", 4096, MAX_TEXT, optional=True),
    )
    fields.end()
    _check_metric(metric, fields)
    return metric


def metric_to_json(metric: Metric) -> JsonValue:
    """The JSON value; fields that have their default are left out."""
    value: dict[str, JsonValue] = {
        "name": metric.name,
        "subject": data_hex(metric.subject),
        "aggregate": metric.aggregate.value,
        "members": list(metric.members),
    }
    if metric.combine is not Combine.SUM:
        value["combine"] = metric.combine.value
    if metric.daylight_margin_ms is not None:
        value["daylightMarginMs"] = metric.daylight_margin_ms
    numbers = {
        "exp10": metric.exp10,
        "lookbackMs": metric.lookback_ms,
        "completenessBps": metric.completeness_bps,
        "suspectBps": metric.suspect_bps,
    }
    value |= {name: number for name, number in numbers.items() if number}
    lists: dict[str, list[JsonValue]] = {
        "against": list(metric.against),
        "codes": list(metric.codes),
        "expected": list(metric.expected),
    }
    value |= {name: members for name, members in lists.items() if members}
    return value


def _check_metric(metric: Metric, fields: Fields) -> None:
    kind = metric.aggregate
    rules = (
        ("members", not metric.members, "must name a member"),
        ("exp10", kind.counts and metric.exp10 != 0, "must be 0 for a count"),
        ("combine", kind.joint and metric.combine is not Combine.SUM, f"has no meaning for {kind.value}"),
        ("against", (kind is Aggregate.UNMATCHED) != bool(metric.against), "goes with unmatched, and only with it"),
        ("codes", (kind is Aggregate.COUNT_EVENT) != bool(metric.codes), "goes with count_event, and only with it"),
        ("expected", (kind in _EXPECTING) != bool(metric.expected), "goes with absent and extra, and only with them"),
        ("against", bool(set(metric.against) & set(metric.members)), "must not name one of the members"),
    )
    for name, broken, rule in rules:
        if broken:
            raise FieldError(f"{fields.at(name)}: {rule}")


_EXPECTING = frozenset({Aggregate.ABSENT, Aggregate.EXTRA})
