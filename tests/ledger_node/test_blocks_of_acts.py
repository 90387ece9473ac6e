"""Acts that a block holds together are learnt of together, each from its own receipt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.client import ChainClient
from ledger_node.keys import LocalSigner
from ledger_node.outbox import GasPolicy, Outbox, Status
from ledger_node.sights import MANY
from ledger_node.transactions import Transaction
from tests.ledger_node.proxy_kit import FORWARD, Http, Proxy, proxied
from tests.ledger_node.test_outbox import ANVIL_KEY, TARGET
from tests.ledger_node.test_pursuit import RICH

REVERTING = bytes.fromhex("63deadbeef6000526004601cfd")
"""Creation that reverts with deadbeef."""
COUNT = 2 * MANY
BROKEN = 2
"""The act among them that fails."""


@pytest.fixture
def node(anvil: str) -> Iterator[Proxy]:
    """A node that makes no block until it is told to."""
    client = ChainClient(anvil)
    client.request("evm_setAutomine", False)
    with proxied(anvil) as proxy:
        yield proxy
    client.request("evm_mine")
    client.request("evm_setAutomine", True)


@pytest.fixture
def outbox(tmp_path: Path, node: Proxy) -> Iterator[Outbox]:
    """An outbox whose acts, one that fails among them, are in one block with the transactions of somebody else."""
    client, other = ChainClient(node.url), LocalSigner(ANVIL_KEY)
    policy = GasPolicy.of_chain(client)
    opened = Outbox(tmp_path / "outbox.sqlite", client, LocalSigner(RICH), policy=policy)
    first = client.nonce(other.address)
    for number in range(COUNT):
        client.send_raw(
            other.sign_transaction(Transaction(31337, first + number, TARGET, b"", 60_000 + number, policy.fee))
        )
        target, data = (None, REVERTING) if number == BROKEN else (TARGET, bytes([number]) * number)
        opened.submit(f"act {number}", target, data, gas=100_000)
    client.request("evm_mine")
    node.asked.clear()
    yield opened
    opened.close()


def check(outbox: Outbox, node: Proxy) -> None:
    client = ChainClient(node.url)
    for number in range(COUNT):
        sent = outbox.find(f"act {number}")
        assert sent is not None
        assert sent.status is (Status.REFUSED if number == BROKEN else Status.FINAL)
        assert str(sent.cause) == ("UnknownError(data=0xdeadbeef)" if number == BROKEN else "None")
        receipt = client.receipt(sent.transaction_hash)
        assert receipt is not None
        assert (sent.gas_used, sent.block_number) == (receipt.gas_used, receipt.block_number)
        call = client.mined_call(sent.transaction_hash)
        assert call is not None
        assert (call.sender, call.nonce) == (LocalSigner(RICH).address, sent.nonce)


def test_the_receipts_of_a_block_are_asked_for_once(outbox: Outbox, node: Proxy) -> None:
    assert len(outbox.step()) == COUNT
    asked = dict(node.asked)
    assert asked["eth_getBlockReceipts"] == 1
    assert asked["eth_getTransactionReceipt"] == 2  # one that shows the block, one for what the failed act returned
    check(outbox, node)


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": -32601, "message": "the method does not exist"}},
        {"error": {"code": -32000, "message": "response size too large"}},
        {"error": {"code": -32604, "message": "method not enabled"}},
        {"result": None},
        {"result": [{"transactionHash": ["0x01"]}]},
        Http(403),
    ],
    ids=["unknown", "too large", "not enabled", "nothing", "no hash", "forbidden"],
)
def test_a_node_that_does_not_tell_them_together_is_asked_for_each(outbox: Outbox, node: Proxy, answer: object) -> None:
    node.rule = lambda method, params: answer if method == "eth_getBlockReceipts" else FORWARD
    assert len(outbox.step()) == COUNT
    assert node.asked["eth_getBlockReceipts"] == 1
    check(outbox, node)


def test_the_receipts_of_blocks_with_few_acts_are_asked_for_by_act(outbox: Outbox, node: Proxy) -> None:
    def scarce(method: str, params: list[object]) -> object:
        if method != "eth_getBlockReceipts":
            return FORWARD
        told = node.forward(method, params)
        return {"result": told["result"][-1:]}

    node.rule = scarce
    assert len(outbox.step()) == COUNT
    assert node.asked["eth_getBlockReceipts"] == 1
    check(outbox, node)
