"""The packs on the validators: one on the suite's product, one by the command; and the first on an embedded ledger."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.runner.private import private_stack
from api.runner.results import Outcome
from tests.qbft.validators import Network
from tests.scenarios import kit

PACK, COMMANDED = "pv-plant", "double-pledge"


@dataclass(frozen=True, slots=True)
class Story:
    """What came of them, and the digests of the same pack here and on an embedded ledger."""

    plant: Outcome
    digest: str
    embedded_digest: str
    commanded: dict[str, Any]


def played(network: Network, product: Path, folder: Path) -> Story:
    """Play one after the other: each is a product of eight processes."""
    plant = kit.perform(product, PACK, folder / PACK)
    digest = kit.digest_of(product)
    words = ("--rpc", network.nodes[1].station.rpc, "--out", str(folder / COMMANDED), "--json")
    done = kit.cangdan("scenario", "run", COMMANDED, *words, seconds=900)
    assert done.stdout, done.stderr
    with private_stack() as (home, _):
        assert kit.failed(kit.perform(home, PACK, folder / "embedded")) == []
        embedded = kit.digest_of(home)
    return Story(plant, digest, embedded, json.loads(done.stdout))
