"""`cangdan contracts`; how they are compiled is tested with the build itself."""

import json
import subprocess
from pathlib import Path

from ledger_node import keys
from ledger_node.embedded.launch import running_ledger
from ledger_node.trust import load_trust
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


def test_the_shipped_artifacts_and_bindings_are_those_of_the_sources() -> None:
    result = subprocess.run([*COMMAND, "contracts", "build", "--check"], capture_output=True, text=True, timeout=250)
    assert (result.returncode, result.stdout) == (0, "up to date\n"), result.stdout + result.stderr


def test_deploying_without_a_node_says_what_to_start(tmp_path: Path) -> None:
    keys.new_passphrase(tmp_path / "passphrase")
    keys.LocalSigner.generate().save(tmp_path / "key.json", tmp_path / "passphrase", keys.WORK_OF_GENERATED)
    files = ["--key", str(tmp_path / "key.json"), "--passphrase-file", str(tmp_path / "passphrase")]
    result = cangdan(tmp_path, "contracts", "deploy", *files, "--rpc", "http://127.0.0.1:1")
    assert result.returncode == 1
    cause, mend = (
        "node http://127.0.0.1:1 does not answer: connection error",
        "start the node, or give its address with --rpc",
    )
    assert result.stderr == f"cangdan: {cause}; {mend}\n"


def test_asking_for_addresses_before_a_deployment_says_what_to_run(tmp_path: Path) -> None:
    result = cangdan(tmp_path, "contracts", "addresses")
    assert result.returncode == 1
    assert result.stderr.endswith("; run cangdan contracts deploy\n")


def test_contracts_are_deployed_once_and_a_trust_file_names_them(tmp_path: Path) -> None:
    keys.new_passphrase(tmp_path / "passphrase")
    keys.LocalSigner.generate().save(tmp_path / "key.json", tmp_path / "passphrase", keys.WORK_OF_GENERATED)
    files = ["--key", str(tmp_path / "key.json"), "--passphrase-file", str(tmp_path / "passphrase")]
    with running_ledger(tmp_path / "ledger") as ledger:
        deploy = ["contracts", "deploy", *files, "--rpc", ledger.http, "--json"]
        first = cangdan(tmp_path, *deploy)
        assert first.returncode == 0, first.stderr
        assert cangdan(tmp_path, *deploy).stdout == first.stdout
        assert json.loads(cangdan(tmp_path, "contracts", "addresses", "--json").stdout) == json.loads(first.stdout)
        out = tmp_path / "trust.json"
        exported = cangdan(tmp_path, "trust", "export", "--rpc", ledger.http, "--out", str(out))
        assert exported.returncode == 0, exported.stderr
    trust = load_trust(out)
    assert trust.sealer == ledger.genesis.sealer
    assert {each.name for each in trust.contracts} == set(json.loads(first.stdout)["contracts"])
