"""The JSON that the interface gives out, as models for OpenAPI: camelCase, times in RFC 3339, uint256 as texts."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class PartyView(View):
    """A party of a draft. `state`: waiting, second-person (one of two people agreed), signed."""

    entity: int
    name: str | None
    state: str
    signed_at: str | None = None
    account: str | None = None


class DocumentView(View):
    """A document that the asker was given; `content` and `salt` open the commitment."""

    commitment: str
    salt: str | None = None
    content: Any = None


class DraftView(View):
    """A drafted act. `id` is the EIP-712 digest that the parties sign. `state`: gathering, complete, sent."""

    id: str
    act: str
    state: str
    drafted_by: int
    drafted_at: str
    required: int
    parties: list[PartyView]
    typed_data: dict[str, Any]
    documents: dict[str, DocumentView]
    extras: dict[str, Any]
    operation: str | None = None


class CauseView(View):
    """Why a transaction was refused: the contract's error by name, with its arguments as texts."""

    name: str
    args: dict[str, str]


class OperationView(View):
    """How far a sent draft is. `state`: submitted, included, final, refused (then `cause` says why)."""

    id: str
    draft: str
    state: str
    submitted_at: str
    transaction: str | None
    block: int | None
    gas_used: str | None
    cause: CauseView | None


class DraftList(View):
    """A page of drafts, newest first."""

    items: list[DraftView]
    next: str | None = None


class ConsentBody(BaseModel):
    """A consent: a signature made elsewhere, or `sign` for one by the member's own key."""

    model_config = ConfigDict(extra="forbid")

    entity: int | None = None
    signature: str | None = None
    sign: bool = False


class SubmitBody(BaseModel):
    """`fixedGas` sends without trying first, so that a refused act is mined as refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    fixed_gas: Annotated[int, Field(ge=21_000, le=30_000_000)] | None = None


class WebhookView(View):
    """A webhook. `events` null: all. `state`: on, paused, disabled (then `cause` says why)."""

    id: str
    url: str
    events: list[str] | None
    description: str
    state: str
    cause: str | None
    created_at: str
    old_secret_until: str | None


class WebhookSecretView(View):
    """A webhook with its secret, which is shown in this answer only."""

    webhook: WebhookView
    secret: str


class WebhookList(View):
    """The member's webhooks, oldest first."""

    items: list[WebhookView]


class AttemptView(View):
    """One attempt: `status` of the answer, or the `cause` that there was none."""

    at: str
    status: int | None
    cause: str | None
    milliseconds: int


class DeliveryView(View):
    """What a webhook is told of one event. `id` is the webhook-id of each attempt. `state`: waiting, delivered, failed.

    `log` and `body` are in the answer about one delivery only.
    """

    id: str
    event: str
    block: int | None
    state: str
    attempts: int
    created_at: str
    next_attempt_at: str | None
    done_at: str | None
    log: list[AttemptView] | None = None
    body: Any = None


class DeliveryList(View):
    """A page of deliveries, newest first."""

    items: list[DeliveryView]
    next: str | None = None


class EventView(View):
    """A type of event: what happened, and who is told."""

    name: str
    says: str
    seen_by: str


class EventList(View):
    """The catalogue of events."""

    items: list[EventView]


class WebhookBody(BaseModel):
    """A new webhook: an https address, the events by name (all, when left out), words of its member."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=500)]
    events: Annotated[list[str], Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=200)] = ""


class WebhookChange(BaseModel):
    """What of a webhook shall be otherwise; what is left out stays. `events` null: all from now on."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=500)] | None = None
    events: Annotated[list[str], Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=200)] | None = None
    state: Literal["on", "paused"] | None = None
