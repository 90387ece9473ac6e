"""The served ledger: subscriptions, and calls that cannot hold up blocks."""

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from web3.exceptions import Web3RPCError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.launch import prepare, start
from tests.ledger_node.embedded.chain_kit import LOOP, STORE_WORD, new_person, word


def ask(socket, method, *params):
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}))
    return json.loads(socket.recv(60))


def told(socket):
    return json.loads(socket.recv(60))["params"]


def children(pid):
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(each) for task in tasks for each in task.read_text().split()]
    return found + [deeper for each in found for deeper in children(each)]


def is_forked(pid):
    return b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_page_of_another_origin_cannot_open_a_socket(ledger):
    with pytest.raises(InvalidStatus), connect(ledger.ws, origin="https://evil.example"):
        pass


def test_an_unknown_subscription_is_refused(ledger):
    with connect(ledger.ws) as socket:
        assert ask(socket, "eth_subscribe", "syncing")["error"]["code"] == -32602
        assert ask(socket, "eth_unsubscribe", "0x1")["error"]["message"] == "subscription not found"


def test_a_port_that_is_taken_is_an_error(ledger, tmp_path):
    prepare(tmp_path)
    with pytest.raises(LedgerError, match="did not start"):
        start(tmp_path, port=ledger.port)


def test_a_port_is_taken_before_the_process_that_is_to_listen_at_it_begins(tmp_path, monkeypatch):
    def begin(command, pass_fds, **named):
        with socket.socket(fileno=os.dup(pass_fds[0])) as listener, pytest.raises(OSError, match="in use"):
            socket.create_server(listener.getsockname())
        raise InterruptedError

    prepare(tmp_path)
    monkeypatch.setattr("ledger_node.embedded.launch.subprocess.Popen", begin)
    with pytest.raises(InterruptedError):
        start(tmp_path)


def test_new_heads_are_told_with_their_seal(ledger, remote):
    with connect(ledger.ws) as socket:
        identity = ask(socket, "eth_subscribe", "newHeads")["result"]
        receipt = new_person().send(remote)
        head = told(socket)
        assert head["subscription"] == identity
        assert head["result"]["hash"] == "0x" + bytes(receipt["blockHash"]).hex()
        assert len(head["result"]["seal"]) == 132


def test_only_the_logs_that_were_asked_for_are_told(ledger, remote):
    person = new_person()
    contract = person.deploy(remote, STORE_WORD)
    with connect(ledger.ws) as socket:
        query = {"address": contract, "topics": ["0x" + word(2).hex()]}
        ask(socket, "eth_subscribe", "logs", query)
        for value in (1, 2):
            person.send(remote, to=contract, data=word(value))
        assert told(socket)["result"]["data"] == "0x" + word(2).hex()


def test_after_unsubscribing_nothing_more_is_told(ledger, remote):
    with connect(ledger.ws) as socket:
        identity = ask(socket, "eth_subscribe", "newHeads")["result"]
        assert ask(socket, "eth_unsubscribe", identity)["result"] is True
        new_person().send(remote)
        assert "result" in ask(socket, "eth_chainId")


def test_loops_in_calls_do_not_stop_blocks_and_end_in_time(ledger, remote):
    person = new_person()
    loop = person.deploy(remote, LOOP)
    with ThreadPoolExecutor(3) as executor:
        calls = [executor.submit(remote.eth.call, {"to": loop}) for _ in range(3)]
        assert person.send(remote)["status"] == 1
        assert not all(call.done() for call in calls)  # the third waits until one of two workers has given up
        for call in calls:
            with pytest.raises(Web3RPCError, match="timeout|out of gas"):  # whichever a machine's speed brings first
                call.result()


def test_a_worker_that_dies_is_replaced(tmp_path):
    prepare(tmp_path)
    ledger = start(tmp_path)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": "0x" + "11" * 20}, "latest"]}
    assert httpx.post(ledger.http, json=call, timeout=30).json()["result"] == "0x"
    workers = [pid for pid in children(ledger.process.pid) if not children(pid) and is_forked(pid)]
    os.kill(workers[0], 9)
    answer = httpx.post(ledger.http, json=call, timeout=30).json()
    ledger.stop()
    assert answer["result"] == "0x"


def test_workers_end_with_a_server_that_is_killed(tmp_path):
    prepare(tmp_path)
    ledger = start(tmp_path)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": "0x" + "11" * 20}, "latest"]}
    httpx.post(ledger.http, json=call, timeout=30)
    workers = children(ledger.process.pid)
    ledger.kill()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers)
