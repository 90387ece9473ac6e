"""Packs on live validators: what came of them is what comes of them anywhere, and the seals vouch for the proof."""

import json
from pathlib import Path

import pytest

from ledger_node import canonical_json
from ledger_node.consensus.qbft import quorum
from tests.go_tools import opinions
from tests.qbft.headers import extra, with_seals
from tests.qbft.story import Story
from tests.qbft.validators import VALIDATORS, Network
from tests.scenarios import kit


@pytest.fixture(scope="module")
def trust(story: Story, product: Path, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trust in the validators, as a node's headers give them from the genesis file on."""
    file = tmp_path_factory.mktemp("trust") / "trust.json"
    words = ("trust", "export", "--genesis", str(network.genesis), "--out", str(file))
    done = kit.cangdan("--home", str(product), *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(file.read_bytes())["engine"] == "qbft"
    return file


@pytest.fixture(scope="module")
def short(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose header has one seal less than are needed."""
    bundle = json.loads(story.plant.bundles[0].read_bytes())
    few = extra(bundle["header"]).seals[: quorum(VALIDATORS) - 1]
    bundle["header"] = with_seals(bundle["header"], few)
    file = tmp_path_factory.mktemp("short") / "short.json"
    file.write_bytes(canonical_json.dumps(bundle))
    return file


def test_the_plant_passes(story: Story) -> None:
    assert kit.failed(story.plant) == []
    assert story.plant.engine == "external"


def test_the_command_plays_a_pack_there(story: Story) -> None:
    assert [step for step in story.commanded["steps"] if not step["ok"]] == []
    assert (story.commanded["passed"], story.commanded["engine"]) == (True, "external")


def test_the_digest_is_that_of_every_chain(story: Story) -> None:
    assert story.digest == kit.PLANT_DIGEST


def test_the_replay_equals_the_nodes_storage(story: Story, product: Path) -> None:
    done = kit.cangdan("--home", str(product), "audit", "replay")
    assert done.returncode == 0, done.stdout + done.stderr


def test_bundles_verify_down_to_the_seals_of_the_validators(story: Story, trust: Path) -> None:
    for bundle in story.plant.bundles:
        done = kit.cangdan("verify", str(bundle), "--trust", str(trust))
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_block_that_too_few_sealed_is_not_believed(short: Path, trust: Path) -> None:
    done = kit.cangdan("verify", str(short), "--trust", str(trust))
    assert done.returncode == 1
    assert "seals" in done.stdout


def test_the_second_opinion_agrees(story: Story, short: Path, trust: Path, second_opinion: str) -> None:
    assert set(opinions(second_opinion, trust, *story.plant.bundles)) == {"ok"}
    assert opinions(second_opinion, trust, short) == ["header"]
