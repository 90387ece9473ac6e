"""What playing a pack yields: each step with what was expected and observed (docs/formats/pack.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step or expectation. `tx` is the hash of the transaction behind it, where there is one."""

    name: str
    expected: str
    observed: str
    ok: bool
    tx: str | None = None


@dataclass
class Outcome:
    """All that came of a pack; it has passed only when every step is ok and there is at least one."""

    scenario: str
    engine: str
    steps: list[StepResult] = field(default_factory=list)
    bundles: list[Path] = field(default_factory=list)
    answers: list[Path] = field(default_factory=list)
    trust: Path | None = None

    def add(self, name: str, expected: str, observed: str, tx: str | None = None, *, ok: bool | None = None) -> None:
        """Note a step; it is ok when observed is what was expected, unless `ok` says otherwise."""
        self.steps.append(StepResult(name, expected, observed, expected == observed if ok is None else ok, tx))

    def correct(self, at: int, observed: str, tx: str | None) -> None:
        """Note what came of the step at that place in the end."""
        step = self.steps[at]
        self.steps[at] = StepResult(step.name, step.expected, observed, step.expected == observed, tx)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """The published result."""
        return {
            "scenario": self.scenario,
            "engine": self.engine,
            "passed": self.passed,
            "steps": [asdict(step) for step in self.steps],
            "bundles": [str(path) for path in self.bundles],
            "answers": [str(path) for path in self.answers],
            "trust": None if self.trust is None else str(self.trust),
        }
