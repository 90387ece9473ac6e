"""The verbs of a scenario pack: what is done, in order, and what must come of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from api.runner.pack_parts import Duration, Key, Strict

Act = Literal[
    "issue", "pledge", "release", "deliver", "facility", "cover", "drawdown", "repay", "review", "claim", "play"
]
_SUBJECT: dict[str, tuple[str, ...]] = {
    "issue": ("receipt",),
    "pledge": ("receipt", "to"),
    "release": ("receipt",),
    "deliver": ("receipt", "order"),
    "facility": ("facility",),
    "cover": ("cover",),
    "drawdown": ("facility", "amount"),
    "repay": ("facility", "instalment"),
    "review": ("facility", "rule", "verdict"),
    "claim": ("cover", "verdict"),
    "play": (),
}


class Inspection(Strict):
    """An inspector's recount."""

    by: Key
    finding: str = Field(min_length=1)


class Step(Strict):
    """One act. `refused` names the contract's error that must stop it; `needs` skips it when an episode is omitted."""

    do: Act
    as_: str | None = Field(default=None, alias="as", description="A name by which later steps refer to this act.")
    receipt: Key | None = None
    facility: Key | None = None
    cover: Key | None = None
    to: Key | None = Field(default=None, description="The pledgee.")
    amount: int | None = Field(default=None, gt=0, description="Minor units.")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$", description="Of a pledge without a facility.")
    instalment: int | None = Field(default=None, ge=0)
    order: str | None = None
    rule: Key | None = None
    verdict: Literal["clear", "uphold", "accept", "reject"] | None = None
    by: list[Key] = Field(default_factory=list)
    inspection: Inspection | None = None
    until: Duration | None = Field(default=None, description="Play all streams up to here; absent: to their end.")
    prepare: bool = Field(default=False, description="Gather the consents but do not send: a later step sends them.")
    consents_of: str | None = Field(default=None, description="Send the consents that the named step gathered.")
    forged: Key | None = Field(
        default=None, description="This party's signature is made with a key that is not its own."
    )
    refused: str | None = Field(default=None, pattern=r"^[A-Z][A-Za-z]+$")
    needs: list[str] = Field(default=[], description="Episodes without which this step does not take place.")
    unless: list[str] = Field(default=[], description="Episodes with which this step does not take place.")

    @model_validator(mode="after")
    def _act_has_what_it_needs(self) -> Step:
        for name in _SUBJECT[self.do]:
            if getattr(self, name) is None:
                raise ValueError(f"{self.do} needs {name}")
        if self.do == "pledge" and self.facility is None and (self.amount is None or self.currency is None):
            raise ValueError("pledge needs a facility, or the amount and currency of the debt")
        return self

    def references(self) -> list[tuple[str, str]]:
        """(section, name) of everything that the step speaks of."""
        pairs = [("receipts", self.receipt), ("facilities", self.facility), ("covers", self.cover)]
        pairs += [("parties", self.to), ("parties", self.forged), *(("parties", name) for name in self.by)]
        pairs += [("episodes", name) for name in (*self.needs, *self.unless)]
        if self.inspection is not None:
            pairs.append(("parties", self.inspection.by))
        return [(section, name) for section, name in pairs if name is not None]


class ExpectedAction(Strict):
    """An automatic action that must be there if its episodes were played, and must not be there otherwise."""

    facility: Key
    rule: Key
    action: Literal["hold", "review", "defer", "open_claim"]
    times: int = Field(default=1, ge=1)
    episodes: list[str] = Field(min_length=1)


class ExpectedState(Strict):
    """What the product must answer at the end."""

    receipt: Key | None = None
    facility: Key | None = None
    field: str
    equals: str | int | bool
    needs: list[str] = Field(default_factory=list)
    unless: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_subject(self) -> ExpectedState:
        if (self.receipt is None) == (self.facility is None):
            raise ValueError("an expected state is of a receipt or of a facility")
        return self


class ExpectedNotice(Strict):
    """Who must have been told of which action."""

    party: Key
    facility: Key
    rule: Key
    episodes: list[str] = Field(min_length=1)


class ExpectedRefusal(Strict):
    """An error by which the chain must have refused an attempt, listed for the regulator by its name."""

    error: str = Field(pattern=r"^[A-Z][A-Za-z]+$")
    episodes: list[str] = Field(min_length=1)


class ExpectedDetection(Strict):
    """How the flags of a recorded device compare with the file's truth column, in daylight points."""

    device: Key
    channel: Key
    schema_: Key = Field(alias="schema", description="The schema whose place says what daylight is.")
    precision: float = Field(ge=0, le=1)
    recall: float = Field(ge=0, le=1)


class Expectations(Strict):
    """All that must come of the scenario. An automatic action that is not listed is a failure."""

    actions: list[ExpectedAction] = Field(default_factory=list)
    states: list[ExpectedState] = Field(default_factory=list)
    notices: list[ExpectedNotice] = Field(default_factory=list)
    detections: list[ExpectedDetection] = Field(default_factory=list)
    refusals: list[ExpectedRefusal] = Field(default_factory=list)
    bundles: list[Key] = Field(default=[], description="Receipts and facilities whose bundles must verify offline.")

    @model_validator(mode="after")
    def _something_is_expected(self) -> Expectations:
        if not (self.actions or self.states or self.notices or self.detections or self.refusals or self.bundles):
            raise ValueError("a pack without expectations shows nothing")
        return self

    def references(self) -> list[tuple[str, str, str]]:
        """(place, section, name) of everything that the expectations speak of."""
        found = [("actions", "facilities", action.facility) for action in self.actions]
        found += [("actions", "episodes", name) for action in self.actions for name in action.episodes]
        found += [("states", "receipts", state.receipt) for state in self.states if state.receipt]
        found += [("states", "facilities", state.facility) for state in self.states if state.facility]
        found += [("notices", "parties", notice.party) for notice in self.notices]
        found += [("notices", "episodes", name) for notice in self.notices for name in notice.episodes]
        found += [("refusals", "episodes", name) for refusal in self.refusals for name in refusal.episodes]
        found += [("detections", "devices", detection.device) for detection in self.detections]
        return found
