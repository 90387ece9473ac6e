"""JSON-RPC 2.0: from a request's bytes to a response's bytes. Knows no transport."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger_node.embedded.node import Node
from ledger_node.embedded.rpc.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    KNOWN_ERRORS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
    as_rpc_error,
)
from ledger_node.embedded.rpc.methods import METHODS
from ledger_node.embedded.rpc.params import Params

MAX_BATCH = 1_000
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers requests on one node. `special` maps further method names to what answers them."""

    node: Node
    special: Mapping[str, Callable[[Params], object]]

    def handle(self, body: bytes) -> bytes | None:
        """The response to one request or a batch; None when nothing in it wants an answer."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return _bytes(_failure(None, RpcError(PARSE_ERROR, "parse error")))
        if not isinstance(request, list):
            return _bytes(self._answer(request))
        if not request:
            return _bytes(_failure(None, RpcError(INVALID_REQUEST, "empty batch")))
        if len(request) > MAX_BATCH:
            return _bytes(_failure(None, RpcError(INVALID_REQUEST, f"batch too large, at most {MAX_BATCH}")))
        answers = [answer for answer in map(self._answer, request) if answer is not None]
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

    def _answer(self, request: object) -> Json | None:
        if not isinstance(request, dict):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        identity = request.get("id")
        method = request.get("method")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str) or isinstance(identity, dict | list | bool):
            return _failure(None, RpcError(INVALID_REQUEST, "invalid request"))
        try:
            result = self.call(method, request.get("params", []))
        except RpcError as error:
            answer = _failure(identity, error)
        else:
            answer = {"jsonrpc": "2.0", "id": identity, "result": result}
        return answer if "id" in request else None


def _failure(identity: object, error: RpcError) -> Json:
    return {"jsonrpc": "2.0", "id": identity, "error": error.as_json()}


def _bytes(answer: object) -> bytes | None:
    return None if answer is None else json.dumps(answer, separators=(",", ":")).encode()
