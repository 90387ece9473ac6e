"""The validators, one network for the whole suite, and a product on it. Left out where no executable is named."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.runner.private import private_stack
from tests.qbft.engines import VARIABLE, Binary, binary_of
from tests.qbft.story import Story, played
from tests.qbft.validators import Network, Node, running_network

BINARY = os.environ.get(VARIABLE, "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.timeout(1800))
    if here and not BINARY:
        why = f"{VARIABLE} names no executable of GoQuorum or Besu"
        warnings.warn(f"{len(here)} tests are left out: {why}", pytest.PytestWarning, stacklevel=1)
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


@pytest.fixture(scope="session")
def binary() -> Binary:
    """The executable that is named."""
    return binary_of(BINARY)


@pytest.fixture(scope="session")
def network(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Four validators, each the peer of every other one."""
    with running_network(binary, tmp_path_factory.mktemp("validators")) as network:
        yield network


@pytest.fixture(scope="session")
def product(network: Network) -> Iterator[Path]:
    """The state directory of a running product whose node is the first validator."""
    with private_stack(network.elsewhere(0)) as (home, _):
        yield home


@pytest.fixture(scope="session")
def story(network: Network, product: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Packs, played while all validators run."""
    return played(network, product, tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="session")
def late(network: Network, story: Story) -> Node:
    """The node that comes with nothing but the genesis, when it has all blocks."""
    network.start(network.late)
    network.wait_for_block(network.nodes[0].head, network.late)
    return network.late
