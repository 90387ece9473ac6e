"""The packs on the validators: one on the suite's product, another one by the command on a product of its own."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from api.runner.results import Outcome
from tests.qbft.validators import Network
from tests.scenarios import kit

PACK, COMMANDED = "pv-plant", "double-pledge"


@dataclass(frozen=True, slots=True)
class Story:
    """What came of them, and the digest after the first."""

    plant: Outcome
    digest: str
    commanded: dict[str, Any]


def played(network: Network, product: Path, folder: Path) -> Story:
    """Play both at once: what takes long is waiting for blocks."""
    with ThreadPoolExecutor(1) as beside:
        commanded = beside.submit(_command, network.nodes[1].rpc, folder / COMMANDED)
        plant = kit.perform(product, PACK, folder / PACK)
        digest = kit.digest_of(product)
        done = commanded.result()
    assert done.stdout, done.stderr
    return Story(plant, digest, json.loads(done.stdout))


def _command(rpc: str, out: Path) -> CompletedProcess[str]:
    return kit.cangdan("scenario", "run", COMMANDED, "--rpc", rpc, "--out", str(out), "--json", seconds=900)
