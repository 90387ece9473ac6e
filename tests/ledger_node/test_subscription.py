"""New blocks over WebSocket: whom it does not listen to first, then that it hears, and comes back."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

import pytest
from websockets.sync.server import ServerConnection, serve

from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.subscription import HeadSubscription
from ledger_node.transactions import Transaction
from tests.ledger_node.relay import relayed

CHAIN_ID = 20590
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _whatever_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Also what is said of a second attempt, after a slow machine has failed the first."""
    caplog.set_level(logging.DEBUG)


class Heard:
    """What a subscription tells."""

    def __init__(self) -> None:
        self.numbers: Queue[int] = Queue()
        self.states: Queue[bool] = Queue()


@contextmanager
def listening(url: str, chain_id: int = CHAIN_ID) -> Iterator[Heard]:
    heard = Heard()
    subscription = HeadSubscription(url, chain_id, heard.numbers.put, heard.states.put, first_pause=0.1)
    subscription.start()
    try:
        yield heard
    finally:
        subscription.close()


@contextmanager
def answering(*texts: str) -> Iterator[str]:
    """A server that says these texts, one for each message and then by itself."""

    def talk(connection: ServerConnection) -> None:
        for number, text in enumerate(texts):
            if number < 2:
                connection.recv()
            connection.send(text)
        connection.recv()

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def warned(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    end = threading.Event()
    for _ in range(int(PATIENCE / 0.1)):
        if words in caplog.text:
            return True
        end.wait(0.1)
    return False


def test_a_node_of_another_chain_is_not_listened_to(
    plain_ledger: LedgerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(plain_ledger.ws, 7) as heard:
        assert warned(caplog, "serves chain 20590, not 7")
    assert heard.states.empty()


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("no JSON",), "does not speak JSON-RPC"),
        (('{"id": 1}',), "does not tell its chain"),
        (('{"result": "0x506e"}', '{"error": {"code": -32601}}'), "knows no subscriptions"),
        (('{"result": "0x506e"}', '{"result": "0x1"}', '{"params": {"result": {}}}'), "tells what is no new block"),
    ],
)
def test_who_does_not_tell_new_blocks_is_left(texts: tuple[str, ...], words: str, caplog: pytest.LogCaptureFixture):
    with answering(*texts) as url, listening(url) as heard:
        assert warned(caplog, words)
    assert heard.numbers.empty()


@pytest.mark.parametrize("url", ["ws://name:secret@127.0.0.1:1/secret?key=secret", "nonsense"])
def test_an_address_that_cannot_be_reached_is_told_without_what_it_hides(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(url) as heard:
        assert warned(caplog, "does not tell new blocks")
    assert heard.states.empty()
    assert "secret" not in caplog.text


def test_it_hears_of_a_block_also_after_it_was_cut_off(plain_ledger: LedgerProcess) -> None:
    client, signer = ChainClient(plain_ledger.http), LocalSigner.generate()
    with relayed(plain_ledger.port) as relay, listening(f"ws://127.0.0.1:{relay.port}") as heard:
        for nonce in range(2):
            assert heard.states.get(timeout=PATIENCE)
            before = client.block_number()
            client.send_raw(signer.sign_transaction(Transaction(CHAIN_ID, nonce, bytes(20), b"", 30_000)))
            while heard.numbers.get(timeout=PATIENCE) <= before:
                pass
            relay.cut()
            assert not heard.states.get(timeout=PATIENCE)
            relay.mend()
