import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.client import ChainClient, ChainUnavailable
from ledger_node.embedded.launch import LedgerProcess, running_ledger

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def plain_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerProcess]:
    """A served ledger, shared by the tests of clients."""
    with running_ledger(tmp_path_factory.mktemp("ledger")) as running:
        yield running


@pytest.fixture
def client(plain_ledger: LedgerProcess) -> ChainClient:
    return ChainClient(plain_ledger.http)


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an anvil with London rules, another engine than ours."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    binary = shutil.which("anvil", path=f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}")
    assert binary, "anvil is missing: run npm ci"
    command = [binary, "--port", str(port), "--hardfork", "london", "--silent"]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("anvil"))
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            ChainClient(url).chain_id()
            break
        except ChainUnavailable:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)
