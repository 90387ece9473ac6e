"""A trust file from a node of one's own, then used on that node's headers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ledger_node.client import ChainClient
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.run import Run
from ledger_node.deploy import Addresses, DeployError
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.headers import read_header
from ledger_node.trust import TrustError, check_header, dump_trust, parse_trust
from ledger_node.trust_export import export_followed, export_trust
from tests.ledger_node.vectors import QBFT


def test_addresses_of_another_chain_are_refused(client: ChainClient) -> None:
    with pytest.raises(DeployError, match="another chain"):
        export_trust(client, Addresses(1, bytes(32), bytes(32), ()))


def test_a_sealer_that_did_not_seal_is_refused(client: ChainClient) -> None:
    with pytest.raises(TrustError, match="newest block"):
        export_trust(client, _none(client), sealer=b"\x01" * 20)


def test_a_chain_that_nobody_seals_must_be_pinned(anvil: str) -> None:
    client = ChainClient(anvil)
    with pytest.raises(TrustError, match="carry no seal"):
        export_trust(client, _none(client))
    trust = export_trust(client, _none(client), pins=(client.block_number(),))
    newest = client.block(trust.pinned[0].number)
    assert check_header(Run(newest.header), None, trust) == newest.hash


def test_the_exported_file_believes_the_ledger(
    client: ChainClient, plain_ledger: LedgerProcess, tmp_path: Path
) -> None:
    trust = parse_trust(dump_trust(export_trust(client, _none(client))))
    assert trust.sealer == plain_ledger.genesis.sealer
    newest = client.block()
    assert check_header(Run(newest.header), newest.seal, trust) == newest.hash


@pytest.fixture
def validators_node() -> Iterator[str]:
    """The address of a node that shows the headers of live QBFT validators."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            blocks = QBFT["headers"]
            results = {
                "eth_chainId": lambda: hex(QBFT["chain_id"]),
                "eth_blockNumber": lambda: hex(len(blocks) - 1),
                "eth_getBlockByNumber": lambda number, _: blocks[-1 if number == "latest" else int(number, 16)],
            }
            result = results[asked["method"]](*asked["params"])
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


RULES = read_genesis(json.dumps(QBFT["genesis"]).encode())


def test_validators_are_followed_on_the_node_to_its_last_block(validators_node: str) -> None:
    client = ChainClient(validators_node)
    trust = export_followed(client, _none(client), RULES)
    assert trust.checkpoint is not None
    assert trust.checkpoint.tip.number == 25
    assert len(trust.checkpoint.validators) == 5
    newest = read_header(QBFT["headers"][25])
    assert check_header(Run(newest), None, parse_trust(dump_trust(trust))) == newest.hash()
    assert export_followed(client, _none(client), RULES, trust.checkpoint) == trust
    with pytest.raises(TrustError, match="not the followed set"):
        check_header(Run(read_header(QBFT["headers"][3])), None, trust)


def test_a_node_of_another_genesis_or_with_a_false_header_is_not_followed(
    validators_node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = ChainClient(validators_node)
    with pytest.raises(TrustError, match="block 0 is not that of the genesis file"):
        export_followed(client, _none(client), replace(RULES, genesis_hash=bytes(32)))
    false = {**QBFT["headers"][9], "stateRoot": "0x" + "11" * 32}
    monkeypatch.setitem(QBFT, "headers", [*QBFT["headers"][:9], false, *QBFT["headers"][10:]])
    with pytest.raises(TrustError, match="block 9 of the node: seals"):
        export_followed(client, _none(client), RULES)


def _none(client: ChainClient) -> Addresses:
    return Addresses(client.chain_id(), client.block(0).hash, bytes(32), ())
