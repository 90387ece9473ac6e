"""`cangdan ledger serve` as a process."""

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

from api.supervisor.probe import Answer, ask
from tests.api.cli.test_main import COMMAND, cangdan
from tests.api.supervisor.children import free_port, until


def serve(home: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CANGDAN_HOME": str(home), "CANGDAN_LEDGER__PORT": str(port)}
    process = subprocess.Popen([*COMMAND, "ledger", "serve"], env=environment, stderr=subprocess.DEVNULL)
    until(lambda: ask(f"http://127.0.0.1:{port}/ready") is Answer.READY, seconds=60)
    return process


def block_zero(port: int) -> str:
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x0", False]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(json.load(response)["result"]["hash"])


def test_a_chain_that_somebody_else_runs_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "cangdan.toml").write_text("[ledger]\nengine = 'external'\nrpc_url = 'http://127.0.0.1:9'\n")
    result = cangdan(tmp_path, "ledger", "serve")
    assert result.returncode == 2
    assert result.stderr.startswith("cangdan: ledger.engine is external")


def test_the_same_chain_is_served_again_after_a_stop(tmp_path: Path) -> None:
    genesis = []
    for _ in range(2):
        port = free_port()
        process = serve(tmp_path, port)
        genesis.append(block_zero(port))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert genesis[0] == genesis[1]
