"""What drafting an act makes, and what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from api.problems import FieldError, ProblemError
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import read_data
from oracle.formats.opening import Opening
from registry.consents import Consent
from registry.documents.commitment import DocumentError, seal
from registry.documents.models import read
from registry.items import Item, Key, Kind

ItemT = TypeVar("ItemT")
ZERO = bytes(32)


class Book(Protocol):
    """The state of the chain as the index has it, by keys."""

    def get(self, key: Key, /) -> Item | None:
        """The item of a key, None when there is none."""


class Archive(Protocol):
    """What earlier drafts of this process hold beside what is on the chain."""

    def unit_keys(self, receipt: bytes) -> tuple[bytes, ...] | None:
        """The unit keys of a receipt in the order that its parties signed, None when its draft was made elsewhere."""

    def consented(self, draft: bytes) -> Consent | None:
        """The struct of a draft."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What builders work with: who drafts, when (ms), the chain's state, earlier drafts, the key for goods keys."""

    entity: int
    now_ms: int
    book: Book
    archive: Archive
    goods_key: bytes


@dataclass(frozen=True, slots=True)
class Built:
    """A drafted act: the struct to sign, who must sign it in which order, and what goes with it.

    `required` of the `parties` must sign. `openings` are the documents that the struct commits to; the parties and the
    `readers` get them. `shared` are commitments of documents that the drafter has and the parties now get too; `extras`
    is what the call needs beside the struct.
    """

    consent: Consent
    parties: tuple[int, ...]
    required: int
    openings: Mapping[str, Opening] = field(default_factory=dict)
    shared: tuple[bytes, ...] = ()
    extras: Mapping[str, JsonValue] = field(default_factory=dict)
    readers: tuple[int, ...] = ()


def find(desk: Desk, kind: Kind, id_: str, wanted: type[ItemT], pointer: str) -> ItemT:
    """The item that a request names. Raises ProblemError invalid-request that points at the field."""
    item = desk.book.get(Key(kind, read_data(pointer, id_, 32)))
    if not isinstance(item, wanted):
        raise invalid(pointer, f"no such {kind.value} on the chain")
    return item


def document(content: Mapping[str, object], schema: str, pointer: str) -> Opening:
    """A document of a request, checked and sealed under a new salt. Raises ProblemError."""
    value = json_of(content)
    if value.get("schema") != schema:
        raise invalid(f"{pointer}/schema", f"must be {schema}")
    try:
        read(value)
        return seal(value)
    except DocumentError as error:
        place, _, rule = str(error).partition(": ")
        raise invalid(f"{pointer}/{place.replace('.', '/')}", rule or str(error)) from None


def json_of(content: Mapping[str, object]) -> dict[str, JsonValue]:
    """A parsed JSON object with its type; what is not JSON cannot come in by HTTP."""
    return dict(content)  # type: ignore[arg-type]


def invalid(pointer: str, rule: str) -> ProblemError:
    """The error that a field of the body breaks a rule; `pointer` without the leading #."""
    return ProblemError("invalid-request", f"{pointer}: {rule}", [FieldError(rule, pointer=f"#{pointer}")])
