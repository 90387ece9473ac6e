"""The packs on a real network: what came of them is what comes of them anywhere, and signers vouch for the proof."""

import json
from pathlib import Path

import pytest

from api.founding.enrolment import Funder
from tests.go_tools import opinions
from tests.network.clique import Network
from tests.network.story import Story
from tests.scenarios import kit


@pytest.fixture(scope="session")
def trust(
    story: Story, product: tuple[Path, Funder | None], network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The trust in the signers, as a node's headers give them."""
    file = tmp_path_factory.mktemp("trust") / "trust.json"
    words = ("trust", "export", "--genesis", str(network.genesis), "--out", str(file))
    done = kit.cangdan("--home", str(product[0]), *words)
    assert done.returncode == 0, done.stderr
    return file


def test_the_plant_passes(story: Story) -> None:
    assert kit.failed(story.plant) == []
    assert story.plant.engine == "external"


@pytest.mark.parametrize("pack", ["e-fence", "double-pledge"])
def test_the_command_plays_a_pack_there(story: Story, pack: str) -> None:
    result = story.commands[pack]
    assert [step for step in result["steps"] if not step["ok"]] == []
    assert (result["passed"], result["engine"]) == (True, "external")


def test_the_digest_is_that_of_every_chain(story: Story) -> None:
    assert story.digest == kit.PLANT_DIGEST


def test_bundles_verify_down_to_the_signatures_of_the_signers(story: Story, trust: Path) -> None:
    assert json.loads(trust.read_bytes())["engine"] == "clique"
    for bundle in (story.plant.bundles[0], story.plant.bundles[-1]):
        done = kit.cangdan("verify", str(bundle), "--trust", str(trust))
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_block_on_which_too_few_signers_built_is_not_believed(story: Story, trust: Path, tmp_path: Path) -> None:
    bundle = json.loads(story.plant.bundles[0].read_bytes())
    del bundle["after"][-1]
    short = tmp_path / "short.json"
    short.write_text(json.dumps(bundle, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    done = kit.cangdan("verify", str(short), "--trust", str(trust))
    assert done.returncode == 1
    assert "header" in done.stdout


def test_the_second_opinion_believes_all_of_them(story: Story, trust: Path, second_opinion: str) -> None:
    assert set(opinions(second_opinion, trust, *story.plant.bundles)) == {"ok"}
