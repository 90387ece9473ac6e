"""The network, one for the whole suite, and a product that runs on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.founding.enrolment import Funder
from api.runner.private import private_stack
from tests.go_tools import GETH, built, give_time
from tests.network.clique import Network, running_network
from tests.network.story import Story, played


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.timeout(1800))
    give_time(here, GETH, "geth")


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Four signers, each the peer of every other one."""
    with running_network(built(GETH, "geth"), tmp_path_factory.mktemp("network")) as network:
        yield network


@pytest.fixture(scope="session")
def product(network: Network) -> Iterator[tuple[Path, Funder | None]]:
    """A running product whose node is signer 0."""
    with private_stack(network.elsewhere(0)) as stack:
        yield stack


@pytest.fixture(scope="session")
def story(network: Network, product: tuple[Path, Funder | None], tmp_path_factory: pytest.TempPathFactory) -> Story:
    """All packs, played on the undisturbed network."""
    return played(network, product, tmp_path_factory.mktemp("packs"))
