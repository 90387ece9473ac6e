"""The packs side by side on one network: each on a product of its own, with a signer and a payer of its own."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.founding.enrolment import Funder
from api.runner.results import Outcome
from tests.network.clique import FINALITY, Network
from tests.scenarios import kit


@dataclass(frozen=True, slots=True)
class Story:
    """What came of the packs, and the digest after the first one."""

    plant: Outcome
    digest: str
    commands: dict[str, dict[str, Any]]
    """What the command said of the other packs, and the folders that it wrote to."""
    folder: Path


def played(network: Network, product: tuple[Path, Funder | None], folder: Path) -> Story:
    """Play everything at once: what takes long is waiting for blocks."""
    with ThreadPoolExecutor(3) as side_by_side:
        others = {
            name: side_by_side.submit(_by_command, network, place, name, folder / name)
            for place, name in enumerate(("e-fence", "double-pledge"), start=1)
        }
        plant = kit.perform(product[0], "pv-plant", folder / "pv-plant", funder=product[1])
        digest = kit.digest_of(product[0])
        return Story(plant, digest, {name: each.result() for name, each in others.items()}, folder)


def _by_command(network: Network, place: int, name: str, out: Path) -> dict[str, Any]:
    chain = network.elsewhere(place)
    words = ("--rpc", chain.rpc, "--funder", str(chain.funder), "--finality", str(FINALITY), "--out", str(out))
    done = kit.cangdan("scenario", "run", name, *words, "--json", seconds=900)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
