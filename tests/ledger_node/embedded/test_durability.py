"""Real processes, killed without warning: every hash that was answered is mined after the restart."""

import json
import random
import sqlite3
import threading
import time

import pytest
from web3 import Web3
from web3.exceptions import TransactionNotFound

from ledger_node.embedded.launch import prepare, start
from ledger_node.embedded.node import local_node
from ledger_node.embedded.rpc.dispatch import Dispatcher
from ledger_node.embedded.sealer import Pace
from ledger_node.embedded.store import ReadStore
from tests.ledger_node.embedded.chain_kit import STORE_WORD, Person, creation, new_person, word

PACE = Pace(interval=0.02, idle=0)
ROUNDS, SENT = 4, 6
"""How often it is killed, and how many transactions at least were answered before each time."""


def keep_sending(url, person: Person, contract, answered, stop):
    w3 = Web3(Web3.HTTPProvider(url, request_kwargs={"timeout": 60}))
    while not stop.is_set():
        raw = person.sign(to=contract, data=word(person.nonce))
        try:
            answered.append(bytes(w3.eth.send_raw_transaction(raw)))
        except OSError:
            return
        person.nonce += 1


def request(method, *params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def mined(w3, transaction_hash):
    try:
        return w3.eth.get_transaction_receipt(transaction_hash)
    except TransactionNotFound:
        return None


def test_every_answered_hash_is_mined_after_kill_9(tmp_path):
    prepare(tmp_path)
    ledger = start(tmp_path, pace=PACE)
    people = [new_person() for _ in range(4)]
    contract = people[0].deploy(Web3(Web3.HTTPProvider(ledger.http)), STORE_WORD)
    answered: list[bytes] = []
    heads: dict[int, bytes] = {}
    for _ in range(ROUNDS):
        stop = threading.Event()
        arguments = [(ledger.http, person, contract, answered, stop) for person in people]
        threads = [threading.Thread(target=keep_sending, args=each) for each in arguments]
        for thread in threads:
            thread.start()
        wanted, end = len(answered) + SENT, time.monotonic() + 120
        while len(answered) < wanted:
            assert time.monotonic() < end, "the ledger answers nothing"
            stop.wait(0.01)
        stop.wait(random.uniform(0, 0.5))
        w3 = Web3(Web3.HTTPProvider(ledger.http))
        seen = w3.eth.get_block("latest")
        heads[seen["number"]] = bytes(seen["hash"])
        ledger.kill()
        stop.set()
        for thread in threads:
            thread.join()
        ledger = start(tmp_path, pace=PACE)
        w3 = Web3(Web3.HTTPProvider(ledger.http))
        for person in people:
            person.nonce = w3.eth.get_transaction_count(person.address, "pending")
    people[0].send(w3)
    missing = [each.hex() for each in answered if (found := mined(w3, each)) is None or found["status"] != 1]
    ledger.stop()
    assert len(answered) >= ROUNDS * SENT
    assert missing == []
    assert {number: ReadStore(tmp_path).block_by_number(number).hash for number in heads} == heads


def test_sigterm_ends_the_process_with_success_and_keeps_all(tmp_path):
    prepare(tmp_path)
    ledger = start(tmp_path, pace=Pace(interval=3, idle=0))
    w3 = Web3(Web3.HTTPProvider(ledger.http))
    person = new_person()
    sent = [w3.eth.send_raw_transaction(person.sign(nonce=nonce)) for nonce in range(3)]
    ledger.stop()
    assert ledger.process.returncode == 0
    ledger = start(tmp_path, pace=PACE)
    w3 = Web3(Web3.HTTPProvider(ledger.http))
    assert [w3.eth.wait_for_transaction_receipt(each, 60)["status"] for each in sent] == [1, 1, 1]
    ledger.stop()


def test_commits_wait_for_the_disk(chain):
    rows = [chain.store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert rows == ["wal", 2]


def test_a_block_and_the_deletes_of_what_it_took_are_one_commit(chain):
    """When the commit of a block fails at its last statement, nothing of the block is left and the work still waits."""
    chain.accept(new_person().sign(data=creation(STORE_WORD)))
    head = chain.head

    def fail(*_):
        raise sqlite3.OperationalError("disk I/O error")

    chain.store._writer.create_function("fail", 0, fail)
    chain.store._writer.execute("CREATE TEMP TRIGGER broken AFTER DELETE ON pending BEGIN SELECT fail(); END")
    with pytest.raises(sqlite3.OperationalError):
        chain.seal()
    chain.store._writer.execute("DROP TRIGGER broken")
    assert chain.store.head() == chain.head == head
    assert len(chain.store.pending()) == 1
    assert len(chain.seal().transactions) == 1


def test_a_failed_acceptance_is_not_answered_and_can_be_repeated(chain):
    raw = new_person().sign()
    chain.store._writer.execute(
        "CREATE TEMP TRIGGER broken AFTER INSERT ON pending BEGIN SELECT RAISE(FAIL, 'full'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        chain.accept(raw)
    answer = json.loads(Dispatcher(local_node(chain), {}).handle(request("eth_sendRawTransaction", "0x" + raw.hex())))
    assert answer["error"]["code"] == -32603
    chain.store._writer.execute("DROP TRIGGER broken")
    assert len(chain.store.pending()) == 0
    chain.accept(raw)
    assert len(chain.seal().transactions) == 1
