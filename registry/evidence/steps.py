"""What a check of a bundle says: a line a step, and the first step that fails."""

from dataclasses import dataclass
from enum import StrEnum


class StepName(StrEnum):
    """The steps, in their order."""

    FORMAT = "format"
    TRUST = "trust"
    HEADER = "header"
    STATE = "state"
    HISTORY = "history"
    CLAIM = "claim"
    RULE = "rule"
    ROUNDS = "rounds"
    DEVICES = "devices"
    SEGMENTS = "segments"
    OBSERVATIONS = "observations"
    ACTION = "action"
    DOCUMENTS = "documents"
    COMPLETE = "complete"
    ANSWER = "answer"


class StepFailed(Exception):
    """A step fails; `rule` says what is wrong, naming the part of the bundle."""

    def __init__(self, step: StepName, rule: str) -> None:
        super().__init__(f"{step.value}: {rule}")
        self.step = step
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Step:
    """One step and what it found."""

    name: StepName
    ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check: all steps up to the first that fails, and what is proven when none does."""

    steps: tuple[Step, ...]
    proven: str

    @property
    def ok(self) -> bool:
        """Whether every step holds."""
        return all(step.ok for step in self.steps)
