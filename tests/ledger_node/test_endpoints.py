"""A client of several nodes: the next one is asked when one fails, lags, or is of another chain."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from ledger_node.batches import Call
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.endpoints import Endpoint, Endpoints, NodeBusy, TooMuch
from ledger_node.http_provider import KeptHttpProvider
from ledger_node.keys import LocalSigner
from ledger_node.node_addresses import node_name
from ledger_node.transactions import Transaction, transaction_hash
from tests.ledger_node.proxy_kit import FORWARD, Http, Proxy, proxied

LONG, SHORT = 60.0, 0.5


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def two(plain_ledger: LedgerProcess) -> Iterator[tuple[Proxy, Proxy]]:
    with ExitStack() as stack:
        yield stack.enter_context(proxied(plain_ledger.http)), stack.enter_context(proxied(plain_ledger.http))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def _slow_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is only slow, as this machine may be, is asked nevertheless."""
    monkeypatch.setattr("ledger_node.endpoints.PROBE_TIMEOUT", LONG)


def client_of(time: Time, *urls: str, timeout: float = LONG) -> ChainClient:
    """`timeout` is that of the first node."""
    client = ChainClient(urls)
    endpoints = [Endpoint(url, node_name(url), LONG if at else timeout) for at, url in enumerate(urls)]
    client._endpoints = Endpoints(endpoints, patience=5.0, clock=time, pause=time.sleep)
    return client


def test_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ChainClient(())


def test_when_no_node_answers_the_last_one_is_named(time: Time) -> None:
    with pytest.raises(ChainUnavailable, match=r"^node http://127.0.0.1:2 does not answer: connection error"):
        client_of(time, "http://127.0.0.1:1", "http://user:p@ss@127.0.0.1:2/v1/secret?key=secret").block_number()


@pytest.mark.parametrize("broken", [Http(502), Http(200), Http(429), {"error": {"code": -32005, "message": "rate"}}])
def test_what_one_node_does_not_answer_the_next_one_does(two: tuple[Proxy, Proxy], time: Time, broken: object) -> None:
    client = client_of(time, two[0].url, two[1].url)
    two[0].rule = lambda method, params: broken
    client.block_number()
    first, second = client.endpoints()
    assert (first.healthy, first.failures, second.healthy, second.current) == (False, 1, True, True)
    assert first.last_error
    asked = two[0].asked.total()
    client.block_number()
    assert two[0].asked.total() == asked


def test_a_node_that_hangs_is_left_for_the_next_one(two: tuple[Proxy, Proxy], time: Time) -> None:
    two[0].rule = lambda method, params: Http(200, hang=30)
    client = client_of(time, two[0].url, two[1].url, timeout=SHORT)
    client.block_number()
    assert client.endpoints()[0].last_error == "read timeout"


def test_an_error_is_an_answer_and_no_reason_to_ask_another_node(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url, two[1].url)
    two[0].rule = lambda method, params: (
        {"error": {"code": -32005, "message": "query returned more than 10000 results"}}
        if method == "eth_getLogs"
        else FORWARD
    )
    with pytest.raises(RpcError, match="more than 10000 results"):
        client.logs(0, 0)
    assert two[1].asked["eth_getLogs"] == 0


def test_a_pause_that_a_node_asks_for_is_kept(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url)
    two[0].rule = lambda method, params: Http(429, (("Retry-After", "3"),))
    with pytest.raises(ChainUnavailable, match="HTTP status 429"):
        client.block_number()
    two[0].rule = lambda method, params: FORWARD
    client.block_number()
    assert time.now == 3
    two[0].rule = lambda method, params: Http(429, (("Retry-After", "30"),))
    for _ in range(3):
        with pytest.raises(ChainUnavailable):
            client.block_number()
    assert two[0].asked.total() == 3
    assert time.now == 3


def test_a_node_of_another_chain_is_never_asked_for_it(two: tuple[Proxy, Proxy], time: Time, anvil: str) -> None:
    for _ in range(9):
        ChainClient(anvil).request("evm_mine")  # a foreign chain is not preferred for being longer
    two[0].rule = lambda method, params: FORWARD if time.now == 0 else Http(502)
    client = client_of(time, two[0].url, anvil)
    assert client.chain_id() == 20590
    time.now = 6
    with pytest.raises(ChainUnavailable):
        client.chain_id()
    assert [each.last_error for each in client.endpoints()] == ["HTTP status 502", "serves another chain"]


def test_a_node_that_lags_is_left_and_taken_again_when_it_has_caught_up(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url, two[1].url)
    two[1].rule = lambda method, params: {"result": "0x7"} if method == "eth_blockNumber" else FORWARD
    two[0].rule = lambda method, params: {"result": "0x1"} if method == "eth_blockNumber" else FORWARD
    assert client.block_number() == 7
    assert [(each.healthy, each.lag) for each in client.endpoints()] == [(False, 6), (True, 0)]
    two[0].rule = two[1].rule
    two[1].rule = lambda method, params: Http(502)
    time.now = 6
    assert client.block_number() == 7
    assert [each.healthy for each in client.endpoints()] == [True, False]


def test_a_pinned_client_stays_with_one_node_and_fails_with_it(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url, two[1].url)
    client.block_number()
    pinned = client.pinned()
    two[0].rule = lambda method, params: Http(502)
    with pytest.raises(ChainUnavailable):
        pinned.block_number()
    before = two[0].asked.total()
    client.pinned().block_number()
    assert two[0].asked.total() == before


def test_a_transaction_may_be_handed_to_two_nodes(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url, two[1].url)
    signer = LocalSigner.generate()

    def heard_and_silent(method: str, params: list[object]) -> object:
        if method == "eth_sendRawTransaction":
            two[0].forward(method, params)
            return Http(502)
        return FORWARD

    two[0].rule = heard_and_silent
    raw = signer.sign_transaction(Transaction(20590, 0, bytes(20), b"", 21_000))
    with suppress(RpcError):  # the second node knows it already
        client.send_raw(raw)
    assert client.mined_call(transaction_hash(raw)) is not None


def test_no_log_names_credentials(two: tuple[Proxy, Proxy], time: Time, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(time, two[0].url + "/v1/hidden/?token=hidden", "http://user:hidden@127.0.0.1:1/hidden")
    with caplog.at_level(logging.DEBUG, "web3"):
        client.block_number()
    assert "hidden" not in caplog.text
    assert "hidden" not in str(client.endpoints())


HEADS = [Call("eth_blockNumber"), Call("eth_chainId")]


@pytest.mark.parametrize(
    "broken",
    [
        Http(413),
        Http(400),
        Http(200),
        Http(200, hang=30),
        {"error": {"code": -32600, "message": "batch too large"}},
        {"error": {"code": -32003, "message": "response too large"}},
    ],
)
def test_a_node_that_has_too_much_at_once_is_as_healthy_as_before(
    two: tuple[Proxy, Proxy], time: Time, broken: object
) -> None:
    client = client_of(time, two[0].url, two[1].url)
    client.chain_id()
    if isinstance(broken, Http) and broken.hang:
        client._endpoints.all[0]._provider = KeptHttpProvider(two[0].url, SHORT)
    two[0].rule = lambda method, params: broken
    with pytest.raises(TooMuch, match=r"http://127\.0\.0\.1:"):
        client.request_all(HEADS)
    first = client.endpoints()[0]
    assert (first.healthy, first.current, first.failures) == (True, True, 0)
    assert two[1].asked["eth_blockNumber"] <= 1


def test_a_pause_that_a_node_asks_for_after_several_requests_in_one_is_kept(
    two: tuple[Proxy, Proxy], time: Time
) -> None:
    client = client_of(time, two[0].url)
    two[0].rule = lambda method, params: Http(429, (("Retry-After", "3"),))
    with pytest.raises(NodeBusy):
        client.request_all(HEADS)
    two[0].rule = lambda method, params: FORWARD
    assert client.request_all(HEADS)[1] == hex(20590)
    assert time.now == 3


def test_several_requests_in_one_are_answered_each_by_itself(two: tuple[Proxy, Proxy], time: Time) -> None:
    client = client_of(time, two[0].url)
    two[0].rule = lambda method, params: (
        {"error": {"code": -32601, "message": "unknown"}} if method == "eth_chainId" else FORWARD
    )
    number, refused = client.request_all(HEADS)
    assert int(number, 16) >= 0
    assert isinstance(refused, RpcError)
