"""Objects of the project's JSON files: exactly the members that their format has."""

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
