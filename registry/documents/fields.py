"""The strict field types that documents share, with the rule each one states."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}\Z")
_USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(rf"[{_USCC_LETTERS}]{{18}}\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_UNIT = re.compile(r"[A-Z0-9]{2,3}\Z")
_DIGEST = re.compile(r"0x[0-9a-f]{64}\Z")


class Strict(BaseModel):
    """A part of a document: camelCase keys, exact types, no unknown key, not changeable."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, validate_by_alias=True,
        validate_by_name=False, serialize_by_alias=True,
    )  # fmt: skip


def is_lei(text: str) -> bool:
    """Whether a text is a Legal Entity Identifier with right check digits (ISO 17442, mod 97-10)."""
    return bool(_LEI.match(text)) and int("".join(str(int(char, 36)) for char in text)) % 97 == 1


def is_uscc(text: str) -> bool:
    """Whether a text is a 统一社会信用代码 with right check letter (GB 32100)."""
    if not _USCC.match(text):
        return False
    total = sum(_USCC_LETTERS.index(char) * pow(3, at, 31) for at, char in enumerate(text[:17]))
    return _USCC_LETTERS[(31 - total % 31) % 31] == text[17]


def _legal_id(text: str) -> str:
    if not (is_lei(text) or is_uscc(text)):
        raise ValueError("must be an LEI or a 统一社会信用代码 with a right check digit")
    return text


def _date(text: str) -> str:
    if len(text) != 10:
        raise ValueError("must be a date YYYY-MM-DD")
    date.fromisoformat(text)
    return text


def _time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None or "T" not in text:
        raise ValueError("must be a time with its offset (RFC 3339)")
    return text


def _form(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def validate(text: str) -> str:
        if not pattern.match(text):
            raise ValueError(rule)
        return text

    return AfterValidator(validate)


Text = Annotated[str, Field(min_length=1, max_length=400)]
LongText = Annotated[str, Field(min_length=1, max_length=20_000)]
LegalId = Annotated[str, AfterValidator(_legal_id)]
Date = Annotated[str, AfterValidator(_date)]
Time = Annotated[str, AfterValidator(_time)]
Digest = Annotated[str, _form(_DIGEST, "must be 0x and 64 lower-case hexadecimal digits")]
Currency = Annotated[str, _form(_CURRENCY, "must be three capital letters (ISO 4217)")]
Unit = Annotated[str, _form(_UNIT, "must be a UN/ECE Recommendation 20 unit code")]
Whole = Annotated[int, Field(ge=0, le=2**53 - 1)]
Positive = Annotated[int, Field(ge=1, le=2**53 - 1)]
Bps = Annotated[int, Field(ge=0, le=10_000)]


class Money(Strict):
    """An amount in whole minor units of a currency."""

    minor: Whole
    currency: Currency


class Party(Strict):
    """A legal person: name, address and LEI or 统一社会信用代码."""

    name: Text
    id: LegalId
    address: Text
