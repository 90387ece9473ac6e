"""Requests over kept connections: what is sent, what counts as an answer, and what a failure is called."""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from web3.types import RPCEndpoint

from ledger_node.http_provider import HttpError, KeptHttpProvider
from tests.ledger_node.test_remote_signer import authority

ANSWER = b'{"jsonrpc":"2.0","id":0,"result":"0x1"}'
METHOD = RPCEndpoint("eth_chainId")


def http(body: bytes = ANSWER, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


@dataclass
class Node:
    """Gives one answer after the other, on whatever connection; after an empty one it closes the connection."""

    url: str
    answers: list[bytes]
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with connection, suppress(OSError, IndexError), connection.makefile("rb") as file:
            while head := b"".join(iter(file.readline, b"\r\n")).decode() if file.peek() else "":
                self.heads.append(head)
                length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
                self.bodies.append(file.read(length))
                connection.sendall(self.answers.pop(0))
                if not self.answers or not self.answers[0]:
                    del self.answers[:1]
                    return


@contextmanager
def node(*answers: bytes, context: ssl.SSLContext | None = None) -> Iterator[Node]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "https" if context else "http"
        made = Node(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", list(answers))

        def serve(connection: socket.socket) -> None:
            with suppress(OSError):
                made.serve(context.wrap_socket(connection, server_side=True) if context else connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield made
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "connection error"),
        ("ftp://127.0.0.1:1", "invalid address"),
        ("http://127.0.0.1:port", "invalid address"),
        ("127.0.0.1", "invalid address"),
    ],
)
def test_where_nobody_is_reached_nothing_was_taken(url: str, words: str) -> None:
    with pytest.raises(HttpError, match=f"^{words}$") as caught:
        KeptHttpProvider(url, 60.0).make_request(METHOD, [])
    assert not caught.value.is_taken


@pytest.mark.parametrize(
    ("answer", "words", "is_taken"),
    [
        (http()[:-5], "answer cut off", True),
        (http(ANSWER, headers="content-encoding: gzip\r\n"), "answer badly packed", True),
        (http(status="503 Service Unavailable"), "HTTP status 503", True),
        (http(status="307 Temporary Redirect", headers="location: http://127.0.0.1:1/\r\n"), "HTTP status 307", True),
        (b"SSH-2.0-server\r\n", "connection error", False),
    ],
)
def test_what_is_no_answer_is_told(answer: bytes, words: str, is_taken: bool) -> None:
    with node(answer) as made, pytest.raises(HttpError, match=f"^{words}$") as caught:
        KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])
    assert caught.value.is_taken is is_taken


def test_a_packed_answer_that_is_cut_off_is_no_json() -> None:
    cut = http(gzip.compress(ANSWER)[:-20], headers="content-encoding: gzip\r\n")
    with node(cut) as made, pytest.raises(ValueError, match="Could not decode"):
        KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])


def test_a_pause_that_is_asked_for_is_told_with_its_seconds() -> None:
    busy = http(status="429 Too Many Requests", headers="retry-after: 7\r\n")
    with node(busy) as made, pytest.raises(HttpError) as caught:
        KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])
    assert (caught.value.status, caught.value.retry_after) == (429, "7")


def test_a_silent_node_is_waited_for_no_longer_than_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        provider = KeptHttpProvider(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.1)
        with pytest.raises(HttpError, match="^read timeout$") as caught:
            provider.make_request(METHOD, [])
    assert caught.value.is_taken


def test_a_node_is_believed_by_the_authorities_of_this_system_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    with node(http(), context=context) as made:
        with pytest.raises(HttpError, match="^its certificate is not one that is believed$") as caught:
            KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])
        assert not caught.value.is_taken
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])["result"] == "0x1"


def test_one_connection_carries_one_request_after_the_other() -> None:
    with node(http(), http(), http()) as made:
        provider = KeptHttpProvider(made.url, 60.0)
        assert [provider.make_request(METHOD, [])["result"] for _ in range(3)] == ["0x1"] * 3
    assert made.connections == 1
    assert [json.loads(each)["id"] for each in made.bodies] == [0, 1, 2]


def test_a_request_on_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    with node(http(), b"", http()) as made:
        provider = KeptHttpProvider(made.url, 60.0)
        assert [provider.make_request(METHOD, [])["result"] for _ in range(2)] == ["0x1"] * 2
    assert made.connections == 2


def test_a_node_that_closes_each_connection_unanswered_is_given_up() -> None:
    with node(http(), b"", b"", b"") as made:
        provider = KeptHttpProvider(made.url, 60.0)
        provider.make_request(METHOD, [])
        with pytest.raises(HttpError, match="^connection error$"):
            provider.make_request(METHOD, [])


def test_address_and_credentials_of_the_url_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with node(http()) as made:
        url = made.url.replace("//", "//user:p%40ss%E2%82%AC@") + "/v3/key?token=a%20b"
        assert KeptHttpProvider(url, 60.0).make_request(METHOD, [])["result"] == "0x1"
    assert made.heads[0].startswith("POST /v3/key?token=a%20b HTTP/1.1\r\n")
    assert "authorization: Basic dXNlcjpwQHNz4oKs\r\n" in made.heads[0]
    assert "Accept-Encoding: identity\r\n" in made.heads[0]


def test_answers_may_be_packed() -> None:
    with node(http(gzip.compress(ANSWER), headers="content-encoding: gzip\r\n")) as made:
        assert KeptHttpProvider(made.url, 60.0).make_request(METHOD, [])["result"] == "0x1"


def test_several_requests_go_as_one() -> None:
    told = [{"jsonrpc": "2.0", "id": at, "result": hex(at)} for at in range(2)]
    with node(http(json.dumps(told).encode())) as made:
        assert KeptHttpProvider(made.url, 60.0).make_batch_request([(METHOD, []), (METHOD, [])]) == told
    assert [each["id"] for each in json.loads(made.bodies[0])] == [0, 1]
