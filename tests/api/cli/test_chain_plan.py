"""`cangdan chain plan` and `node-key`: wrong use, all files or none, keys that stay where they are made."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import run
from ledger_node.secp256k1 import address_of, public_key_of
from tests.ledger_node.networks.plans import document, with_one
from tests.ledger_node.networks.test_qbft import sealed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "plan.json").write_text(json.dumps(document()))
    return tmp_path / "plan.json"


def planned(file: Path, *more: object) -> int:
    return run(["chain", "plan", *(str(each) for each in (file, *more))])


def written(folder: Path, text: str) -> Path:
    file = folder / "node.key"
    file.write_bytes(text.encode())
    file.chmod(0o600)
    return file


def contents(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_a_plan_that_breaks_a_rule_is_wrong_use(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(json.dumps(with_one(1, host="a b\x1b[2J")))
    assert planned(file, "--out", tmp_path / "network") == 2
    assert capsys.readouterr().err.startswith(f"cangdan: {file}: plan.validators[1].host: must be an IP address")
    assert planned(tmp_path / "none.json", "--out", tmp_path / "network") == 2
    assert not (tmp_path / "network").exists()


def test_another_engine_is_wrong_use(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(file, "--out", tmp_path / "network", "--engine", "geth") == 2
    assert capsys.readouterr().err == "cangdan: --engine: geth is none of besu, goquorum\n"


def test_a_folder_that_holds_something_is_left_as_it_is(file: Path, tmp_path: Path) -> None:
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "node.key").write_text("kept")
    assert planned(file, "--out", tmp_path / "network") == 2
    assert planned(file, "--out", file) == 2
    assert contents(tmp_path) == {"plan.json": file.read_bytes(), "network/node.key": b"kept"}


@pytest.mark.parametrize("out", [".", "", "..", "/", "link"])
def test_the_folder_that_it_runs_in_or_one_above_is_wrong_use(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "link").symlink_to(here)
    monkeypatch.chdir(here)
    assert planned(file, "--out", tmp_path / "link" if out == "link" else out) == 2
    refused = "must not be the folder that this command runs in, or one above it; give a new or empty folder in it"
    assert capsys.readouterr().err.endswith(f": {refused}\n")
    assert here.samefile(".")
    assert contents(tmp_path) == {"plan.json": file.read_bytes()}


def test_a_place_where_nothing_can_be_written_is_named(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / ("n" * 250)
    assert planned(file, "--out", out) == 2
    assert capsys.readouterr().err.startswith(f"cangdan: --out {out}: File name too long; give a new or empty folder")


def test_the_same_plan_gives_the_same_bytes_in_a_new_or_an_empty_folder(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in ("new/network", "empty"):
        assert planned(file, "--out", tmp_path / out) == 0
    assert contents(tmp_path / "empty") == contents(tmp_path / "new" / "network")
    assert len(contents(tmp_path / "empty")) == 10


def test_the_result_says_what_members_compare(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(file, "--out", tmp_path / "network", "--engine", "goquorum", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    genesis = (tmp_path / "network" / "genesis.json").read_bytes()
    assert told["genesisSha256"] == hashlib.sha256(genesis).hexdigest()
    assert told["genesisHash"] == sealed(json.loads(genesis), 0).head["hash"]
    assert (told["engine"], told["chainId"], told["seals"], told["mayFail"]) == ("goquorum", 7, 3, 1)
    assert told["files"] == sorted(contents(tmp_path / "network"))
    assert {each["enode"] for each in told["validators"]} == set(
        json.loads((tmp_path / "network" / "static-nodes.json").read_bytes())
    )
    assert planned(file, "--out", tmp_path / "again", "--engine", "goquorum") == 0
    assert f"SHA-256 of genesis.json: {told['genesisSha256']}\n" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["besu", "goquorum"])
def test_headers_of_the_chain_are_verified_by_its_genesis_file(file: Path, tmp_path: Path, engine: str) -> None:
    network = tmp_path / "network"
    assert planned(file, "--out", network, "--engine", engine) == 0
    chain = sealed(json.loads((network / "genesis.json").read_bytes()), 3)
    (tmp_path / "headers.json").write_bytes(chain.file())
    words = ["chain", "verify-headers", str(tmp_path / "headers.json"), "--trust", str(network / "genesis.json")]
    assert run(words) == 0


def test_a_key_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "node.key").write_text("kept")
    assert run(["chain", "node-key", "--out", str(tmp_path / "node.key")]) == 2
    assert "a key is never replaced" in capsys.readouterr().err
    assert (tmp_path / "node.key").read_text() == "kept"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kept",
        "ab" * 31,
        "ab" * 33,
        "00" * 32,
        "ff" * 32,
        " " + "ab" * 32,
        "ab" * 32 + "\n\n",
        '{"version": 3}',
        "é" * 32,
    ],
)
def test_a_file_that_holds_no_key_of_a_node_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = written(tmp_path, text)
    assert run(["chain", "node-key", "--of", str(file)]) == 2
    said = capsys.readouterr().err
    assert said == f"cangdan: --of {file}: is no key of a node, 64 hexadecimal digits; give the file of a node's key\n"
    assert file.read_text() == text


def test_a_key_that_is_open_to_others_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "ab" * 32)
    file.chmod(0o640)
    assert run(["chain", "node-key", "--of", str(file)]) == 2
    assert "node.key: is open to group or others; run chmod 600" in capsys.readouterr().err
    assert run(["chain", "node-key", "--of", str(tmp_path / "none.key")]) == 2
    assert "none.key: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("both", [True, False])
def test_a_key_is_either_made_or_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str], both: bool) -> None:
    file = written(tmp_path, "ab" * 32)
    words = ["--of", str(file), "--out", str(tmp_path / "new.key")] if both else []
    assert run(["chain", "node-key", *words]) == 2
    assert "give either --out, for a new key, or --of, for one that is there" in capsys.readouterr().err
    assert not (tmp_path / "new.key").exists()


@pytest.mark.parametrize("text", ["ab" * 32, "0x" + "AB" * 32, "ab" * 32 + "\n", "0x" + "ab" * 32 + "\r\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_the_public_key_of_a_file_is_told_again_and_the_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, mode: int
) -> None:
    file = written(tmp_path, text)
    file.chmod(mode)
    before = file.stat()
    assert run(["chain", "node-key", "--of", str(file), "--json"]) == 0
    said = capsys.readouterr()
    key = bytes.fromhex("ab" * 32)
    assert json.loads(said.out)["publicKey"] == "0x" + public_key_of(key).hex()
    assert json.loads(said.out)["address"].lower() == "0x" + address_of(key).hex()
    assert key.hex() not in (said.out + said.err).lower()
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ino) == (before.st_mode, before.st_mtime_ns, before.st_ino)
    assert file.read_bytes() == text.encode()


def test_what_was_told_of_a_new_key_is_told_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chain", "node-key", "--out", str(tmp_path / "node.key")]) == 0
    first = capsys.readouterr().out
    assert run(["chain", "node-key", "--of", str(tmp_path / "node.key")]) == 0
    assert capsys.readouterr().out == first


def test_only_the_public_key_and_its_address_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "node.key"
    assert run(["chain", "node-key", "--out", str(written), "--json"]) == 0
    said = capsys.readouterr()
    told: dict[str, Any] = json.loads(said.out)
    key = bytes.fromhex(written.read_text().strip())
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert told["publicKey"] == "0x" + public_key_of(key).hex()
    assert told["address"].lower() == "0x" + address_of(key).hex()
    assert key.hex() not in said.out + said.err


def test_a_key_that_was_made_goes_into_a_plan(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chain", "node-key", "--out", str(tmp_path / "node.key"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    file.write_text(json.dumps(with_one(0, publicKey=told["publicKey"])))
    assert planned(file, "--out", tmp_path / "network", "--json") == 0
    validators = json.loads(capsys.readouterr().out)["validators"]
    assert told["address"] in [each["address"] for each in validators]
