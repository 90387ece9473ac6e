"""`cangdan contracts`; how they are compiled is tested with the build itself."""

import json
import subprocess
from pathlib import Path

from tests.api.cli.test_main import COMMAND, cangdan


def test_a_contract_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    result = cangdan(tmp_path, "contracts", "abi", "Registry")
    assert result.returncode == 1
    assert result.stderr.startswith("cangdan: no contract is called 'Registry'; there are ")
    assert "ReceiptRegistry" in result.stderr


def test_building_away_from_the_source_says_where_to_build(tmp_path: Path) -> None:
    result = subprocess.run([*COMMAND, "contracts", "build"], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert result.returncode == 1
    assert result.stderr.endswith("run it in the root of the project's source\n")


def test_an_interface_is_printed_as_json(tmp_path: Path) -> None:
    result = cangdan(tmp_path, "contracts", "abi", "ReceiptRegistry")
    assert {"type", "name"} <= set(json.loads(result.stdout)[-1])
