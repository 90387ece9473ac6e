"""Compiling the contracts: brownie-config.yaml in, contracts/artifacts/NAME.json out, the same bytes on any machine.

Sources are named as they are imported, never by where they lie, so neither artifacts nor code hashes hold a path.
The compiler is the binary that SOLC_BINARY names, or the version that py-solc-x has installed, or the npm package
behind tools/solc.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import solcx
import yaml
from packaging.version import Version
from solcx.exceptions import SolcError, SolcNotInstalled

from ledger_node import canonical_json
from ledger_node.artifacts import TYPES_FILE
from ledger_node.canonical_json import JsonValue

CONFIG = "brownie-config.yaml"
_IMPORT = re.compile(r'^\s*import\s+(?:[^"\';]*?\sfrom\s+)?["\']([^"\']+)["\']\s*;', re.MULTILINE)
_LIBRARY = re.compile(r"^library\s+(\w+Acts)\s*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_ACT = re.compile(r"constant\s+(\w+)\s*=\s*(\d+)\s*;\s*//\s*(\w+)")
_INTERFACE = re.compile(r"^I(\w+)\.sol$")


class BuildError(Exception):
    """The contracts cannot be compiled; the message names the cause."""


@dataclass(frozen=True, slots=True)
class CompilerSettings:
    """What brownie-config.yaml says; `remappings` are pairs of an import's beginning and a folder."""

    sources: str
    version: str
    evm_version: str
    optimizer: bool
    runs: int
    via_ir: bool
    remappings: tuple[tuple[str, str], ...]


def read_settings(root: Path) -> CompilerSettings:
    """The settings in `root`/brownie-config.yaml. Raises BuildError when one is missing."""
    try:
        document = yaml.safe_load((root / CONFIG).read_text("utf-8"))
        compiler = document["compiler"]
        solc = compiler["solc"]
        pairs = [str(each).partition("=") for each in solc["remappings"]]
        return CompilerSettings(
            sources=str(document["project_structure"]["contracts"]),
            version=str(solc["version"]),
            evm_version=str(compiler["evm_version"]),
            optimizer=bool(solc["optimizer"]["enabled"]),
            runs=int(solc["optimizer"]["runs"]),
            via_ir=bool(solc["viaIR"]),
            remappings=tuple((beginning, folder) for beginning, _, folder in pairs),
        )
    except OSError as error:
        raise BuildError(f"{CONFIG}: {error.strerror}") from None
    except yaml.YAMLError:
        raise BuildError(f"{CONFIG}: is not YAML") from None
    except (KeyError, TypeError, ValueError) as error:
        raise BuildError(f"{CONFIG}: a compiler setting is missing or ill-formed: {error}") from None


def read_sources(root: Path, settings: CompilerSettings) -> dict[str, str]:
    """Every contract of the project and what they import, by the name of import. Raises BuildError."""
    folder = root / settings.sources
    waiting = sorted(f"{settings.sources}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*.sol"))
    if not waiting:
        raise BuildError(f"{settings.sources}: holds no contract")
    sources: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        try:
            sources[name] = _located(root, settings, name).read_text("utf-8")
        except OSError as error:
            raise BuildError(f"{name}: {error.strerror}") from None
        waiting += [_imported(name, target) for target in _IMPORT.findall(sources[name])]
    return dict(sorted(sources.items()))


def find_compiler(root: Path, settings: CompilerSettings) -> Path:
    """The path of a compiler of the pinned version. Raises BuildError that says how to get one."""
    if binary := os.environ.get("SOLC_BINARY"):
        found = Path(binary)
    elif Version(settings.version) in solcx.get_installed_solc_versions():
        found = Path(solcx.install.get_executable(settings.version))
    elif (root / "node_modules" / "solc").is_dir():
        found = root / "tools" / "solc"
    else:
        raise BuildError("no solc: set SOLC_BINARY, install one through py-solc-x, or run npm ci")
    try:
        version = solcx.wrapper.get_solc_version(found)
    except (OSError, SolcError, SolcNotInstalled):
        raise BuildError("solc: the binary does not answer --version") from None
    if version.base_version != settings.version:
        raise BuildError(f"solc: is {version.base_version}, {CONFIG} wants {settings.version}")
    return found


def compile_contracts(root: Path) -> dict[str, bytes]:
    """The artifacts by file name: one for each deployable contract, and types.json. Raises BuildError."""
    settings = read_settings(root)
    sources = read_sources(root, settings)
    request: dict[str, Any] = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {
            "optimizer": {"enabled": settings.optimizer, "runs": settings.runs},
            "viaIR": settings.via_ir,
            "evmVersion": settings.evm_version,
            "outputSelection": {
                f"{name}": {
                    "": ["ast"],
                    "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"],
                }
                for name in sources
                if name.startswith(f"{settings.sources}/")
            },
        },
    }
    try:
        output = solcx.compile_standard(request, solc_binary=find_compiler(root, settings))
    except SolcError as error:
        raise BuildError(f"solc: {error.message}") from None
    artifacts = {
        f"{name}.json": _artifact(name, contract, settings)
        for name, contract in _deployable(output, settings.sources).items()
    }
    return {**artifacts, TYPES_FILE: _types(output, sources, settings.sources)}


def write_artifacts(root: Path, artifacts: Mapping[str, bytes]) -> Path:
    """Write the artifacts below the contracts of `root`, remove those of contracts that are gone; the folder."""
    folder = root / read_settings(root).sources / "artifacts"
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.json"):
        if stale.name not in artifacts:
            stale.unlink()
    for name, text in artifacts.items():
        (folder / name).write_bytes(text)
    return folder


def _located(root: Path, settings: CompilerSettings, name: str) -> Path:
    for beginning, folder in settings.remappings:
        if name.startswith(beginning):
            return root / (folder + name.removeprefix(beginning))
    return root / name


def _imported(importer: str, target: str) -> str:
    """The name of an imported source: relative ones are resolved against the importer, as solc does."""
    if not target.startswith("."):
        return target
    parts = importer.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _deployable(output: Mapping[str, Any], sources: str) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for source, nodes in _project_nodes(output, sources):
        for node in nodes:
            if node["nodeType"] != "ContractDefinition" or node["contractKind"] != "contract" or node["abstract"]:
                continue
            if node["name"] in found:
                raise BuildError(f"{source}: a second contract is named {node['name']}")
            found[node["name"]] = output["contracts"][source][node["name"]]
    return dict(sorted(found.items()))


def _project_nodes(output: Mapping[str, Any], sources: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    return [
        (source, output["sources"][source]["ast"]["nodes"])
        for source in sorted(output["sources"])
        if source.startswith(f"{sources}/")
    ]


def _artifact(name: str, contract: Mapping[str, Any], settings: CompilerSettings) -> bytes:
    layout = contract["storageLayout"]
    types = layout["types"] or {}
    return _file(
        {
            "contractName": name,
            "abi": contract["abi"],
            "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
            "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
            "storageLayout": [
                {
                    "label": each["label"],
                    "slot": each["slot"],
                    "offset": each["offset"],
                    "type": types[each["type"]]["label"],
                }
                for each in layout["storage"]
            ],
            "compiler": {
                "version": settings.version,
                "evmVersion": settings.evm_version,
                "optimizer": settings.optimizer,
                "runs": settings.runs,
                "viaIR": settings.via_ir,
            },
        }
    )


def _types(output: Mapping[str, Any], sources: Mapping[str, str], folder: str) -> bytes:
    structs: dict[str, JsonValue] = {}
    constants: dict[str, JsonValue] = {}
    acts: dict[str, JsonValue] = {}
    for source, nodes in _project_nodes(output, folder):
        for node in nodes:
            if node["nodeType"] == "StructDefinition":
                structs[node["name"]] = [
                    {"name": each["name"], "type": _type_name(each["typeDescriptions"]["typeString"])}
                    for each in node["members"]
                ]
            elif numbers := _numbers(node):
                constants[node["name"]] = numbers
        interface = _INTERFACE.match(source.rsplit("/", 1)[-1])
        for library, body in _LIBRARY.findall(sources[source]):
            if interface:
                acts[interface[1]] = {
                    "library": library,
                    "acts": {number: {"name": act, "struct": struct} for act, number, struct in _ACT.findall(body)},
                }
    return _file({"structs": structs, "constants": constants, "acts": acts})


def _numbers(definition: Mapping[str, Any]) -> dict[str, JsonValue]:
    """The whole-number constants of a library; one that has anything else counts as code."""
    numbers: dict[str, JsonValue] = {}
    if definition.get("contractKind") != "library":
        return {}
    for node in definition["nodes"]:
        value = node.get("value") or {}
        if node["nodeType"] != "VariableDeclaration" or not str(value.get("value", "")).isdigit():
            return {}
        numbers[node["name"]] = int(value["value"])
    return numbers


def _type_name(described: str) -> str:
    """`struct Condition[]` as the ABI and EIP-712 name it; enums and contracts do not stand in structs here."""
    return described.removeprefix("struct ")


def _file(value: object) -> bytes:
    return canonical_json.dumps(value) + b"\n"
