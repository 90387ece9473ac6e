"""A provider of web3.py over kept connections of the standard library: its own spends ten times the processor time.

Nothing of the environment is heeded (proxies, .netrc), no redirect is followed, no address is logged.
"""

import gzip
import ssl
import weakref
import zlib
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from ledger_node.settings import is_this_machine

_KEPT = 64
"""So many connections at most wait for the next request."""
_SAFE = "/%:@!$&'()*+,;=~?"
"""What a path or query keeps as it is (RFC 3986, 3.3 and 3.4)."""


class HttpError(Exception):
    """A request has no answer that counts: a few words that name no address.

    `status` and `retry_after` (the header) are those of an answer. `is_taken`: the other side took the request.
    """

    def __init__(self, words: str, *, is_taken: bool, status: int | None = None, retry_after: str = "") -> None:
        super().__init__(words)
        self.is_taken = is_taken
        self.status = status
        self.retry_after = retry_after


class KeptHttpProvider(JSONBaseProvider):
    """JSON-RPC over HTTP to one address, for several threads. Requests raise HttpError; ValueError: it is no JSON."""

    def __init__(self, url: str, timeout: float) -> None:
        """`timeout` in seconds, for connecting and for each wait for more of an answer. A wrong `url` is told later."""
        super().__init__()
        self._address, self._timeout = _address(url), timeout
        self._kept: deque[HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._kept)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer to one request."""
        return self.decode_rpc_response(self._post(self.encode_rpc_request(method, params)))

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """The answers to several requests in one, or the one error that stands for all."""
        return self.decode_rpc_response(self._post(self.encode_batch_rpc_request(requests)))

    def _post(self, body: bytes) -> bytes:
        """What is answered. Asked anew where a connection that was kept was closed meanwhile by the other side."""
        if self._address is None:
            raise HttpError("invalid address", is_taken=False)
        while True:
            try:
                connection, is_new = self._kept.pop(), False
            except IndexError:
                connection, is_new = _connected(self._address, self._timeout), True
            try:
                return self._answer(connection, self._address, body)
            except (OSError, HTTPException) as error:
                connection.close()
                if isinstance(error, TimeoutError):
                    raise HttpError("read timeout", is_taken=True) from None
                if isinstance(error, IncompleteRead):
                    raise HttpError("answer cut off", is_taken=True) from None
                if is_new:
                    raise HttpError("connection error", is_taken=False) from None

    def _answer(self, connection: HTTPConnection, address: "_Address", body: bytes) -> bytes:
        connection.request("POST", address.path, body, address.headers)
        response = connection.getresponse()
        told = response.read()
        if response.will_close or len(self._kept) >= _KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        if response.status // 100 != 2:
            words, retry_after = f"HTTP status {response.status}", response.headers.get("retry-after", "")
            raise HttpError(words, is_taken=True, status=response.status, retry_after=retry_after)
        if response.headers.get("content-encoding", "").lower() != "gzip":
            return told
        try:
            return gzip.decompress(told)
        except (OSError, EOFError, zlib.error):
            raise HttpError("answer cut off", is_taken=True) from None


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int | None
    is_secure: bool
    path: str
    headers: Mapping[str, str]


def _address(url: str) -> _Address | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    headers = {"content-type": "application/json"}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = "Basic " + b64encode(user.encode()).decode()
    if not is_this_machine(host):
        headers["accept-encoding"] = "gzip"
    path = quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")
    return _Address(host, port, parts.scheme == "https", path, headers)


def _connected(address: _Address, timeout: float) -> HTTPConnection:
    if address.is_secure:
        context = ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(address.host, address.port, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(address.host, address.port, timeout=timeout)
    try:
        connection.connect()
    except TimeoutError:
        raise HttpError("connect timeout", is_taken=False) from None
    except ssl.SSLCertVerificationError:
        raise HttpError("its certificate is not one that is believed", is_taken=False) from None
    except OSError:
        raise HttpError("connection error", is_taken=False) from None
    return connection


def _close_all(kept: deque[HTTPConnection]) -> None:
    for connection in kept:
        connection.close()
