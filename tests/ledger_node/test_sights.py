"""What an outbox asks a node for: several acts in one request, and nothing twice that it knows already."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.outbox import Outbox, Status
from tests.ledger_node.outbox_kit import until
from tests.ledger_node.proxy_kit import FORWARD, Http, Proxy, proxied
from tests.ledger_node.test_pursuit import Clock

TARGET = b"\x0b" * 20


@pytest.fixture
def node(plain_ledger: LedgerProcess) -> Iterator[Proxy]:
    with proxied(plain_ledger.http) as proxy:
        yield proxy


def opened(folder: Path, node: Proxy, finality: int = 0, clock: Clock | None = None) -> Outbox:
    client = ChainClient(node.url)
    return Outbox(folder / "outbox.sqlite", client, LocalSigner.generate(), finality=finality, clock=clock or time.time)


@pytest.mark.parametrize("takes_batches", [True, False])
def test_acts_that_no_node_heard_are_handed_in_together_where_the_node_takes_batches(
    node: Proxy, tmp_path: Path, takes_batches: bool
) -> None:
    node.takes_batches, clock = takes_batches, Clock()
    outbox = opened(tmp_path, node, clock=clock)
    node.rule = lambda method, params: Http(502) if method == "eth_sendRawTransaction" else FORWARD
    sent = [outbox.submit(f"act {number}", TARGET, b"", gas=50_000) for number in range(3)]
    node.rule = lambda method, params: (
        {"error": {"code": -32600, "message": "invalid request"}} if method == "a batch" else FORWARD
    )
    clock.now += 6
    outbox.step()
    assert [outbox.wait(each.key).transaction_hash for each in sent] == [each.transaction_hash for each in sent]
    assert (node.asked["a batch"] > 0) is not takes_batches
    outbox.close()


def test_what_the_node_has_is_not_sent_again(node: Proxy, tmp_path: Path) -> None:
    clock = Clock()
    outbox = opened(tmp_path, node, clock=clock)
    hide = {"eth_getTransactionCount": "0x0", "eth_getTransactionReceipt": None}
    node.rule = lambda method, params: {"result": hide[method]} if method in hide else FORWARD
    outbox.submit("act", TARGET, b"", gas=50_000)
    for _ in range(3):
        clock.now += 6
        outbox.step()
    assert node.asked["eth_sendRawTransaction"] == 1
    node.rule = lambda method, params: FORWARD
    assert outbox.wait("act").status is Status.FINAL
    outbox.close()


def test_the_receipt_of_an_act_is_asked_for_until_there_is_one_and_not_again(node: Proxy, tmp_path: Path) -> None:
    outbox = opened(tmp_path, node, finality=2)
    outbox.submit("first", TARGET, b"", gas=50_000)
    until(outbox, "first", Status.INCLUDED)
    asked = node.asked["eth_getTransactionReceipt"]
    outbox.step()
    assert node.asked["eth_getTransactionReceipt"] == asked
    for number in range(2):
        outbox.submit(f"later {number}", TARGET, b"", gas=50_000)
        until(outbox, f"later {number}", Status.INCLUDED)
    before = node.asked["eth_getTransactionReceipt"]
    assert until(outbox, "first", Status.FINAL).block_number is not None
    assert node.asked["eth_getTransactionReceipt"] == before
    outbox.close()


def test_what_changed_of_an_act_while_the_node_was_asked_is_kept(node: Proxy, tmp_path: Path) -> None:
    outbox = opened(tmp_path, node)
    outbox.submit("act", TARGET, b"", gas=50_000)
    changes: list[int] = []

    def changing(method: str, params: list[object]) -> object:
        if method == "eth_getTransactionReceipt":
            with outbox._lock:
                act = outbox._store.find("act")
                assert act is not None
                outbox._store.save(replace(act, drops=act.drops + 1))
                changes.append(act.drops + 1)
        return FORWARD

    node.rule = changing
    end = time.monotonic() + 120
    while len(changes) < 2 and time.monotonic() < end:
        outbox.step()
        time.sleep(0.02)
    node.rule = lambda method, params: FORWARD
    assert outbox.wait("act").drops == len(changes) > 1
    outbox.close()


def test_an_act_in_a_block_that_was_replaced_is_submitted_again(node: Proxy, tmp_path: Path) -> None:
    outbox = opened(tmp_path, node, finality=2)
    outbox.submit("act", TARGET, b"", gas=50_000)
    block = until(outbox, "act", Status.INCLUDED).block_number
    other = node.forward("eth_getBlockByNumber", ["0x0", False])
    gone = {"eth_getBlockByNumber": other, "eth_getTransactionReceipt": {"result": None}}
    gone["eth_getTransactionCount"] = {"result": "0x0"}

    def replaced(method: str, params: list[object]) -> object:
        return FORWARD if params[:1] == ["latest"] else gone.get(method, FORWARD)

    node.rule = replaced
    outbox.step()
    found = outbox.find("act")
    assert found is not None
    assert (found.status, found.block_number) == (Status.SUBMITTED, None)
    assert node.asked["eth_sendRawTransaction"] == 1
    node.rule = lambda method, params: FORWARD
    assert until(outbox, "act", Status.INCLUDED).block_number == block
    outbox.close()
