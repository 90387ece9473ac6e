"""`cangdan verify` and `cangdan audit`: exit codes, one line a step, JSON."""

import json
from pathlib import Path

import pytest

from api.cli.main import run
from ledger_node.canonical_json import dumps
from ledger_node.trust import dump_trust
from tests.registry.bundles import Bundles


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    made = Bundles.make(tmp_path_factory.mktemp("bundles"))
    made.watch.consortium.close()
    return made


@pytest.fixture
def files(bundles: Bundles, tmp_path: Path) -> Path:
    (tmp_path / "trust.json").write_bytes(dump_trust(bundles.trust))
    (tmp_path / "bundle.json").write_bytes(bundles.texts["receipt"])
    (tmp_path / "answer.json").write_bytes(dumps(bundles.answers["receipt"]))
    return tmp_path


def test_a_missing_file_is_wrong_use(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(files / "none.json"), "--trust", str(files / "trust.json")]) == 2
    assert run(["verify", str(files / "bundle.json"), "--trust", str(files / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_failing_step_is_named_and_ends_with_1(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads((files / "bundle.json").read_text())
    value["records"][-1]["transitions"].pop()
    (files / "bundle.json").write_bytes(dumps(value))
    assert run(["verify", str(files / "bundle.json"), "--trust", str(files / "trust.json"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["failed"]) == (False, "history")


def test_an_answer_that_is_not_proved_ends_with_1(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads((files / "answer.json").read_text())
    answer["data"]["owner"] = 1
    (files / "answer.json").write_bytes(dumps(answer))
    arguments = ["verify", str(files / "bundle.json"), "--trust", str(files / "trust.json")]
    assert run([*arguments, "--answer", str(files / "answer.json")]) == 1
    assert "FAIL  answer        answer.data.owner: is not what the bundle proves" in capsys.readouterr().out


def test_a_whole_bundle_ends_with_0_and_a_line_a_step(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify", str(files / "bundle.json"), "--trust", str(files / "trust.json")]
    assert run([*arguments, "--answer", str(files / "answer.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [
        "format", "trust", "header", "state", "claim", "documents", "complete", "answer",
    ]  # fmt: skip
    assert lines[-1].startswith("proved: at block")
