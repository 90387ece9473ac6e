"""`cangdan chain verify-headers`: exit codes, the header and step named, the checkpoint kept and never lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import run
from benchmarks.headers import clique_chain, qbft_chain, validators_bundle
from ledger_node.canonical_json import dumps
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import verify_headers
from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.provider import chain_in_directory
from ledger_node.embedded.rpc.formats import block_json
from ledger_node.genesis import dump_genesis
from ledger_node.headers import read_header
from ledger_node.trust import Engine, Trust, dump_trust
from tests.ledger_node.consensus.chains import CliqueChain, QbftChain, drop, other_digit
from tests.ledger_node.vectors import QBFT

DATA = Path(__file__).parents[2] / "data" / "qbft_4_to_5.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "genesis.json").write_text(json.dumps(QBFT["genesis"]))
    return tmp_path


def headers(folder: Path, blocks: list[dict[str, Any]]) -> str:
    file = folder / "headers.json"
    file.write_text(json.dumps({"headers": blocks}))
    return str(file)


def verify(*arguments: object) -> int:
    return run(["chain", "verify-headers", *(str(each) for each in arguments)])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_files_that_cannot_be_used_are_wrong_use(folder: Path) -> None:
    trust = folder / "genesis.json"
    assert verify(folder / "none.json", "--trust", trust) == 2
    assert verify(DATA, "--trust", folder / "none.json") == 2
    assert verify(DATA) == 2
    assert verify(DATA, "--trust", trust, "--consensus", "ibft") == 2
    assert verify(DATA, "--trust", trust, "--consensus", "clique") == 2
    (folder / "checkpoint.json").write_text("{}")
    assert verify(DATA, "--trust", trust, "--checkpoint", folder / "checkpoint.json") == 2


def test_validators_by_contract_are_refused_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    genesis = json.loads((folder / "genesis.json").read_text())
    genesis["config"]["qbft"] |= {"validatorcontractaddress": "0x" + "01" * 20, "validatorselectionmode": "contract"}
    (folder / "genesis.json").write_text(json.dumps(genesis))
    assert verify(DATA, "--trust", folder / "genesis.json") == 2
    assert "validators are chosen by a contract" in capsys.readouterr().err


def test_the_first_header_that_fails_is_named_with_its_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [dict(block) for block in QBFT["headers"]]
    blocks[14] = other_digit(blocks[14], "stateRoot", 5)
    del blocks[20]
    file = headers(folder, blocks)
    assert verify(file, "--trust", folder / "genesis.json") == 1
    assert capsys.readouterr().out.startswith("refused: header 14, block 14: seals: ")
    assert verify(file, "--trust", folder / "genesis.json", "--json") == 1
    found = told(capsys)
    assert (found["ok"], found["checked"]) == (False, 14)
    assert (found["failed"]["header"], found["failed"]["number"], found["failed"]["step"]) == (14, 14, "seals")


@pytest.mark.parametrize("trust", ["genesis.json", str(DATA)])
@pytest.mark.parametrize("consensus", [[], ["--consensus", "qbft"]])
def test_live_headers_hold(folder: Path, capsys: pytest.CaptureFixture[str], trust: str, consensus: list[str]) -> None:
    assert verify(DATA, "--trust", folder / trust, "--json", *consensus) == 0
    found = told(capsys)
    assert (found["ok"], found["consensus"], found["checked"], found["final"]) == (True, "qbft", 26, 25)
    assert found["last"]["hash"] == QBFT["headers"][25]["hash"]
    assert found["validators"] == QBFT["validators_from_block"]["12"]


def test_a_checkpoint_goes_on_only_when_all_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = folder / "checkpoint.json"
    options = ["--trust", folder / "genesis.json", "--checkpoint", kept]
    blocks = QBFT["headers"]
    assert verify(headers(folder, [*blocks[:9], blocks[8]]), *options) == 1
    assert not kept.exists()
    assert verify(headers(folder, blocks[:10]), *options) == 0
    at_9 = kept.read_bytes()
    assert json.loads(at_9)["block"]["number"] == "0x9"
    assert verify(headers(folder, blocks[11:]), *options) == 1
    assert verify(headers(folder, [*blocks[10:15], blocks[3]]), *options) == 1
    assert kept.read_bytes() == at_9
    assert verify(headers(folder, blocks[10:]), *options) == 0
    at_25 = kept.read_bytes()
    assert verify(headers(folder, blocks[:10]), *options) == 1
    assert verify(headers(folder, blocks), *options) == 0
    assert kept.read_bytes() == at_25
    assert sorted(each.name for each in folder.iterdir()) == ["checkpoint.json", "genesis.json", "headers.json"]


def test_a_verdict_is_given_although_the_checkpoint_cannot_be_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = folder / "none" / "checkpoint.json"
    assert verify(DATA, "--trust", folder / "genesis.json", "--checkpoint", kept, "--json") == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"]
    assert f"--checkpoint {kept}: No such file or directory" in said.err


def test_no_checkpoint_is_written_when_the_last_validator_has_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, kept = QbftChain(1), folder / "checkpoint.json"
    (folder / "genesis.json").write_bytes(chain.genesis_file())
    chain.rounds(1).seal(vote=drop(1))
    assert verify(headers(folder, chain.blocks), "--trust", folder / "genesis.json", "--checkpoint", kept) == 0
    assert "block 2 leaves nobody to seal the next one" in capsys.readouterr().err
    assert not kept.exists()


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "-0x5", 5, None])
def test_a_number_that_is_none_is_not_told(
    folder: Path, capsys: pytest.CaptureFixture[str], number: str | int | None
) -> None:
    blocks = [*QBFT["headers"][:5], {**QBFT["headers"][5], "number": number}]
    assert verify(headers(folder, blocks), "--trust", folder / "genesis.json", "--json") == 1
    found = told(capsys)
    assert (found["failed"]["header"], found["failed"]["number"], found["failed"]["step"]) == (5, None, "format")
    assert (found["checked"], found["last"]["number"], found["final"]) == (5, 4, 4)


def test_the_name_of_an_unknown_field_forges_no_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "\ud800\x1b[2J\n26 headers hold"
    blocks = [{**QBFT["headers"][0], name: 1}]
    assert verify(headers(folder, blocks), "--trust", folder / "genesis.json") == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "\\ud800\\x1b[2J\\n26 headers hold: is unknown" in said
    assert verify(headers(folder, blocks), "--trust", folder / "genesis.json", "--json") == 1
    assert name in told(capsys)["failed"]["says"]


def test_an_older_checkpoint_does_not_hide_what_the_trust_file_knows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain, fork = QbftChain(1, 2, 3, 4).rounds(8), QbftChain(1, 2, 3, 4).rounds(2)
    for _ in range(8):
        fork.seal(gasUsed="0x1")
    (folder / "genesis.json").write_bytes(chain.genesis_file())
    kept, genesis = folder / "checkpoint.json", folder / "genesis.json"
    assert verify(headers(folder, chain.blocks[:3]), "--trust", genesis, "--checkpoint", kept) == 0
    at_2 = kept.read_bytes()
    rules = read_genesis(chain.genesis_file())
    followed = verify_headers(chain.file(), rules).followed
    trust = Trust(Engine.QBFT, 7, rules.genesis_hash, rules=rules, checkpoint=followed)
    (folder / "trust.json").write_bytes(dump_trust(trust))
    options = ["--trust", folder / "trust.json", "--checkpoint", kept]
    for blocks in (fork.blocks[3:], fork.blocks, chain.blocks[:8]):
        assert verify(headers(folder, blocks), *options) == 1
    assert kept.read_bytes() == at_2
    assert verify(headers(folder, chain.rounds(1).blocks), *options) == 0
    astray = ["--checkpoint", folder / "astray.json"]
    assert verify(headers(folder, fork.blocks), "--trust", genesis, *astray) == 0
    assert verify(headers(folder, fork.blocks), "--trust", folder / "trust.json", *astray) == 1
    arguments = ["verify", DATA, "--trust", folder / "trust.json", "--checkpoint", folder / "old.json"]
    (folder / "old.json").write_bytes(at_2)
    assert run([str(each) for each in arguments]) == 2
    assert "is before block 8 of the trust file" in capsys.readouterr().err


def test_clique_headers_hold_up_to_the_final_block(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = CliqueChain(1, 2, 3, 4, epoch=5).rounds(12)
    (folder / "genesis.json").write_bytes(chain.genesis_file())
    assert verify(headers(folder, chain.blocks), "--trust", folder / "genesis.json", "--json") == 0
    found = told(capsys)
    assert (found["consensus"], found["last"]["number"], found["final"]) == ("clique", 12, 9)


def embedded_blocks(chain: EmbeddedChain) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(block_json(chain.store.block_by_number(number), None))) for number in range(4)]


def bare_of(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "seal"}


def test_an_embedded_ledgers_headers_hold_with_their_seals(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = chain_in_directory(folder / "ledger")
    for _ in range(3):
        chain.seal()
    blocks = embedded_blocks(chain)
    (folder / "genesis.json").write_bytes(dump_genesis(chain.genesis))
    chain.close()
    trust = ["--trust", folder / "genesis.json"]
    assert verify(headers(folder, blocks), *trust, "--consensus", "embedded") == 0
    own = Trust(Engine.EMBEDDED, chain.genesis.chain_id, read_header(bare_of(blocks[0])).hash(), chain.genesis.sealer)
    (folder / "trust.json").write_bytes(dump_trust(own))
    assert verify(headers(folder, blocks), "--trust", folder / "trust.json") == 0
    (folder / "trust.json").write_bytes(dump_trust(replace(own, sealer=b"\x01" * 20)))
    assert verify(headers(folder, blocks), "--trust", folder / "trust.json") == 1
    (folder / "trust.json").write_bytes(dump_trust(replace(own, engine=Engine.PINNED, sealer=None)))
    assert verify(headers(folder, blocks), "--trust", folder / "trust.json") == 2
    for number, name in ((2, "seal"), (0, "seal"), (3, "stateRoot"), (1, "miner"), (2, "gasLimit")):
        spoilt = [*blocks[:number], other_digit(blocks[number], name, 7), *blocks[number + 1 :]]
        assert verify(headers(folder, spoilt), *trust) == 1, (number, name)
    bare = [bare_of(block) for block in blocks]
    capsys.readouterr()
    assert verify(headers(folder, bare), *trust) == 1
    assert "header 0, block 0: format: header.seal" in capsys.readouterr().out
    assert verify(headers(folder, [*blocks[:2], blocks[3]]), *trust) == 1


@pytest.mark.parametrize("name", ["qbft", "clique"])
def test_a_light_client_goes_on_from_its_trust_file_and_believes_a_bundle_by_its_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    rules, chain = {"qbft": qbft_chain, "clique": clique_chain}[name](0)
    trust, text = validators_bundle(name, rules, chain[0])
    (folder / "trust.json").write_bytes(dump_trust(trust))
    bundle = json.loads(text)
    kept, options = folder / "checkpoint.json", ["--trust", folder / "trust.json"]
    file = headers(folder, bundle["before"])
    assert verify(file, *options, "--checkpoint", kept) == 0
    del bundle["before"]
    (folder / "bundle.json").write_bytes(dumps(bundle))
    arguments = ["verify", str(folder / "bundle.json"), "--trust", str(folder / "trust.json"), "--checkpoint"]
    capsys.readouterr()
    assert run([*arguments, str(kept)]) == 0
    last = int(json.loads(kept.read_bytes())["block"]["number"], 16) - (3 if name == "clique" else 0)
    assert f"validators known at block {last}" in capsys.readouterr().out
    assert run([*arguments, str(folder / "none.json")]) == 2
    (folder / "trust.json").write_bytes(dump_trust(replace(trust, genesis_hash=bytes(32))))
    assert run([*arguments, str(kept)]) == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--consensus", "qbft"],
        ["--checkpoint", "checkpoint.json"],
        ["--genesis", "genesis.json", "--pin", "1"],
        ["--genesis", "genesis.json", "--consensus", "clique"],
        ["--genesis", "genesis.json", "--consensus", "embedded"],
        ["--genesis", "none.json"],
    ],
)
def test_options_of_an_export_that_do_not_go_together_are_wrong_use(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(folder)
    assert run(["trust", "export", *options]) == 2
