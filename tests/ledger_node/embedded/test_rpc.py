"""JSON-RPC as clients use it: refusals in geth's words, then deploys, calls, history, proofs."""

import json
from dataclasses import replace

import httpx
import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from ledger_node.embedded.node import local_node
from ledger_node.embedded.rpc.dispatch import Dispatcher
from tests.ledger_node.embedded.chain_kit import (
    BURN,
    CHAIN_ID,
    RETURN_CONTEXT,
    REVERT_WITH_DATA,
    STORE_WORD,
    creation,
    new_person,
    word,
)


def refusal(w3, raw):
    with pytest.raises(Web3RPCError) as caught:
        w3.eth.send_raw_transaction(raw)
    return caught.value.rpc_response["error"]


def rpc_error(chain, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    return json.loads(Dispatcher(local_node(chain), {}).handle(body.encode()))["error"]


def rpc(chain, method, *params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    return json.loads(Dispatcher(local_node(chain), {}).handle(body.encode()))["result"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"chainId": 1}, f"invalid sender: invalid chain id for signer: have 1 want {CHAIN_ID}"),
        ({"gas": 30_000_001}, "exceeds block gas limit: gas 30000001, limit 30000000"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 53000"),
        ({"value": 1}, "insufficient funds for gas * price + value: balance 0, tx cost 1, with what waits 1"),
        (
            {"gasPrice": 1},
            "insufficient funds for gas * price + value: balance 0, tx cost 200000, with what waits 200000",
        ),
        ({"nonce": 2**64 - 1}, "nonce has max value"),
        ({"data": b"x" * 131_072}, "oversized data"),
    ],
)
def test_a_transaction_that_can_never_run_is_refused_by_name(w3, person, fields, message):
    error = refusal(w3, person.sign(**fields))
    assert error["code"] == -32000
    assert error["message"].startswith(message)


def test_a_transaction_without_chain_id_is_refused(w3, person):
    raw = Account.sign_transaction({"gasPrice": 0, "nonce": 0, "gas": 53_000, "value": 0}, person.account.key)
    assert refusal(w3, bytes(raw.raw_transaction))["message"].startswith("only replay-protected (EIP-155)")


def test_a_fee_market_transaction_is_refused(w3, person):
    fields = {"chainId": CHAIN_ID, "nonce": 0, "gas": 53_000, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0, "type": 2}
    raw = person.account.sign_transaction(fields).raw_transaction
    assert refusal(w3, bytes(raw)) == {"code": -32000, "message": "transaction type not supported"}


def test_bytes_that_are_no_transaction_are_refused(w3):
    assert "malformed" in refusal(w3, b"\xf8\x01\x02")["message"]


def test_a_nonce_that_was_used_is_refused(w3, person):
    person.send(w3)
    assert refusal(w3, person.sign(nonce=0))["message"] == "nonce too low: next nonce 1, tx nonce 0"


def test_a_waiting_transaction_is_known_and_is_not_replaced(w3, person):
    waiting = person.sign(nonce=5)
    w3.eth.send_raw_transaction(waiting)
    assert refusal(w3, waiting)["message"] == "already known"
    assert refusal(w3, person.sign(nonce=5, gas=60_000))["message"].startswith("replacement transaction underpriced")


def test_a_nonce_gap_waits_and_is_mined_when_it_closes(w3, chain, person):
    later = w3.eth.send_raw_transaction(person.sign(nonce=1))
    assert w3.eth.get_transaction(later)["blockNumber"] is None
    assert w3.eth.get_transaction_count(person.address, "pending") == 0
    w3.eth.send_raw_transaction(person.sign(nonce=0))
    assert w3.eth.get_transaction_receipt(later)["transactionIndex"] == 1
    assert w3.eth.get_transaction_count(person.address, "pending") == 2


def test_a_custom_error_reaches_the_client_with_its_data(w3, person):
    address = person.deploy(w3, REVERT_WITH_DATA)
    with pytest.raises(ContractCustomError) as caught:
        w3.eth.call({"to": address, "data": "0xdeadbeef"})
    assert caught.value.data == "0xdeadbeef"


def test_a_revert_text_stands_in_message_and_data(chain, w3, person):
    address = person.deploy(w3, REVERT_WITH_DATA)
    data = "0x08c379a0" + (word(32) + word(4) + b"nope".ljust(32, b"\0")).hex()
    error = rpc_error(chain, "eth_call", {"to": address, "data": data}, "latest")
    assert error == {"code": 3, "message": "execution reverted: nope", "data": data}
    with pytest.raises(ContractLogicError, match="nope"):
        w3.eth.estimate_gas({"to": address, "data": data})


def test_an_invalid_instruction_is_named(chain, w3, person):
    address = person.deploy(w3, BURN)
    error = rpc_error(chain, "eth_call", {"to": address}, "latest")
    assert error == {"code": -32000, "message": "invalid opcode"}


def test_a_failed_transaction_is_mined_with_what_it_returned(chain, w3, person):
    address = person.deploy(w3, REVERT_WITH_DATA)
    receipt = person.send(w3, to=address, data="0xdeadbeef")
    assert receipt["status"] == 0
    assert receipt["revertReason"] == "0xdeadbeef"


def test_state_is_readable_at_every_block(w3, person):
    address = person.deploy(w3, STORE_WORD)
    blocks = [person.send(w3, to=address, data=word(value))["blockNumber"] for value in (7, 8, 9)]
    values = [int.from_bytes(w3.eth.get_storage_at(address, 0, block), "big") for block in blocks]
    assert values == [7, 8, 9]
    assert w3.eth.get_code(address, blocks[0] - 2) == b""
    assert w3.eth.get_transaction_count(person.address, blocks[0]) == 2


def test_a_call_sees_the_block_it_is_asked_at(w3, person):
    address = person.deploy(w3, RETURN_CONTEXT)
    person.send(w3, to=address)
    block = w3.eth.get_block(1)
    output = w3.eth.call({"to": address}, 1)
    assert output == word(1) + word(block["timestamp"]) + w3.eth.get_block(0)["hash"]


def test_an_estimate_suffices_and_one_less_does_not(w3, person):
    address = person.deploy(w3, STORE_WORD)
    gas = w3.eth.estimate_gas({"to": address, "data": word(7), "from": person.address})
    assert person.send(w3, to=address, data=word(7), gas=gas)["status"] == 1
    other = person.deploy(w3, STORE_WORD)
    assert person.send(w3, to=other, data=word(7), gas=gas - 1)["status"] == 0


def test_an_access_list_transaction_is_mined(w3, person):
    address = person.deploy(w3, STORE_WORD)
    listed = [{"address": address, "storageKeys": ["0x" + "00" * 32]}]
    receipt = person.send(w3, to=address, data=word(1), type="0x1", accessList=listed)
    assert (receipt["status"], receipt["type"]) == (1, 1)
    assert w3.eth.get_transaction(receipt["transactionHash"])["accessList"][0]["address"] == address


def test_logs_are_found_by_address_and_topic(w3, person):
    first, second = person.deploy(w3, STORE_WORD), person.deploy(w3, STORE_WORD)
    for address, value in ((first, 1), (first, 2), (second, 1)):
        person.send(w3, to=address, data=word(value))
    everything = {"fromBlock": 0, "toBlock": "latest"}
    assert len(w3.eth.get_logs(everything)) == 3
    assert len(w3.eth.get_logs({**everything, "address": first})) == 2
    assert len(w3.eth.get_logs({**everything, "topics": [word(1)]})) == 2
    assert len(w3.eth.get_logs({**everything, "topics": [[word(1), word(2)]], "address": [second]})) == 1
    assert w3.eth.get_logs({**everything, "topics": [word(1), None]}) == []
    assert len(w3.eth.get_logs({"blockHash": w3.eth.get_block(3)["hash"]})) == 1


def test_too_many_logs_are_refused(chain, w3, person):
    address = person.deploy(w3, STORE_WORD)
    for value in range(3):
        person.send(w3, to=address, data=word(value))
    dispatcher = Dispatcher(replace(local_node(chain), log_limit=2), {})
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [{"fromBlock": "0x0"}]}
    assert json.loads(dispatcher.handle(json.dumps(body).encode()))["error"]["code"] == -32005


def test_block_receipts_are_those_of_its_transactions(w3, chain, person):
    for value in range(3):
        w3.provider.chain.accept(person.sign(nonce=value))
    chain.seal()
    receipts = w3.eth.get_block_receipts("latest")
    assert [each["transactionHash"] for each in receipts] == w3.eth.get_block("latest")["transactions"]
    assert receipts[-1]["cumulativeGasUsed"] == w3.eth.get_block("latest")["gasUsed"] == 3 * 53_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_mine"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x12","latest"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x01",false]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"frm":"0x"},"latest"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{},"0xffff"]}', -32000),
    ],
)
def test_a_wrong_request_has_its_code(chain, body, code):
    assert json.loads(Dispatcher(local_node(chain), {}).handle(body))["error"]["code"] == code


def test_a_batch_is_answered_in_order_and_notifications_are_not(chain):
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "method": "eth_blockNumber"},
        {"jsonrpc": "2.0", "id": "b", "method": "eth_nothing"},
    ]
    answers = json.loads(Dispatcher(local_node(chain), {}).handle(json.dumps(batch).encode()))
    assert [answer["id"] for answer in answers] == [1, "b"]
    assert answers[0]["result"] == hex(CHAIN_ID)


def test_fees_are_zero_everywhere(chain):
    assert rpc(chain, "eth_gasPrice") == rpc(chain, "eth_maxPriorityFeePerGas") == "0x0"
    history = rpc(chain, "eth_feeHistory", "0x4", "latest", [50])
    assert history == {"oldestBlock": "0x0", "baseFeePerGas": ["0x0"] * 2, "gasUsedRatio": [0.0], "reward": [["0x0"]]}


def test_an_unknown_block_or_hash_is_null(chain):
    assert rpc(chain, "eth_getBlockByNumber", "0x99", False) is None
    assert rpc(chain, "eth_getBlockByHash", "0x" + "00" * 32, False) is None
    assert rpc(chain, "eth_getTransactionReceipt", "0x" + "00" * 32) is None
    assert rpc(chain, "eth_getBlockReceipts", "0x99") is None


def test_web3_deploys_and_calls_over_http(remote):
    person = new_person()
    contract = person.deploy(remote, STORE_WORD)
    person.send(remote, to=contract, data=word(5))
    assert int.from_bytes(remote.eth.get_storage_at(contract, 0), "big") == 5
    assert remote.eth.call({"to": contract, "data": word(6)}) == b""


def test_a_custom_error_is_decoded_over_http(remote):
    address = new_person().deploy(remote, REVERT_WITH_DATA)
    with pytest.raises(ContractCustomError, match="0xdeadbeef"):
        remote.eth.call({"to": address, "data": "0xdeadbeef"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json", "host": "evil.example"}, 403),
    ],
)
def test_a_web_page_cannot_reach_the_ledger(ledger, headers, status):
    assert httpx.post(ledger.http, content=b"{}", headers=headers, timeout=60).status_code == status


def test_a_body_over_the_limit_is_refused(ledger):
    body = b" " * (5 * 1024 * 1024 + 1)
    answer = httpx.post(ledger.http, content=body, headers={"content-type": "application/json"}, timeout=60)
    assert answer.status_code == 413


def test_creation_works_at_the_address_that_is_announced(w3, person):
    predicted = w3.eth.call({"data": creation(STORE_WORD)})
    address = person.deploy(w3, STORE_WORD)
    assert w3.eth.get_code(address) == predicted == STORE_WORD
    assert Web3.is_checksum_address(address)
