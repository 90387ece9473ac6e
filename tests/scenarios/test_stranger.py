"""A stranger with Foundry's `cast` and everybody's signatures for a second pledge is refused by the contract's name."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from api.runner.attempts import call_in
from api.runner.cast import Direction, assemble
from api.runner.pack import load
from api.runner.play import Play
from api.runner.results import Outcome
from api.runner.stage import open_stage
from ledger_node.abi import decode_revert
from ledger_node.client import ChainClient
from ledger_node.hexvalues import address_hex, data_hex
from tests.scenarios import kit

pytestmark = pytest.mark.timeout(600)
CAST = kit.ROOT / "node_modules" / ".bin" / "cast"
KEY = "0x" + "5a" * 32
GAS = ("--legacy", "--gas-price", "0", "--private-key", KEY)


def _issue_and_pledge_only(pack: kit.Body) -> None:
    pack["steps"] = [pack["steps"][0], pack["steps"][3]]


class SecondPledge:
    """A lot that is pledged to bank A, and the call that would pledge it to bank B."""

    def __init__(self, home: Path, folder: Path) -> None:
        pack = load(
            kit.copied("double-pledge", folder, "stranger", lambda p: p.update(steps=[p["steps"][0], p["steps"][3]]))
        )
        with open_stage(home) as stage:
            cast = assemble(pack, stage, Direction(folder, 0), "stranger")
            play = Play(pack, stage, cast, Direction(folder, 0), Outcome(pack.name, "embedded"))
            play.run()
            request = play.papers.pledge("lot", play.ids["lot"], "bank-b", {"minor": 77310041, "currency": "CNY"}, None)
            draft = cast.sessions["owner"].draft(request)
            call = call_in(draft, cast.sessions, ["owner", "keeper", "bank-b"])
            self.rpc = stage.settings.ledger.rpc_url
            self.contract = address_hex(stage.addresses.address(call.contract))
            self.data = data_hex(call.data())

    def send(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Send it with cast."""
        command = [str(CAST), "send", "--rpc-url", self.rpc, *GAS, *options, self.contract, self.data]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def second(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> SecondPledge:
    return SecondPledge(stack, tmp_path_factory.mktemp("stranger"))


def test_the_estimate_fails_with_the_named_error(second: SecondPledge) -> None:
    done = second.send()
    assert done.returncode == 1
    data = re.search(r'data: "?(0x[0-9a-f]{8,})', done.stderr)
    assert data is not None, done.stderr
    assert decode_revert(bytes.fromhex(data[1][2:])).name == "AlreadyPledged"


def test_with_fixed_gas_it_is_mined_as_refused_by_that_name(second: SecondPledge) -> None:
    done = second.send("--gas-limit", "2000000", "--json")
    receipt = json.loads(done.stdout)
    assert receipt["status"] == "0x0"
    cause = ChainClient(second.rpc).revert_data(bytes.fromhex(receipt["transactionHash"][2:]))
    assert cause is not None
    assert decode_revert(cause).name == "AlreadyPledged"
