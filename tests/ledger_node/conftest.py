import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess, running_ledger

ROOT = Path(__file__).parents[2]
LISTENING = re.compile(r"^Listening on (\S+)\n", re.MULTILINE)


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
    binary = shutil.which("anvil", path=f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}")
    assert binary, "anvil is missing: run npm ci"
    folder = tmp_path_factory.mktemp("anvil")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "--port", "0", "--hardfork", "london"], cwd=folder, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while not (told := LISTENING.search((folder / "log").read_text())):
            assert time.monotonic() < end, "anvil does not listen"
            time.sleep(0.05)
        yield f"http://{told[1]}"
    finally:
        process.kill()
        process.wait()
