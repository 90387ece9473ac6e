"""The `cangdan` command as a person at a terminal meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "api.cli.main")


def cangdan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CANGDAN_HOME": str(home)}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize("arguments", [["fly"], ["status", "--fly"], ["status", "fly"], ["--home"]])
def test_wrong_use_is_one_line_with_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    result = cangdan(tmp_path, *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("cangdan: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_settings_that_cannot_be_read_are_wrong_use_and_named(tmp_path: Path) -> None:
    (tmp_path / "cangdan.toml").write_text("[ledger]\nprot = 1\n")
    result = cangdan(tmp_path, "status")
    assert result.returncode == 2
    assert result.stderr.startswith("cangdan: ledger.prot: Extra inputs are not permitted; mend it in ")


def test_an_oracle_that_runs_elsewhere_is_not_run_here(tmp_path: Path) -> None:
    account = "0x" + "11" * 20
    (tmp_path / "cangdan.toml").write_text(f"[[oracles]]\nname = 'north'\nport = 1\naccount = '{account}'\n")
    result = cangdan(tmp_path, "oracle", "run", "--name", "north")
    refused = (
        "cangdan: oracles.north.account: says that this oracle runs elsewhere; run it where its key_file or signer is\n"
    )
    assert (result.returncode, result.stderr) == (2, refused)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(("arguments", "offered"), [([], "status"), (["ledger"], "serve"), (["contracts"], "build")])
def test_without_a_verb_the_help_is_shown_and_the_use_is_wrong(
    tmp_path: Path, arguments: list[str], offered: str
) -> None:
    result = cangdan(tmp_path, *arguments)
    assert result.returncode == 2
    assert f"\n  {offered} " in result.stderr


def test_nothing_running_is_a_no(tmp_path: Path) -> None:
    result = cangdan(tmp_path, "status", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout) == {
        "home": str(tmp_path),
        "phase": "stopped",
        "pid": None,
        "error": "",
        "units": [],
        "index": None,
    }


def test_stopping_what_does_not_run_is_no_error_and_leaves_no_trace(tmp_path: Path) -> None:
    result = cangdan(tmp_path / "home", "down", "--json")
    assert (result.returncode, json.loads(result.stdout)) == (0, {"stopped": False})
    assert not (tmp_path / "home").exists()


def test_the_option_home_goes_before_the_variable(tmp_path: Path) -> None:
    result = cangdan(tmp_path / "variable", "--home", str(tmp_path / "option"), "status", "--json")
    assert json.loads(result.stdout)["home"] == str(tmp_path / "option")


def test_the_version_is_told(tmp_path: Path) -> None:
    result = cangdan(tmp_path, "--version")
    assert (result.returncode, result.stdout) == (0, "0.1.0\n")


def test_each_verb_has_a_page_of_help(tmp_path: Path) -> None:
    listed = cangdan(tmp_path, "--help").stdout.partition("Commands:")[2].splitlines()
    verbs = [line.split()[0] for line in listed if line.startswith("  ") and not line.startswith("   ")]
    assert {"up", "down", "status"} <= set(verbs)
    for verb in verbs:
        result = cangdan(tmp_path, verb, "--help")
        assert result.returncode == 0
        assert "Usage: cangdan" in result.stdout


def test_help_loads_nothing_heavy() -> None:
    heavy = ("web3", "eth", "fastapi", "sqlalchemy", "pydantic", "httpx", "cryptography")
    code = (
        "import sys; from api.cli.main import run; run(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stderr == "[]\n"
