"""What is too large, too deep or too slow is refused by name, and the ledger goes on."""

import json
import time

import httpx
import pytest
from web3.exceptions import Web3RPCError
from websockets.sync.client import connect

from ledger_node.embedded import machine
from ledger_node.embedded.chain import EXECUTION_SECONDS, SUSPENDED_SECONDS
from ledger_node.embedded.errors import PoolError
from ledger_node.embedded.launch import LOG_FILE
from ledger_node.embedded.node import CALL_GAS_CAP, local_node
from ledger_node.embedded.rpc import dispatch
from ledger_node.embedded.rpc.dispatch import MAX_BATCH, MAX_DEPTH, Dispatcher
from ledger_node.rlp_strict import rlp_list
from tests.ledger_node.embedded.chain_kit import STORE_WORD, creation, new_person
from tests.ledger_node.embedded.machine_kit import GAS, MSTORE, calling, push, returning

GAS_LIMIT = 30_000_000
CODE_LIMIT = 24_576
PAIRING, BLAKE = bytes(19) + b"\x08", bytes(19) + b"\x09"


def batch(chain, calls):
    body = json.dumps([{"jsonrpc": "2.0", "id": at, "method": "eth_chainId"} for at in range(calls)])
    return json.loads(Dispatcher(local_node(chain), {}).handle(body.encode()))


def refusal_of(w3, chain, raw):
    hash_ = bytes(w3.eth.send_raw_transaction(raw))
    return chain.store.refused(hash_)


# Transactions


@pytest.mark.parametrize(("size", "status"), [(CODE_LIMIT, 1), (CODE_LIMIT + 1, 0)])
def test_code_over_the_limit_of_eip_170_is_not_deployed(w3, person, size, status):
    receipt = person.send(w3, data=creation(bytes(size)), gas=GAS_LIMIT)
    assert receipt["status"] == status
    assert status or receipt["gasUsed"] == GAS_LIMIT


def test_code_that_creates_may_fill_a_transaction_and_no_more(w3, person):
    filled = b"\0" * (128 * 1024 - 200)
    assert person.send(w3, data=filled, gas=GAS_LIMIT)["status"] == 1
    with pytest.raises(Web3RPCError, match="oversized data"):
        w3.eth.send_raw_transaction(person.sign(data=b"\0" * (128 * 1024), gas=GAS_LIMIT))


def test_memory_that_no_gas_pays_for_ends_a_transaction(w3, person):
    hungry = person.deploy(w3, push(1) + push(2**40) + MSTORE)
    assert person.send(w3, to=hungry, gas=GAS_LIMIT)["status"] == 0


def test_a_contract_that_calls_itself_with_all_gas_ends(ledger, remote):
    person = new_person()
    code = (
        calling(0xF1, 0, bytes(20)).replace(push(0) + b"\xf1", GAS + b"\xf1").replace(push(0, 1) + GAS, b"\x30" + GAS)
    )
    deep = person.deploy(remote, code)
    assert person.send(remote, to=deep, gas=GAS_LIMIT)["status"] == 1
    assert remote.eth.call({"to": deep, "gas": CALL_GAS_CAP}) == b""
    assert person.send(remote)["status"] == 1


@pytest.mark.parametrize(
    "code",
    [
        calling(0xFA, 20_000_000, PAIRING, (0, 192 * (machine.MAX_PAIRS + 1))),
        push(machine.MAX_ROUNDS + 1 << 224) + push(0) + MSTORE + calling(0xFA, 20_000_000, BLAKE, (0, 213)),
    ],
    ids=["pairings", "rounds"],
)
def test_a_precompiled_contract_that_would_take_minutes_is_refused_by_name(w3, chain, person, code):
    slow = person.deploy(w3, code)
    found = refusal_of(w3, chain, person.sign(to=slow, gas=GAS_LIMIT))
    assert found.reason == "execution takes longer than 10 s"
    assert new_person().send(w3)["status"] == 1


def test_a_transaction_over_its_time_is_refused_by_name_and_what_came_before_and_after_it_is_mined(chain, monkeypatch):
    slow, other = new_person(), new_person()
    chain.accept(slow.sign(data=creation(STORE_WORD)))
    made = chain.seal().transactions[0].contract
    before = chain.accept(other.sign())
    late = chain.accept(slow.sign(nonce=1, to=made))
    after = chain.accept(other.sign(nonce=1))
    clock = iter([0.0, time.thread_time() + 2 * EXECUTION_SECONDS])  # `before` looks once, and `late` then
    monkeypatch.setattr(machine, "thread_time", lambda: next(clock, 0.0))
    sealed = chain.seal()
    assert [each.hash for each in sealed.transactions] == [before]
    assert [each.hash for each in sealed.refused] == [late]
    assert chain.pending(late) is None
    assert [each.hash for each in chain.seal().transactions] == [after]


def test_who_took_too_long_is_suspended_and_a_block_is_held_up_by_one_such_transaction(chain, monkeypatch):
    slow, other = [new_person() for _ in range(3)], new_person()
    chain.accept(other.sign(data=creation(STORE_WORD)))
    made = chain.seal().transactions[0].contract
    late = [chain.accept(each.sign(to=made)) for each in slow]
    paid = chain.accept(other.sign(nonce=1))
    with monkeypatch.context() as waste:
        waste.setattr(machine, "thread_time", lambda: time.thread_time() + EXECUTION_SECONDS + 1)
        blocks = [chain.seal() for _ in range(3)]
    assert [[each.hash for each in block.refused] for block in blocks] == [[each] for each in late]
    assert [each.refused[0].reason[-4:] for each in blocks] == ["10 s", " 2 s", " 2 s"]
    assert [each.hash for each in chain.seal().transactions] == [paid]
    with pytest.raises(PoolError, match="sender is suspended: a transaction of it took too long"):
        chain.accept(slow[0].sign())
    now = time.monotonic()
    monkeypatch.setattr("ledger_node.embedded.chain.time.monotonic", lambda: now + SUSPENDED_SECONDS + 60)
    assert chain.accept(slow[0].sign())


@pytest.mark.parametrize("depth", [1_000, 5_000, 30_000])
def test_lists_within_lists_are_no_transaction(w3, depth):
    raw = b""
    for _ in range(depth):
        raw = rlp_list(raw)
    with pytest.raises(Web3RPCError, match="malformed transaction"):
        w3.eth.send_raw_transaction(raw)


# Calls and requests


def test_a_call_has_the_gas_of_the_cap_at_most(w3, person):
    tells = person.deploy(w3, returning(GAS))
    assert int.from_bytes(w3.eth.call({"to": tells, "gas": 2**60}), "big") < CALL_GAS_CAP


def test_a_call_whose_data_alone_costs_more_than_the_cap_is_refused(w3, person):
    with pytest.raises(Web3RPCError, match="intrinsic gas too low"):
        w3.eth.call({"to": person.address, "data": "0x" + "ff" * (CALL_GAS_CAP // 16)})


def test_a_batch_over_the_limit_is_refused_whole(chain):
    assert len(batch(chain, MAX_BATCH)) == MAX_BATCH
    assert batch(chain, MAX_BATCH + 1)["error"]["message"] == f"batch too large, at most {MAX_BATCH}"


def test_a_batch_ends_when_its_time_is_over(chain, monkeypatch):
    monkeypatch.setattr(dispatch, "BATCH_SECONDS", -1.0)
    answers = batch(chain, 3)
    assert [answer["error"]["code"] for answer in answers] == [-32002] * 3
    assert [answer["id"] for answer in answers] == [0, 1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'["\\"]",' * 10 + b"[" * 100_000,
        ("[" * 100_000).encode("utf-16"),
        b'{"id":' + b"9" * 5_000 + b"}",
    ],
    ids=["arrays", "objects", "after strings", "utf-16", "long number"],
)
def test_json_that_is_deep_or_has_long_numbers_is_a_parse_error(ledger, body):
    answer = httpx.post(ledger.http, content=body, headers={"content-type": "application/json"}, timeout=60)
    assert answer.json()["error"]["code"] == -32700


def test_brackets_in_strings_are_no_depth(chain):
    request = {"jsonrpc": "2.0", "id": "[" * (2 * MAX_DEPTH) + '"\\', "method": "eth_chainId"}
    answer = json.loads(Dispatcher(local_node(chain), {}).handle(json.dumps(request).encode()))
    assert answer["id"] == request["id"]
    assert "result" in answer


def test_a_message_over_the_limit_closes_a_socket_and_no_other(ledger):
    with connect(ledger.ws) as socket:
        # In two frames: what is too much is a byte, and nothing is still on its way when the socket is closed.
        socket.send([b" " * (5 * 1024 * 1024), b" "])
        with pytest.raises(Exception, match="1009"):
            socket.recv(60)
    with connect(ledger.ws) as socket:
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}))
        assert "result" in json.loads(socket.recv(60))


def test_a_socket_that_closes_leaves_no_error_in_the_log(ledger):
    log = ledger.directory / LOG_FILE
    before = log.stat().st_size
    for _ in range(3):
        with connect(ledger.ws):
            pass
    httpx.get(ledger.http + "/ready", timeout=60)
    time.sleep(0.2)
    assert b"Traceback" not in log.read_bytes()[before:]
