"""The JSON that the interface gives out, as models for OpenAPI: camelCase, times in RFC 3339, uint256 as texts."""

from typing import Annotated, Any

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
