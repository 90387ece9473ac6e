"""Goods keys: one keyed tag for one storage position or one physical unit, however its label was typed.

A key string is canonical, so that spacing, case, width and leading zeros cannot make one thing look like two; its
tag is HMAC-SHA-256 under the consortium's key, because a plain hash of guessable fields can be searched
(docs/formats/documents.md, "Goods keys").
"""

import hmac
import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from ledger_node.hashing import keccak256

KEY_BYTES = 32
_KEY_LABEL = b"cangdan/goods-key/1\n"
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_LONGEST = 120


class GoodsError(ValueError):
    """A label of goods breaks a rule; the message names the field and the rule."""


class UnitKind(StrEnum):
    """The kinds of unit labels that are free of the place, with the form each must have."""

    RFID = "rfid"
    HEAT = "heat"
    EAR_TAG = "ear-tag"
    SERIAL = "serial"
    CONTAINER = "container"
    VIN = "vin"


_FORMS: dict[UnitKind, tuple[re.Pattern[str], str]] = {
    UnitKind.RFID: (re.compile(r"[0-9A-F]{16,64}\Z"), "16 to 64 hexadecimal digits"),
    UnitKind.HEAT: (re.compile(r"\w{3,60}\Z"), "3 to 60 letters or digits"),
    UnitKind.EAR_TAG: (re.compile(r"[0-9]{12,15}\Z"), "12 to 15 digits (ISO 11784)"),
    UnitKind.SERIAL: (re.compile(r"\w{3,60}\Z"), "3 to 60 letters or digits"),
    UnitKind.CONTAINER: (re.compile(r"[A-Z]{4}[0-9]{7}\Z"), "4 letters and 7 digits (ISO 6346)"),
    UnitKind.VIN: (re.compile(r"[A-HJ-NPR-Z0-9]{17}\Z"), "17 letters or digits without I, O, Q (ISO 3779)"),
}


def position_string(keeper: str, place: Sequence[str]) -> str:
    """The canonical string of a storage position: the keeper's LEI or USCC, then the parts of the place in order.

    Each part is cut into runs of letters and of digits, so "A-01", "a 1" and "A1" are one place, while "1-11" and
    "11-1" stay two. Raises GoodsError.
    """
    if not place:
        raise GoodsError("place: must have at least one part")
    parts = [_tokens(part, f"place[{at}]") for at, part in enumerate(place)]
    return _bounded(f"position:{_plain(keeper, 'keeper')}:{'/'.join(parts)}", "place")


def unit_string(kind: UnitKind, label: str, maker: str = "") -> str:
    """The canonical string of a physical unit; `maker` (LEI or USCC) is demanded of heat and serial numbers.

    Separators are dropped, since a unit that differs only by a dash is the same unit. Raises GoodsError.
    """
    text = _plain(label, "label")
    pattern, form = _FORMS[kind]
    if not pattern.match(text):
        raise GoodsError(f"label: a unit of kind {kind.value} has {form}")
    own_space = kind in (UnitKind.HEAT, UnitKind.SERIAL)
    if own_space != bool(maker):
        raise GoodsError(f"maker: {'is demanded of' if own_space else 'does not belong to'} kind {kind.value}")
    middle = f":{_plain(maker, 'maker')}" if own_space else ""
    return _bounded(f"unit:{kind.value}{middle}:{text}", "label")


def goods_key(consortium_key: bytes, canonical: str) -> bytes:
    """The 32-byte tag of a canonical string: HMAC-SHA-256 under the consortium's 32-byte key. Raises GoodsError."""
    if len(consortium_key) != KEY_BYTES:
        raise GoodsError(f"consortium key: must have {KEY_BYTES} bytes")
    return hmac.digest(consortium_key, canonical.encode(), "sha256")


def goods_key_hash(consortium_key: bytes) -> bytes:
    """Keccak-256 that shows which key is the consortium's and not what it is: the key has 32 random bytes."""
    return keccak256(_KEY_LABEL + consortium_key)


def unit_keys_hash(keys: Sequence[bytes]) -> bytes:
    """`unitKeysHash` of an issue: keccak256 of the 32-byte unit keys one after the other."""
    if any(len(key) != KEY_BYTES for key in keys):
        raise GoodsError("unit keys: each must have 32 bytes")
    return keccak256(b"".join(keys))


def _plain(text: str, field: str) -> str:
    kept = "".join(char for char in _normal(text) if char.isalnum())
    if not kept:
        raise GoodsError(f"{field}: must hold a letter or a digit")
    return kept


def _tokens(text: str, field: str) -> str:
    tokens = [token.lstrip("0") or "0" if token.isdigit() else token for token in _TOKEN.findall(_normal(text))]
    if not tokens:
        raise GoodsError(f"{field}: must hold a letter or a digit")
    return "-".join(tokens)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _bounded(text: str, field: str) -> str:
    if len(text) > _LONGEST:
        raise GoodsError(f"{field}: the key string may have {_LONGEST} characters")
    return text
