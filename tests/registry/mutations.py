"""Changes of a bundle's JSON: each leaf changed, each member left out."""

import copy
from collections.abc import Iterator
from typing import Any

Json = Any
Path = tuple[Any, ...]


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every leaf with its path."""
    for name, each in _members(value):
        yield from leaves(each, (*path, name)) if isinstance(each, dict | list) else [((*path, name), each)]


def branches(value: Json, path: Path = ()) -> Iterator[Path]:
    """The path of every member of an object or list, however deep."""
    for name, each in _members(value):
        yield (*path, name)
        yield from branches(each, (*path, name))


def changed(leaf: Json) -> Json:
    """Another value of the same form."""
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, int):
        return leaf + 1
    if leaf is None:
        return 0
    if leaf.startswith("0x") and len(leaf) > 2:
        last = leaf[-1]
        return leaf[:-1] + ("1" if last == "0" else "0" if len(leaf) > 3 or last != "1" else "2")
    return "0x01" if leaf == "0x" else leaf + "x" if not leaf.isdigit() else str(int(leaf) + 1)


def put(value: Json, path: Path, leaf: Json) -> Json:
    """A copy with another leaf at a path."""
    made = copy.deepcopy(value)
    _parent(made, path)[path[-1]] = leaf
    return made


def without(value: Json, path: Path) -> Json:
    """A copy without the member at a path."""
    made = copy.deepcopy(value)
    del _parent(made, path)[path[-1]]
    return made


def _parent(value: Json, path: Path) -> Json:
    for part in path[:-1]:
        value = value[part]
    return value


def _members(value: Json) -> Iterator[tuple[Any, Json]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
