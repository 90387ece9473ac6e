"""The state words of records: what 256 bits of a record, or of a pledge, say (docs/formats/ledger.md, "Words").

Each class has the bit layout of one kind of word. `unpack` refuses a word that has a bit outside its layout,
so a word has exactly one meaning and `pack(unpack(word)) == word`.
"""

from functools import cache
from struct import Struct
from typing import Any, ClassVar, Self

from ledger_node.values import Value, Wide

Span = tuple[int, int]
"""First and last bit of a field, bit 0 the least significant."""
SEQ: Span = (128, 159)
"""Where every word keeps its record's number of transitions."""
_LETTERS = {8: "B", 16: "H", 32: "I", 64: "Q"}


class WordError(ValueError):
    """A word or a field breaks the layout; the message names the field and the rule."""


class Word(Value, frozen=True):
    """What all words share: packing by `LAYOUT`, one span for each field."""

    LAYOUT: ClassVar[dict[str, Span]]

    def pack(self) -> int:
        """The word as a number below 2**256. Raises WordError when a field does not fit its span."""
        word = 0
        for name, (low, high) in self.LAYOUT.items():
            value: int = getattr(self, name)
            if not 0 <= value < 1 << high - low + 1:
                raise WordError(f"{type(self).__name__}.{name}: does not fit bits {low} to {high}")
            word |= value << low
        return word

    @classmethod
    def unpack(cls, word: int) -> Self:
        """The fields of a word. Raises WordError for a number over 256 bits or a bit that no field has."""
        if not 0 <= word < 1 << 256:
            raise WordError(f"{cls.__name__}: a word has 256 bits")
        kind: Any = cls
        form, spare, wide = _form(kind)
        if rest := word & spare:
            raise WordError(f"{cls.__name__}: bit {rest.bit_length() - 1} belongs to no field and must be 0")
        values: list[Any] = list(form.unpack(word.to_bytes(32, "little")))
        for at in wide:
            values[at] = Wide.from_bytes(values[at], "little")
        return cls(*values)


@cache
def _form(kind: type[Word]) -> tuple[Struct, int, tuple[int, ...]]:
    """How a word's bytes, the lowest first, are unpacked; the bits of no field; which fields come as bytes."""
    form, used, end, wide = "<", 0, 0, list[int]()
    assert kind.__struct_fields__ == tuple(kind.LAYOUT)
    for at, (low, high) in enumerate(kind.LAYOUT.values()):
        size = high - low + 1
        if size not in _LETTERS:
            wide.append(at)
        form += f"{(low - end) // 8}x{_LETTERS.get(size, f'{size // 8}s')}"
        used |= (1 << size) - 1 << low
        end = high + 1
    return Struct(f"{form}{(256 - end) // 8}x"), ~used & (1 << 256) - 1, tuple(wide)


class ReceiptWord(Word, frozen=True):
    """A receipt (ReceiptRegistry). `quantity` is in whole base units; `ordinal` counts the pledges ever made."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "owner": (0, 31), "keeper": (32, 63), "holds": (64, 95), "status": (96, 103), "live_pledges": (104, 111),
        "ordinal": (112, 127), "seq": SEQ, "profile": (160, 175), "quantity": (176, 239), "flags": (240, 255),
    }  # fmt: skip
    owner: int
    keeper: int
    holds: int
    status: int
    live_pledges: int
    ordinal: int
    seq: int
    profile: int
    quantity: int
    flags: int


class EntityWord(Word, frozen=True):
    """An entity (ParticipantRegistry). `revoked_before` is in milliseconds."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "kind": (0, 7), "status": (8, 15), "accounts": (16, 31), "group": (32, 63), "revoked_before": (64, 127),
        "seq": SEQ,
    }  # fmt: skip
    kind: int
    status: int
    accounts: int
    group: int
    revoked_before: int
    seq: int


class FleetWord(Word, frozen=True):
    """An entity's devices (DeviceRegistry)."""

    LAYOUT: ClassVar[dict[str, Span]] = {"epoch": (0, 31), "devices": (32, 63), "revoked": (64, 95), "seq": SEQ}
    epoch: int
    devices: int
    revoked: int
    seq: int


class FacilityWord(Word, frozen=True):
    """A facility (CreditBook). `holds` has one bit a rule; `limit_factor` is in basis points."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "lender": (0, 31), "borrower": (32, 63), "holds": (64, 95), "status": (96, 103), "rules": (104, 111),
        "instalments": (112, 127), "seq": SEQ, "panel": (160, 175), "draws": (176, 191), "limit_factor": (192, 207),
        "deferred": (208, 223),
    }  # fmt: skip
    lender: int
    borrower: int
    holds: int
    status: int
    rules: int
    instalments: int
    seq: int
    panel: int
    draws: int
    limit_factor: int
    deferred: int


class ReviewWord(Word, frozen=True):
    """A review (ReviewBoard); `action` opened it. `deadline`, `decided_at`: seconds of chain time; `reason`: its first
    8 bytes."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "panel": (0, 15), "rule": (16, 23), "status": (24, 31), "verdict": (32, 39), "action": (40, 47),
        "deadline": (64, 127), "seq": SEQ, "reason": (160, 223), "decided_at": (224, 255),
    }  # fmt: skip
    panel: int
    rule: int
    status: int
    verdict: int
    action: int
    deadline: int
    seq: int
    reason: int
    decided_at: int


class CoverWord(Word, frozen=True):
    """An insurance cover (CoverBook)."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "insurer": (0, 31), "insured": (32, 63), "status": (96, 103), "open_claims": (104, 111), "claims": (112, 127),
        "seq": SEQ,
    }  # fmt: skip
    insurer: int
    insured: int
    status: int
    open_claims: int
    claims: int
    seq: int


class PledgeWord(Word, frozen=True):
    """A pledge (PledgeRegistry). `receipt_tag` is the first 12 bytes of the receipt's id, as a number."""

    LAYOUT: ClassVar[dict[str, Span]] = {
        "pledgee": (0, 31), "pledgor": (32, 63), "status": (96, 103), "rank": (104, 111), "ordinal": (112, 127),
        "seq": SEQ, "receipt_tag": (160, 255),
    }  # fmt: skip
    pledgee: int
    pledgor: int
    status: int
    rank: int
    ordinal: int
    seq: int
    receipt_tag: Wide


def seq_of(word: int) -> int:
    """The number of transitions that any record's word counts."""
    return word >> SEQ[0] & 0xFFFFFFFF
