"""A provider of web3.py over urllib3's kept connections: its own, over requests, spends ten times the processor time.

Nothing of the environment is heeded (proxies, .netrc), no redirect is followed, no address is logged.
"""

import logging
import ssl
from base64 import b64encode
from http.client import IncompleteRead
from typing import Any
from urllib.parse import unquote

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout, make_headers
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Url, parse_url
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from ledger_node.settings import is_this_machine

_KEPT = 64
"""So many connections at most wait for the next request."""
# Their lines hold paths, and paths may hold credentials.
for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).setLevel(logging.ERROR)


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
        self._target, self._pool = "/", None
        try:
            address = parse_url(url)
        except LocationValueError:
            return
        self._target, self._pool = address.request_uri, _pool(address, timeout)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer to one request."""
        return self.decode_rpc_response(self._post(self.encode_rpc_request(method, params)))

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """The answers to several requests in one, or the one error that stands for all."""
        return self.decode_rpc_response(self._post(self.encode_batch_rpc_request(requests)))

    def _post(self, body: bytes) -> bytes:
        if self._pool is None:
            raise HttpError("invalid address", is_taken=False)
        try:
            response = _asked(self._pool, self._target, body)
        except HTTPError as error:
            raise _told(error) from None
        if response.status // 100 != 2:
            words, retry_after = f"HTTP status {response.status}", response.headers.get("retry-after", "")
            raise HttpError(words, is_taken=True, status=response.status, retry_after=retry_after)
        return response.data


def _asked(pool: HTTPConnectionPool, target: str, body: bytes) -> BaseHTTPResponse:
    """The answer; asked for anew, once, where a connection that was kept was closed meanwhile by the other side."""
    try:
        return pool.urlopen("POST", target, body, redirect=False, retries=False)
    except ProtocolError as error:
        if not isinstance(error.args[-1], ConnectionError):
            raise
    return pool.urlopen("POST", target, body, redirect=False, retries=False)


def _pool(address: Url, timeout: float) -> HTTPConnectionPool | None:
    if not address.host or address.scheme not in ("http", "https"):
        return None
    headers = {"content-type": "application/json"}
    if address.auth is not None:
        user = b64encode(unquote(address.auth).encode()).decode()
        headers["authorization"] = f"Basic {user}"
    if not is_this_machine(address.host.strip("[]")):
        headers |= make_headers(accept_encoding="gzip")
    options: dict[str, Any] = {"maxsize": _KEPT, "headers": headers, "timeout": Timeout(connect=timeout, read=timeout)}
    if address.scheme == "http":
        return HTTPConnectionPool(address.host, address.port, **options)
    return HTTPSConnectionPool(address.host, address.port, ssl_context=ssl.create_default_context(), **options)


def _told(error: HTTPError) -> HttpError:
    """An error of urllib3 in two or three words: its own text repeats addresses and may hold credentials."""
    cause = error.args[-1] if error.args else None
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return HttpError("connect timeout", is_taken=False)
    if isinstance(error, ReadTimeoutError):
        return HttpError("read timeout", is_taken=True)
    if isinstance(error, DecodeError):
        return HttpError("answer badly packed", is_taken=True)
    if isinstance(cause, IncompleteRead):
        return HttpError("answer cut off", is_taken=True)
    if isinstance(error, SSLError) and isinstance(cause, ssl.SSLCertVerificationError):
        return HttpError("its certificate is not one that is believed", is_taken=False)
    return HttpError("connection error", is_taken=False)
