"""The contract build: settings, sources, artifacts."""

import json
from pathlib import Path

import pytest

from ledger_node import build
from ledger_node.build import BuildError

ROOT = Path(__file__).parents[2]
CONFIG = """
project_structure:
  contracts: contracts
compiler:
  evm_version: london
  solc:
    version: 0.8.37
    optimizer: {enabled: true, runs: 200}
    viaIR: true
    remappings: ["@lib=node_modules/@lib"]
"""
STRUCTS = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
library BoxActs {
    uint8 internal constant OPEN = 1; // Opening
    uint8 internal constant SHUT = 2; // Opening
}
struct Part { uint64 size; }
struct Opening { bytes32 box; Part[] parts; }
interface IBox { event Opened(bytes32 indexed box); }
"""
BOX = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {IBox} from "./interfaces/IBox.sol";
import {Named} from "@lib/Named.sol";
abstract contract Half { function half() external virtual; }
contract Box is IBox, Named {
    mapping(bytes32 => uint256) boxes;
    function open(bytes32 box) external { boxes[box] = 1; emit Opened(box); }
}
"""
NAMED = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
contract Named { error Nameless(uint8 why); function refuse() external pure { revert Nameless(7); } }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "brownie-config.yaml": CONFIG,
        "contracts/Box.sol": BOX,
        "contracts/interfaces/IBox.sol": STRUCTS,
        "node_modules/@lib/Named.sol": NAMED,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    (tmp_path / "node_modules" / "solc").symlink_to(ROOT / "node_modules" / "solc")
    return tmp_path


def test_a_project_without_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"brownie-config.yaml: No such file"):
        build.read_settings(tmp_path)


@pytest.mark.parametrize("text", ["", "compiler: {}", CONFIG.replace("runs: 200", "steps: 200"), "a: [", "[]"])
def test_settings_that_lack_one_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "brownie-config.yaml").write_text(text)
    with pytest.raises(BuildError, match=r"brownie-config.yaml: "):
        build.read_settings(tmp_path)


def test_an_import_that_is_not_there_is_refused_by_name(project: Path) -> None:
    (project / "node_modules/@lib/Named.sol").unlink()
    with pytest.raises(BuildError, match=r"@lib/Named.sol: No such file"):
        build.compile_contracts(project)


def test_a_compiler_of_another_version_is_refused(project: Path) -> None:
    (project / "brownie-config.yaml").write_text(CONFIG.replace("0.8.37", "0.8.30"))
    with pytest.raises(BuildError, match=r"solc: is 0\.8\.37, brownie-config.yaml wants 0\.8\.30"):
        build.compile_contracts(project)


def test_a_binary_that_is_no_compiler_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLC_BINARY", "/nonexistent")
    with pytest.raises(BuildError, match="does not answer --version"):
        build.compile_contracts(project)


def test_a_contract_with_a_mistake_is_refused_with_the_compilers_words(project: Path) -> None:
    (project / "contracts/Box.sol").write_text(BOX.replace("emit Opened(box)", "emit Closed(box)"))
    with pytest.raises(BuildError, match="Undeclared identifier"):
        build.compile_contracts(project)


def test_artifacts_hold_deployable_contracts_and_the_types_beside_them(project: Path) -> None:
    artifacts = build.compile_contracts(project)
    assert sorted(artifacts) == ["Box.json", "types.json"]
    box = json.loads(artifacts["Box.json"])
    assert {each["name"] for each in box["abi"]} == {"open", "refuse", "Opened", "Nameless"}
    assert box["storageLayout"] == [{"label": "boxes", "slot": "0", "offset": 0, "type": "mapping(bytes32 => uint256)"}]
    assert json.loads(artifacts["types.json"]) == {
        "structs": {
            "Part": [{"name": "size", "type": "uint64"}],
            "Opening": [{"name": "box", "type": "bytes32"}, {"name": "parts", "type": "Part[]"}],
        },
        "constants": {"BoxActs": {"OPEN": 1, "SHUT": 2}},
        "acts": {
            "Box": {
                "library": "BoxActs",
                "acts": {"1": {"name": "OPEN", "struct": "Opening"}, "2": {"name": "SHUT", "struct": "Opening"}},
            }
        },
    }
    assert not any(str(project).encode() in text for text in artifacts.values())


def test_artifacts_of_contracts_that_are_gone_are_removed(project: Path) -> None:
    folder = build.write_artifacts(project, {"Box.json": b"{}\n", "Old.json": b"{}\n"})
    build.write_artifacts(project, {"Box.json": b"[]\n"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"Box.json": b"[]\n"}
