"""JSON-RPC 2.0: from a request's bytes to a response's bytes. Knows no transport."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger_node.embedded.node import Node
from ledger_node.embedded.rpc.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    KNOWN_ERRORS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    TIMEOUT,
    RpcError,
    as_rpc_error,
)
from ledger_node.embedded.rpc.methods import METHODS
from ledger_node.embedded.rpc.params import Params

MAX_BATCH = 1_000
BATCH_SECONDS = 30.0
"""After which what is left of a batch is not begun."""
MAX_DEPTH = 64
"""Of arrays and objects within each other in a request."""
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers requests on one node. `special` maps further method names to what answers them."""

    node: Node
    special: Mapping[str, Callable[[Params], object]]

    def handle(self, body: bytes) -> bytes | None:
        """The response to one request or a batch; None when nothing in it wants an answer."""
        try:
            request = _parsed(body)
        except ValueError:
            return _bytes(_failure(None, RpcError(PARSE_ERROR, "parse error")))
        if not isinstance(request, list):
            return _bytes(self._answer(request))
        if not request:
            return _bytes(_failure(None, RpcError(INVALID_REQUEST, "empty batch")))
        if len(request) > MAX_BATCH:
            return _bytes(_failure(None, RpcError(INVALID_REQUEST, f"batch too large, at most {MAX_BATCH}")))
        until = time.monotonic() + BATCH_SECONDS
        answers = [answer for each in request if (answer := self._answer(each, until)) is not None]
        return _bytes(answers) if answers else None

    def call(self, method: str, values: object) -> object:
        """The result of one method. Raises RpcError."""
        if isinstance(values, dict):
            raise RpcError(INVALID_PARAMS, "non-array args")
        given = list(values) if isinstance(values, list | tuple) else []
        special = self.special.get(method)
        if special is None and method not in METHODS:
            raise RpcError(METHOD_NOT_FOUND, f"the method {method} does not exist/is not available")
        try:
            if special is not None:
                return special(Params(given, 2))
            most, answer = METHODS[method]
            return answer(self.node, Params(given, most))
        except KNOWN_ERRORS as error:
            raise as_rpc_error(error) from None

    def _answer(self, request: object, until: float = float("inf")) -> Json | None:
        if not isinstance(request, dict):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        identity = request.get("id")
        method = request.get("method")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str) or isinstance(identity, dict | list | bool):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        try:
            if time.monotonic() > until:
                raise RpcError(TIMEOUT, "request timed out")
            result = self.call(method, request.get("params", []))
        except RpcError as error:
            answer = _failure(identity, error)
        else:
            answer = {"jsonrpc": "2.0", "id": identity, "result": result}
        return answer if "id" in request else None


def _parsed(body: bytes) -> object:
    """The JSON value of `body`. Raises ValueError, also for what is nested so deep that reading it overflows the stack.

    Python's own guard does not help: the machine needs its limit of recursion to be far above what the stack holds.
    """
    text = body.decode()
    if text.count("[") + text.count("{") > MAX_DEPTH:
        depth = 0
        for bracket in _BRACKETS.findall(_STRINGS.sub("", text)):
            depth += 1 if bracket in "[{" else -1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH}")
    value: object = json.loads(text)
    return value


def _failure(identity: object, error: RpcError) -> Json:
    return {"jsonrpc": "2.0", "id": identity, "error": error.as_json()}


def _bytes(answer: object) -> bytes | None:
    return None if answer is None else json.dumps(answer, separators=(",", ":")).encode()
