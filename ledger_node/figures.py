"""A figure that a process tells of itself, and all of them as OpenMetrics text (docs/formats/metrics.md). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest

PREFIX = "cangdan_"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is told: its name without the prefix, its meaning in words, the names of its labels.

    A name that ends in `_total` only grows, any other goes up and down.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def grows(self) -> bool:
        """Whether it is a counter."""
        return self.name.endswith("_total")

    def is_(self, value: float, *labels: str) -> "Figure":
        """A value of this kind; with one text for each label."""
        return Figure(self, float(value), labels)


@dataclass(frozen=True, slots=True)
class Figure:
    """One value, with the texts of its labels in their order."""

    kind: Kind
    value: float
    labels: tuple[str, ...] = ()


class Collected:
    """Figures as a collector of prometheus-client, once."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = tuple(figures)

    def collect(self) -> Iterable[Metric]:
        """The families, each with all its values."""
        families: dict[Kind, CounterMetricFamily | GaugeMetricFamily] = {}
        for figure in self._figures:
            kind = figure.kind
            if kind not in families:
                made = CounterMetricFamily if kind.grows else GaugeMetricFamily
                families[kind] = made(PREFIX + kind.name, kind.help, labels=kind.labels)
            families[kind].add_metric(figure.labels, figure.value)
        return families.values()


def exposed(kept: CollectorRegistry, figures: Iterable[Figure]) -> bytes:
    """What a registry keeps counting and the figures of now, as OpenMetrics text 1.0.0."""
    now = CollectorRegistry(auto_describe=False)
    now.register(kept)
    now.register(Collected(figures))
    text: bytes = generate_latest(now)  # type: ignore[no-untyped-call]
    return text
