"""How packs write durations, times and numbers (pure)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")


def duration_ms(text: str) -> int:
    """Milliseconds of an ISO 8601 duration of days, hours, minutes, seconds. Raises ValueError for anything else."""
    found = _DURATION.match(text)
    if found is None or text in ("P", "PT"):
        raise ValueError(f"{text!r} is not an ISO 8601 duration of days, hours, minutes and seconds")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def time_ms(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time. Raises ValueError when it has no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return int(moment.astimezone(UTC).timestamp() * 1000)


def scaled(text: str, exp10: int) -> int:
    """The decimal `text` as an integer count of 10^exp10, half to even. Raises ValueError when it is no number."""
    try:
        number = Decimal(text)
        return int(number.scaleb(-exp10).to_integral_value(rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"{text!r} is not a number") from error
