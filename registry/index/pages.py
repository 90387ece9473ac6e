"""Pages: a part of a list with the opaque cursor of the part after it."""

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_LIMIT = 500


class CursorError(ValueError):
    """A cursor is not one that this list gave out."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and the cursor of what comes after; None at the end."""

    items: tuple[T, ...]
    next: str | None


def write_cursor(first: int, second: bytes) -> str:
    """The cursor after a row with these sort keys."""
    return base64.urlsafe_b64encode(first.to_bytes(8, "big") + second).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, bytes]:
    """The sort keys in a cursor. Raises CursorError."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CursorError("cursor: is not one of this list") from None
    if len(raw) < 8 or raw[0] >= 0x80:
        raise CursorError("cursor: is not one of this list")
    return int.from_bytes(raw[:8], "big"), raw[8:]


def read_place(cursor: str) -> tuple[int, int]:
    """The block and the place in it in a cursor. Raises CursorError."""
    block, place = read_cursor(cursor)
    if len(place) != 4 or place[0] >= 0x80:
        raise CursorError("cursor: is not one of this list")
    return block, int.from_bytes(place, "big")


def check_limit(limit: int) -> None:
    """Raises CursorError for a page size that no list has."""
    if not 1 <= limit <= MAX_LIMIT:
        raise CursorError(f"limit: must lie between 1 and {MAX_LIMIT}")
