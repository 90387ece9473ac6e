"""The tests of the contracts are Solidity: forge runs them against contracts/artifacts."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ledger_node import build

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FORGE = ROOT / "node_modules" / ".bin" / "forge"
ERROR = re.compile(r"^\s*error (\w+)\(", re.MULTILINE)


@pytest.fixture(scope="module")
def ran() -> subprocess.CompletedProcess[str]:
    assert FORGE.exists(), "forge is missing: run npm ci"
    profile = {"FOUNDRY_PROFILE": "deep"} if os.environ.get("CANGDAN_DEEP") else {}
    environment = {**os.environ, **profile}
    return subprocess.run([FORGE, "test", "--json"], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def results(ran: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The outcome of each test by its file's name."""
    start = ran.stdout.find("{")
    assert start >= 0, f"forge said nothing:\n{ran.stdout}\n{ran.stderr}"
    suites = json.loads(ran.stdout[start:].splitlines()[0])
    return {Path(name.partition(":")[0]).name: suite["test_results"] for name, suite in suites.items()}


@pytest.mark.timeout(3600)
def test_every_solidity_test_passes(ran: subprocess.CompletedProcess[str], results: dict[str, dict[str, Any]]) -> None:
    failed = [
        f"{file} {name}: {outcome['reason']}"
        for file, outcomes in results.items()
        for name, outcome in outcomes.items()
        if outcome["status"] != "Success"
    ]
    assert not failed, "\n".join(failed)
    assert ran.returncode == 0, f"{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"


def test_no_solidity_test_file_runs_empty(results: dict[str, dict[str, Any]]) -> None:
    assert sorted(file for file, outcomes in results.items() if outcomes) == sorted(
        path.name for path in HERE.glob("*.t.sol")
    )
    assert sum(map(len, results.values())) >= 200


def test_every_custom_error_is_expected_by_a_test() -> None:
    declared = {name for path in (ROOT / "contracts").rglob("*.sol") for name in ERROR.findall(path.read_text())}
    expected = set(re.findall(r"\.(\w+)\.selector", "".join(path.read_text() for path in HERE.rglob("*.sol"))))
    assert declared, "no custom error found"
    assert sorted(declared - expected) == []


def test_forge_follows_the_compiler_settings_of_the_build() -> None:
    settings = build.read_settings(ROOT)
    forge_settings = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    assert forge_settings["evm_version"] == settings.evm_version
    assert forge_settings["solc"] == "tools/solc"
    package = json.loads((ROOT / "package.json").read_text())
    assert package["devDependencies"]["solc"] == settings.version
