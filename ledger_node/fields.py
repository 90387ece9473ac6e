"""Members of the project's JSON files: exactly those that a format has, numbers within its bounds."""

from collections.abc import Mapping, Sequence
from typing import Any


def exact_fields(path: str, value: object, names: Sequence[str], error: type[Exception]) -> Mapping[str, Any]:
    """`value` as an object with exactly the members `names`. Raises `error`, naming member and rule."""
    if not isinstance(value, Mapping):
        raise error(f"{path}: must be an object")
    for name in names:
        if name not in value:
            raise error(f"{path}.{name}: is missing")
    for name in value:
        if name not in names:
            raise error(f"{path}.{name}: is unknown")
    return value


def integer_within(path: str, value: object, low: int, high: int, error: type[Exception]) -> int:
    """`value` as an integer from `low` to `high`. Raises `error`, naming member and bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise error(f"{path}: must be an integer between {low} and {high}")
    return value
