"""Several requests in one (JSON-RPC 2.0, section 6): whether all were answered, or were too many at once. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AT_ONCE = 100
"""So many requests are put to a node together; nodes take a thousand by default."""
LIMIT_EXCEEDED = -32005
"""JSON-RPC's "limit exceeded" (EIP-1474)."""
_LONG = ("result", "range", "block", "logs")
"""Words of nodes that say with the code of too many requests that an answer would be too long."""
_TOO_MUCH = ("too large", "too big", "too long", "too many results", "size", "batch", "timed out", "timeout", "maximum")


@dataclass(frozen=True, slots=True)
class Call:
    """One request among several."""

    method: str
    params: tuple[object, ...] = ()


def is_over_limit(error: object) -> bool:
    """Whether a node has had too many requests; some say with the same code that an answer would be too long."""
    if not isinstance(error, Mapping) or error.get("code") != LIMIT_EXCEEDED:
        return False
    return not any(word in str(error.get("message", "")).lower() for word in _LONG)


def is_too_much(error: object) -> bool:
    """Whether an error says that less should be asked for at once, in the words of nodes: no code is agreed for it."""
    if not isinstance(error, Mapping):
        return False
    text = str(error.get("message", "")).lower()
    return any(word in text for word in _TOO_MUCH)


def in_order(told: object, count: int) -> list[Mapping[str, Any]] | None:
    """The answers to so many requests, whose identifiers rise; None when these are not the answers to all of them."""
    if not isinstance(told, Sequence) or len(told) != count or not all(isinstance(each, Mapping) for each in told):
        return None
    places = [each.get("id") for each in told]
    if not all(type(each) is int for each in places) or len(set(places)) < count:
        return None
    return sorted(told, key=lambda each: int(each["id"]))
