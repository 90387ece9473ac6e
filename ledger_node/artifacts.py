"""The compiled contracts that ship with the product (contracts/artifacts, docs of `cangdan contracts build`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

TYPES_FILE = "types.json"
"""The artifact that holds what no contract's ABI does: structs, constants, and the structs of acts."""


class ArtifactMissing(LookupError):
    """No compiled contract has the name; the message says so."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: its interface, the code that creates it, the code that stays, and its storage layout."""

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    storage_layout: tuple[Mapping[str, Any], ...]


@cache
def names() -> tuple[str, ...]:
    """The names of all compiled contracts, in order."""
    found = (each.name for each in files("contracts").joinpath("artifacts").iterdir())
    return tuple(sorted(each.removesuffix(".json") for each in found if each.endswith(".json") and each != TYPES_FILE))


@cache
def artifact(name: str) -> Artifact:
    """The compiled contract of that name. Raises ArtifactMissing."""
    if name not in names():
        raise ArtifactMissing(f"no compiled contract is named {name}; run cangdan contracts build")
    document = json.loads(files("contracts").joinpath("artifacts", f"{name}.json").read_bytes())
    return Artifact(
        name=name,
        abi=tuple(document["abi"]),
        bytecode=bytes.fromhex(document["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(document["deployedBytecode"][2:]),
        storage_layout=tuple(document["storageLayout"]),
    )


@cache
def types() -> Mapping[str, Any]:
    """Structs, constants and acts beside the contracts (types.json)."""
    document: Mapping[str, Any] = json.loads(files("contracts").joinpath("artifacts", TYPES_FILE).read_bytes())
    return document
