"""Nodes that forget, keep silent, answer twice or lag, another sender of the same key, restarts: each act once.

A contract counts the acts, so that the chain itself says how often each one happened.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest

from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Status
from ledger_node.transactions import Transaction, transaction_hash
from tests.ledger_node.proxy_kit import FORWARD, Http, Proxy, proxied
from tests.ledger_node.test_endpoints import Time, client_of

COUNTER = bytes.fromhex("600b80600b6000396000f3" + "6000358054600101905500")
"""Creation of a contract that adds one to the storage slot that its call names."""
ACTS = 12
MANNERS = ("honest", "honest", "forget", "silent", "deaf", "twice", "over limit")


@dataclass
class Unruly:
    """How a node treats the transactions that it is handed: in each manner once, in an order of chance, and again.

    How many it is handed depends on how fast blocks are made; few of them are in different manners too.
    """

    proxy: Proxy
    chance: random.Random
    seen: list[str] = field(default_factory=list)
    ruly: bool = False

    def __post_init__(self) -> None:
        self._manners = cycle(self.chance.sample(MANNERS, len(MANNERS)))

    def rule(self, method: str, params: list[Any]) -> Any:
        if method != "eth_sendRawTransaction" or self.ruly:
            return FORWARD
        manner = next(self._manners)
        self.seen.append(manner)
        if manner == "forget":
            return {"result": "0x" + transaction_hash(bytes.fromhex(params[0][2:])).hex()}
        if manner == "over limit":
            return Http(429, (("Retry-After", "1"),))
        if manner in ("silent", "twice"):
            self.proxy.forward(method, params)
        return Http(502) if manner in ("silent", "deaf") else FORWARD


def lagging(proxy: Proxy) -> Any:
    """Answers of a node that stopped where it was when it was asked first: at one block, whatever it is asked."""
    head: dict[str, Any] = {}

    def rule(method: str, params: list[Any]) -> Any:
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return {"result": None}
        if method not in ("eth_blockNumber", "eth_getTransactionCount", "eth_getBlockByNumber"):
            return FORWARD
        if not head:
            head.update(proxy.forward("eth_blockNumber", []))
        if method == "eth_blockNumber":
            return dict(head)
        return proxy.forward(method, [head["result"] if each == "latest" else each for each in params])

    return rule


@pytest.fixture
def counter(plain_ledger: LedgerProcess, tmp_path: Path) -> Iterator[bytes]:
    outbox = Outbox(tmp_path / "creator.sqlite", ChainClient(plain_ledger.http), LocalSigner.generate())
    outbox.submit("create", None, COUNTER, gas=200_000)
    contract = outbox.wait("create").contract
    assert contract is not None
    yield contract
    outbox.close()


@pytest.mark.parametrize("seed", range(3))
def test_each_act_happens_once_whatever_nodes_do(
    plain_ledger: LedgerProcess, counter: bytes, tmp_path: Path, seed: int
) -> None:
    chance, signer, time = random.Random(seed), LocalSigner.generate(), Time()
    chain = ChainClient(plain_ledger.http)
    foreign: list[int] = []
    with ExitStack() as stack:
        proxies = [stack.enter_context(proxied(plain_ledger.http)) for _ in range(2)]
        unruly = Unruly(proxies[0], chance)
        proxies[0].rule, proxies[1].rule = unruly.rule, lagging(proxies[1])
        urls = [each.url for each in proxies]

        def opened() -> Outbox:
            return Outbox(tmp_path / "outbox.sqlite", client_of(time, *urls), signer, resend_after=0)

        outbox = opened()
        for number in range(ACTS):
            for _ in range(chance.choice((1, 1, 2, 3))):
                outbox.submit(f"act {number}", counter, number.to_bytes(32, "big"), gas=80_000)
            time.now += 2
            if chance.random() < 0.3:
                _take_a_nonce(chain, signer, counter, 1000 + number, foreign)
            if chance.random() < 0.3:
                outbox.close()
                outbox = opened()
            outbox.step()
        unruly.ruly = True
        for number in range(ACTS):
            sent = outbox.wait(f"act {number}", 120, pause=lambda seconds: _pass(time, seconds))
            assert sent.status is Status.FINAL, sent
        assert len(set(unruly.seen)) > 2
        outbox.close()
    assert [chain.storage(counter, number) for number in range(ACTS)] == [1] * ACTS
    assert [chain.storage(counter, number) for number in foreign] == [1] * len(foreign)
    assert chain.nonce(signer.address) == ACTS + len(foreign)


def _pass(time: Time, seconds: float) -> None:
    """Waits a little, and lets the client's clock run on faster, so that pauses and lag pass."""
    time.now += 1
    sleep(seconds)


def _take_a_nonce(chain: ChainClient, signer: LocalSigner, counter: bytes, number: int, foreign: list[int]) -> None:
    """The same key sends from elsewhere; the node takes it unless one of ours waits with that nonce."""
    nonce = chain.nonce(signer.address)
    raw = signer.sign_transaction(Transaction(20590, nonce, counter, number.to_bytes(32, "big"), 90_000))
    with suppress(RpcError):
        chain.send_raw(raw)
        foreign.append(number)


def test_threads_that_submit_at_once_send_each_act_once(
    plain_ledger: LedgerProcess, counter: bytes, tmp_path: Path
) -> None:
    client, signer = ChainClient(plain_ledger.http), LocalSigner.generate()
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)

    def submit_all() -> None:
        for number in range(2000, 2010):
            outbox.submit(f"act {number}", counter, number.to_bytes(32, "big"), gas=80_000)

    threads = [Thread(target=submit_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(2000, 2010):
        outbox.wait(f"act {number}", 120)
    assert [client.storage(counter, number) for number in range(2000, 2010)] == [1] * 10
    assert client.nonce(signer.address) == 10
    outbox.close()


def test_an_act_that_was_not_heard_and_is_refused_later_by_another_node_is_cancelled_first(
    plain_ledger: LedgerProcess, counter: bytes, tmp_path: Path
) -> None:
    signer, time = LocalSigner.generate(), Time()
    with proxied(plain_ledger.http) as one, proxied(plain_ledger.http) as other:
        client = client_of(time, one.url, other.url)
        outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, resend_after=0)
        refusal = {"error": {"code": -32000, "message": "insufficient funds for gas * price + value"}}
        other.rule = lambda method, params: refusal if method == "eth_sendRawTransaction" else FORWARD
        one.rule = lambda method, params: Http(502)
        sent = outbox.submit("act", counter, (3000).to_bytes(32, "big"), gas=80_000)
        assert (sent.status, sent.nonce) == (Status.SUBMITTED, 0)
        one.rule = other.rule = lambda method, params: FORWARD
        done = outbox.wait("act", 120, pause=lambda seconds: _pass(time, seconds))
        assert (done.status, str(done.cause)) == (
            Status.REFUSED,
            "RefusedByNode(words=insufficient funds for gas * price + value)",
        )
        outbox.close()
    chain = ChainClient(plain_ledger.http)
    assert (chain.storage(counter, 3000), chain.nonce(signer.address)) == (0, 1)


def test_acts_that_threads_want_meanwhile_are_handed_in_together_each_with_a_nonce_and_an_answer_of_its_own(
    plain_ledger: LedgerProcess, counter: bytes, tmp_path: Path
) -> None:
    numbers, broken = range(4000, 4006), 4004
    with proxied(plain_ledger.http) as proxy:
        client, signer = ChainClient(proxy.url), LocalSigner.generate()
        outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
        told: dict[int, Status] = {}

        def submit(number: int) -> None:
            gas = 20_000 if number == broken else 80_000
            told[number] = outbox.submit(f"act {number}", counter, number.to_bytes(32, "big"), gas=gas).status

        threads = [Thread(target=submit, args=(number,)) for number in numbers]
        wishes = outbox._wishes
        with outbox._lock:
            threads[0].start()
            while not wishes._is_led or wishes._waiting:  # until it has begun for itself alone, which takes the lock
                sleep(0.01)
            for thread in threads[1:]:
                thread.start()
            while len(wishes._waiting) < len(threads) - 1:
                sleep(0.01)
        for thread in threads:
            thread.join()
        assert {number for number in numbers if told[number] is Status.REFUSED} == {broken}
        sent = [outbox.wait(f"act {number}") for number in numbers]
        assert [each.status is Status.FINAL for each in sent] == [number != broken for number in numbers]
        nonces = [each.nonce for each in sent if each.nonce is not None]
        assert sorted(nonces) == list(range(client.nonce(signer.address)))
        assert [client.storage(counter, number) for number in numbers] == [number != broken for number in numbers]
        outbox.close()


def test_nobody_sends_while_no_node_answers(plain_ledger: LedgerProcess, tmp_path: Path) -> None:
    with pytest.raises(ChainUnavailable):
        Outbox(tmp_path / "outbox.sqlite", ChainClient("http://127.0.0.1:1"), LocalSigner.generate())
