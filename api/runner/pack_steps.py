"""The verbs of a scenario pack: what is done, in order, and what must come of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from api.runner.pack_parts import Duration, Key, Strict


class Inspection(Strict):
    """An inspector's recount."""

    by: Key
    finding: str = Field(min_length=1)


class Act(Strict):
    """What every step can say. `refused` names the contract's error that must stop the act."""

    as_: str | None = Field(default=None, alias="as", description="A name by which later steps refer to this act.")
    prepare: bool = Field(default=False, description="Gather the consents but do not send: a later step sends them.")
    consents_of: str | None = Field(default=None, description="Send the consents that the named step gathered.")
    forged: Key | None = Field(
        default=None, description="This party's signature is made with a key that is not its own."
    )
    refused: str | None = Field(default=None, pattern=r"^[A-Z][A-Za-z]+$")
    needs: list[str] = Field(default_factory=list, description="Episodes without which the step does not take place.")
    unless: list[str] = Field(default_factory=list, description="Episodes with which the step does not take place.")

    def references(self) -> list[tuple[str, str]]:
        """(section, name) of everything that the step speaks of."""
        pairs = [(section, getattr(self, name, None)) for name, section in _SECTIONS.items()]
        pairs += [("parties", name) for name in getattr(self, "by", [])]
        pairs += [("episodes", name) for name in (*self.needs, *self.unless)]
        inspection = getattr(self, "inspection", None)
        pairs.append(("parties", inspection.by if inspection else None))
        return [(section, name) for section, name in pairs if name is not None]


_SECTIONS = {
    "receipt": "receipts",
    "facility": "facilities",
    "cover": "covers",
    "to": "parties",
    "forged": "parties",
}


class Issue(Act):
    """Depositor and keeper issue a receipt."""

    do: Literal["issue"]
    receipt: Key


class Pledge(Act):
    """The depositor pledges a receipt, for a facility or for a debt of its own."""

    do: Literal["pledge"]
    receipt: Key
    to: Key = Field(description="The pledgee.")
    facility: Key | None = None
    amount: int | None = Field(default=None, gt=0, description="Minor units of the debt.")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")

    @model_validator(mode="after")
    def _there_is_a_debt(self) -> Pledge:
        if self.facility is None and (self.amount is None or self.currency is None):
            raise ValueError("pledge needs a facility, or amount and currency of the debt")
        return self


class Release(Act):
    """The pledgee releases the live pledge of a receipt."""

    do: Literal["release"]
    receipt: Key


class Deliver(Act):
    """The goods of a receipt leave by an order."""

    do: Literal["deliver"]
    receipt: Key
    order: str = Field(min_length=1)


class OpenFacility(Act):
    """Lender and borrower open a facility; its covenant goes to the oracles."""

    do: Literal["facility"]
    facility: Key


class TakeCover(Act):
    """Insurer and insured agree on a cover."""

    do: Literal["cover"]
    cover: Key


class Drawdown(Act):
    """Money is drawn under a facility."""

    do: Literal["drawdown"]
    facility: Key
    amount: int = Field(gt=0, description="Minor units.")


class Repay(Act):
    """An instalment is paid in full."""

    do: Literal["repay"]
    facility: Key
    instalment: int = Field(ge=0)


class Review(Act):
    """The panel decides the review that a rule has opened, on an inspector's recount where there is one."""

    do: Literal["review"]
    facility: Key
    rule: Key
    verdict: Literal["clear", "uphold"]
    by: list[Key] = Field(min_length=1)
    inspection: Inspection | None = None


class DecideClaim(Act):
    """The insurer decides a claim under a cover."""

    do: Literal["claim"]
    cover: Key
    claim: int = Field(default=0, ge=0)
    verdict: Literal["accept", "reject"]


class PlayStreams(Act):
    """All devices speak, up to a moment of event time or to the end of their streams."""

    do: Literal["play"]
    until: Duration | None = None


Step = Annotated[
    Issue
    | Pledge
    | Release
    | Deliver
    | OpenFacility
    | TakeCover
    | Drawdown
    | Repay
    | Review
    | DecideClaim
    | PlayStreams,
    Field(discriminator="do"),
]


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
        found += [("detections", "schemas", detection.schema_) for detection in self.detections]
        return found
