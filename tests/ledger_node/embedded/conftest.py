import subprocess
import warnings
from pathlib import Path

import pytest
from web3 import Web3

from ledger_node.embedded.launch import running_ledger
from ledger_node.embedded.provider import EmbeddedProvider, chain_in_directory
from tests.ledger_node.embedded.chain_kit import new_person

GETH_EVM = Path(__file__).parents[3] / "tools/geth_evm.sh"


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


def pytest_collection_modifyitems(config, items):
    """Without Go there is no second engine to compare with: those tests are left out, and it is said."""
    judged = [item for item in items if item.get_closest_marker("geth")]
    if not judged:
        return
    looked = subprocess.run(["sh", str(GETH_EVM), "--look"], capture_output=True, text=True)
    if looked.returncode:
        warnings.warn(f"{len(judged)} tests are left out: {looked.stderr.strip()}", pytest.PytestWarning, stacklevel=1)
        config.hook.pytest_deselected(items=judged)
        items[:] = [item for item in items if item not in judged]


@pytest.fixture(scope="session")
def evm():
    """The path of geth's evm; built when this is the first time."""
    return subprocess.run(["sh", str(GETH_EVM)], capture_output=True, text=True, check=True).stdout.strip()
