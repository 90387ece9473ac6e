"""The packs on somebody else's chain, with fees: Foundry's anvil, whose headers are pinned in the trust file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.founding.enrolment import Funder
from api.runner.private import Elsewhere, private_stack
from api.runner.results import Outcome
from api.runner.run import Wish
from api.runner.settling import wait_for
from tests.go_tools import opinions
from tests.scenarios import kit
from tests.scenarios.altered import Storage, documented
from tests.scenarios.conftest import Undisturbed

pytestmark = pytest.mark.timeout(1200)
ANVIL = kit.ROOT / "node_modules" / ".bin" / "anvil"
# The first account of anvil's published test mnemonic.
PAYER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
GWEI = 10**9


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running anvil with a base fee of 1 gwei, and the key file of who pays there."""
    folder = tmp_path_factory.mktemp("anvil")
    key = folder / "payer.key"
    key.touch(mode=0o600)
    key.write_text(PAYER)
    log = (folder / "anvil.log").open("w+")
    process = subprocess.Popen(
        [str(ANVIL), "--port", "0", "--base-fee", str(GWEI)], stdout=log, stderr=subprocess.STDOUT, cwd=folder
    )
    try:
        yield wait_for(lambda: _address(folder / "anvil.log"), "anvil to listen", 60), key
    finally:
        process.kill()
        process.wait()
        log.close()


def _address(log: Path) -> str | None:
    lines = [line for line in log.read_text().splitlines() if line.startswith("Listening on ")]
    return "http://" + lines[0].split()[-1] if lines else None


@pytest.fixture(scope="module")
def elsewhere(node: tuple[str, Path]) -> Iterator[tuple[Path, Funder | None]]:
    with private_stack(Elsewhere(*node, finality=0)) as stack:
        yield stack


@pytest.fixture(scope="module")
def plant(elsewhere: tuple[Path, Funder | None], tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, str]:
    """The first pack on that chain, and the digest after it."""
    home, funder = elsewhere
    outcome = kit.perform(home, "pv-plant", tmp_path_factory.mktemp("pv-plant"), funder=funder)
    return outcome, kit.digest_of(home)


@pytest.fixture(scope="module")
def coils(elsewhere: tuple[Path, Funder | None], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The coils on the same chain, with another noise."""
    home, funder = elsewhere
    return kit.perform(home, "e-fence", tmp_path_factory.mktemp("e-fence"), Wish(seed=7), funder=funder)


@pytest.fixture(scope="module")
def storage(
    node: tuple[str, Path], elsewhere: tuple[Path, Funder | None], plant: tuple[Outcome, str], coils: Outcome
) -> Storage:
    """What that chain's storage has once both packs are played."""
    return Storage(node[0], elsewhere[0])


def test_the_plant_passes(plant: tuple[Outcome, str]) -> None:
    assert kit.failed(plant[0]) == []
    assert plant[0].engine == "external"


def test_the_digest_is_that_of_the_embedded_ledger(plant: tuple[Outcome, str], undisturbed: Undisturbed) -> None:
    assert plant[1] == undisturbed.digest


def test_bundles_verify_against_the_headers_that_the_trust_file_pins(
    plant: tuple[Outcome, str], node: tuple[str, Path]
) -> None:
    outcome = plant[0]
    assert outcome.trust is not None
    pinned = {pin["hash"] for pin in json.loads(outcome.trust.read_text())["pinned"]}
    with httpx.Client(base_url=node[0]) as chain:
        for bundle in outcome.bundles:
            number = json.loads(bundle.read_bytes())["header"]["number"]
            body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [number, False]}
            assert chain.post("", json=body).json()["result"]["hash"] in pinned


def test_the_command_exports_that_trust_file(
    plant: tuple[Outcome, str], elsewhere: tuple[Path, Funder | None], tmp_path: Path
) -> None:
    outcome = plant[0]
    assert outcome.trust is not None
    pins = [str(pin["number"]) for pin in json.loads(outcome.trust.read_text())["pinned"]]
    words = [word for pin in pins for word in ("--pin", pin)]
    exported = tmp_path / "trust.json"
    done = kit.cangdan("--home", str(elsewhere[0]), "trust", "export", "--out", str(exported), *words)
    assert done.returncode == 0, done.stderr
    assert exported.read_bytes() == outcome.trust.read_bytes()


def test_a_bundle_does_not_verify_against_the_headers_of_another_chain(
    plant: tuple[Outcome, str], undisturbed: Undisturbed
) -> None:
    done = kit.cangdan("verify", str(plant[0].bundles[0]), "--trust", str(undisturbed.outcome.trust))
    assert done.returncode == 1


def test_coils_and_another_noise(coils: Outcome) -> None:
    assert kit.failed(coils) == []
    assert kit.seen(coils, "actions on loan") == "alone-2 review x1, theft-1 hold x1"


def test_every_kind_of_field_of_the_storage_format_is_played_here(storage: Storage) -> None:
    format_ = documented()
    assert format_.bits - storage.bits == set()
    assert format_.names - storage.names == set()
    assert format_.contracts - {contract for contract, _ in storage.names} == set()


def test_the_replay_names_every_kind_of_field_that_somebody_alters(
    elsewhere: tuple[Path, Funder | None], storage: Storage
) -> None:
    home, _ = elsewhere
    with storage.altered():
        done = kit.cangdan("--home", str(home), "audit", "replay", "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)["differences"]
    assert {(each["contract"], each["id"], each["field"]) for each in found} == storage.places
    assert len(found) == len(storage.places)
    again = kit.cangdan("--home", str(home), "audit", "replay")
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("played", ["plant", "coils"])
def test_the_second_opinion_believes_them_too(
    plant: tuple[Outcome, str], coils: Outcome, second_opinion: str, played: str
) -> None:
    outcome = {"plant": plant[0], "coils": coils}[played]
    assert outcome.trust is not None
    assert set(opinions(second_opinion, outcome.trust, *outcome.bundles)) == {"ok"}


def test_the_command_plays_a_pack_there(node: tuple[str, Path], tmp_path: Path) -> None:
    rpc, key = node
    out = str(tmp_path / "out")
    done = kit.cangdan("scenario", "run", "double-pledge", "--rpc", rpc, "--funder", str(key), "--out", out, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["engine"] == "external"


def test_without_a_payer_the_command_says_what_is_missing(node: tuple[str, Path]) -> None:
    done = kit.cangdan("scenario", "run", "double-pledge", "--rpc", node[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "fund" in done.stderr.splitlines()[-1]
