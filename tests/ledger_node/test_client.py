"""The client of any engine, against two engines and against nodes that misbehave."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ledger_node.abi import decode_revert, encode_call, encode_creation
from ledger_node.chain_values import AnswerError
from ledger_node.client import CallReverted, ChainClient, ChainUnavailable, RpcError, WrongChain
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.headers import check_seal
from ledger_node.keys import LocalSigner
from ledger_node.proofs import verify_state
from ledger_node.transactions import DynamicFee, LegacyFee, Transaction

ADMIN = b"\x01" * 20
ANVIL_KEY = bytes.fromhex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a")  # its third account
REFUSED_CALL = encode_call("ConsortiumAccess", "grantRole", 1, b"\x02" * 20, 0)


@contextmanager
def node_that_answers(body: bytes, status: int = 200) -> Iterator[ChainClient]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ChainClient(f"http://user:secret@127.0.0.1:{server.server_port}/?token=secret", timeout=60)
    finally:
        server.shutdown()
        server.server_close()


def result(value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 0, "result": value}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (b"<html>", 200), (b"", 502), (b"{}", 401)],
)
def test_a_node_that_does_not_answer_is_told_in_one_line_without_its_password(body: bytes, status: int) -> None:
    with node_that_answers(body, status) as client, pytest.raises(ChainUnavailable) as caught:
        client.block_number()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_node_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(ChainUnavailable, match=r"^node http://127.0.0.1:1 does not answer: connection error$"):
        ChainClient("http://127.0.0.1:1").block_number()


@pytest.mark.parametrize("value", [None, 5, "5", "0x05", []])
def test_an_ill_formed_number_is_refused(value: object) -> None:
    with node_that_answers(result(value)) as client, pytest.raises(AnswerError, match="eth_blockNumber"):
        client.block_number()


def test_an_answer_with_neither_result_nor_error_is_refused() -> None:
    with node_that_answers(b'{"jsonrpc":"2.0","id":0}') as client, pytest.raises(AnswerError):
        client.block_number()


@pytest.mark.parametrize("value", [None, {}, {"number": "0x1"}, []])
def test_an_ill_formed_block_is_refused(value: object) -> None:
    with node_that_answers(result(value)) as client, pytest.raises(AnswerError, match="block"):
        client.block(1)


@pytest.mark.parametrize(
    ("error", "kind", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x01"}, CallReverted, b"\x01"),
        ({"code": -32000, "message": "execution reverted", "data": "0x02"}, CallReverted, b"\x02"),
        ({"code": -32000, "message": "execution reverted"}, CallReverted, b""),
        ({"code": 3, "message": "reverted", "data": "no hex"}, CallReverted, b""),
        ({"code": -32601, "message": "no such method"}, RpcError, None),
        ("broken", RpcError, None),
    ],
)
def test_errors_are_told_apart(error: object, kind: type[RpcError], data: bytes | None) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode()
    with node_that_answers(body) as client, pytest.raises(RpcError) as caught:
        client.call(ADMIN, b"")
    assert type(caught.value) is kind
    assert caught.value.data == data


def test_another_chain_is_refused(client: ChainClient) -> None:
    with pytest.raises(WrongChain, match="serves chain 20590, not 1"):
        client.check_chain(1)
    with pytest.raises(WrongChain, match="another genesis block"):
        client.check_chain(20590, bytes(32))
    client.check_chain(20590, client.block(0).hash)


def test_the_hash_of_a_block_is_computed_and_not_believed(client: ChainClient) -> None:
    told = dict(client.block_json(0))
    told["hash"] = "0x" + "11" * 32
    with node_that_answers(result(told)) as liar:
        assert liar.block(0).hash == client.block(0).hash != b"\x11" * 32


def send(client: ChainClient, signer: LocalSigner, to: bytes | None, data: bytes, fee: LegacyFee | DynamicFee) -> bytes:
    nonce = client.nonce(signer.address)
    sent = client.send_raw(signer.sign_transaction(Transaction(client.chain_id(), nonce, to, data, 5_000_000, fee)))
    while client.receipt(sent) is None:
        pass
    return sent


def test_the_receipt_of_another_transaction_is_not_taken(plain_ledger: LedgerProcess) -> None:
    client, signer = ChainClient(plain_ledger.http), LocalSigner.generate()
    sent = send(client, signer, ADMIN, b"", LegacyFee(0))
    told = client.request("eth_getTransactionReceipt", "0x" + sent.hex())
    with node_that_answers(result(told)) as node:
        assert node.receipt(sent) == client.receipt(sent)
        with pytest.raises(AnswerError, match=f"is not of transaction 0x{bytes(32).hex()}"):
            node.receipt(bytes(32))


@pytest.mark.parametrize("engine", ["embedded", "anvil"])
def test_both_engines_are_read_alike(engine: str, plain_ledger: LedgerProcess, request: pytest.FixtureRequest) -> None:
    if engine == "embedded":
        client, signer, fee = ChainClient(plain_ledger.http), LocalSigner.generate(), LegacyFee(0)
    else:
        client, signer = ChainClient(request.getfixturevalue("anvil")), LocalSigner(ANVIL_KEY)
        fee = DynamicFee(10**10, 1)  # type: ignore[assignment]
    created = client.receipt(send(client, signer, None, encode_creation("ConsortiumAccess", ADMIN), fee))
    assert created is not None
    contract = created.contract
    assert contract is not None
    block = client.block(created.block_number)
    assert block.hash == created.block_hash
    assert client.block(block.hash) == block
    assert created.transaction_hash in block.transactions
    assert client.receipts(created.block_number)[created.transaction_index] == created
    assert set(created.logs) <= set(client.logs(created.block_number, created.block_number, [contract]))
    assert client.logs(created.block_number, created.block_number, [contract], [[created.logs[0].topics[0], bytes(32)]])
    if engine == "embedded":
        assert block.seal is not None
        check_seal(block.hash, block.seal, plain_ledger.genesis.sealer)

    proof = client.proof(contract, [0, 1, 2, 7], block=created.block_number)
    verify_state(block.header.state_root, proof)
    assert [each.value for each in proof.slots] == [client.storage(contract, slot) for slot in (0, 1, 2, 7)]

    with pytest.raises(CallReverted) as caught:
        client.call(contract, REFUSED_CALL, sender=signer.address)
    assert decode_revert(caught.value.data).name == "AccessManagerUnauthorizedAccount"
    failed = send(client, signer, contract, REFUSED_CALL, fee)
    data = client.revert_data(failed)
    assert data is not None
    assert decode_revert(data).name == "AccessManagerUnauthorizedAccount"
    assert client.revert_data(created.transaction_hash) is None
    assert client.revert_data(bytes(32)) is None
