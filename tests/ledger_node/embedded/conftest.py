import pytest
from web3 import Web3

from ledger_node.embedded.launch import running_ledger
from ledger_node.embedded.provider import EmbeddedProvider, chain_in_directory
from tests.go_tools import GETH, built, give_time
from tests.ledger_node.embedded.chain_kit import new_person
from tests.ledger_node.embedded.machine_kit import agreed, execute

__all__ = ["agreed", "execute"]


@pytest.fixture
def chain(tmp_path):
    chain = chain_in_directory(tmp_path / "ledger")
    yield chain
    chain.close()


@pytest.fixture
def w3(chain):
    return Web3(EmbeddedProvider(chain))


@pytest.fixture
def person():
    return new_person()


@pytest.fixture(scope="session")
def ledger(tmp_path_factory):
    """A served ledger, shared by all tests that only add to it."""
    with running_ledger(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def remote(ledger):
    return Web3(Web3.HTTPProvider(ledger.http))


def pytest_configure(config):
    config.addinivalue_line("markers", "geth: needs geth's evm, which tools/geth_evm.sh builds with Go")


def pytest_collection_modifyitems(items):
    give_time([item for item in items if item.get_closest_marker("geth")], GETH, "evm")


@pytest.fixture(scope="session")
def evm():
    """The path of geth's evm."""
    return built(GETH, "evm")
