"""`cangdan scenario run PACK --json` as a script sees it: the published fields, the failing step, exit code 1."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.scenarios import kit

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The second pledge is left out, and a state is expected that does not come.

    The caller's own product has settings in the environment, with which no private stack would start.
    """
    folder = tmp_path_factory.mktemp("changed")
    pack = kit.copied("double-pledge", folder, edit=lambda p: p["expect"]["states"][1].update(equals="delivered"))
    out = str(folder / "out")
    words = ("scenario", "run", str(pack), "--omit", "second-pledge", "--out", out, "--json")
    return kit.cangdan(*words, CANGDAN_LEDGER__RPC_URL="http://127.0.0.1:1", CANGDAN_ORACLES="[]")


def test_a_changed_expectation_ends_with_one(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, done.stderr


def test_the_result_has_the_published_fields_and_no_other(done: subprocess.CompletedProcess[str]) -> None:
    result = json.loads(done.stdout)
    assert list(result) == ["scenario", "engine", "passed", "steps", "bundles", "answers", "trust"]
    assert all(list(step) == ["name", "expected", "observed", "ok", "tx"] for step in result["steps"])
    assert (result["scenario"], result["engine"], result["passed"]) == ("double-pledge", "embedded", False)


def test_the_failing_step_is_named_with_both_sides(done: subprocess.CompletedProcess[str]) -> None:
    failing = [step for step in json.loads(done.stdout)["steps"] if not step["ok"]]
    expected = {"name": "lot: status", "expected": '"delivered"', "observed": '"active"', "ok": False, "tx": None}
    assert failing == [expected]


def test_acts_name_their_transactions(done: subprocess.CompletedProcess[str]) -> None:
    acts = {step["name"]: step["tx"] for step in json.loads(done.stdout)["steps"] if step["expected"] == "final"}
    assert set(acts) == {"issue", "pledge"}
    assert all(tx is not None and len(tx) == 66 for tx in acts.values())


def test_files_of_the_result_verify_when_the_stack_is_gone(done: subprocess.CompletedProcess[str]) -> None:
    result = json.loads(done.stdout)
    [bundle], [answer] = result["bundles"], result["answers"]
    again = kit.cangdan("verify", bundle, "--trust", result["trust"], "--answer", answer)
    assert again.returncode == 0, again.stdout
    assert Path(bundle).name == "lot.bundle.json"
