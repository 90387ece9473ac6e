"""eth_subscribe on one WebSocket: new heads and logs, pushed after the block's commit."""

import json
import secrets

from ledger_node.embedded.node import Node
from ledger_node.embedded.rpc import formats
from ledger_node.embedded.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from ledger_node.embedded.rpc.params import Params, read_log_query
from ledger_node.embedded.values import LogQuery, SealedBlock

MAX_SUBSCRIPTIONS = 100
_FOREVER = 2**63 - 1


class Subscriptions:
    """What one connection wants to be told."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wanted: dict[str, LogQuery | None] = {}

    def subscribe(self, params: Params) -> str:
        """The id of a new subscription to newHeads or logs. Raises RpcError."""
        kind = params.get(0)
        if len(self._wanted) >= MAX_SUBSCRIPTIONS:
            raise RpcError(SERVER_ERROR, f"at most {MAX_SUBSCRIPTIONS} subscriptions on one connection")
        if kind == "newHeads":
            query = None
        elif kind == "logs":
            chosen = params.optional(1, {})
            found = read_log_query(self._node.store, self._node.head, chosen)
            query = LogQuery(0, _FOREVER, found.addresses, found.topics)
        else:
            raise RpcError(INVALID_PARAMS, f"no {kind!r} subscription in eth namespace")
        identity = "0x" + secrets.token_hex(16)
        self._wanted[identity] = query
        return identity

    def unsubscribe(self, params: Params) -> bool:
        """End a subscription. Raises RpcError when there is none of that id."""
        identity = params.get(0)
        if not isinstance(identity, str) or identity not in self._wanted:
            raise RpcError(SERVER_ERROR, "subscription not found")
        del self._wanted[identity]
        return True

    def messages(self, sealed: SealedBlock) -> list[str]:
        """The notifications that a new block causes, in order."""
        told: list[str] = []
        for identity, query in list(self._wanted.items()):
            if query is None:
                told.append(_message(identity, formats.header_json(sealed.block)))
            else:
                told += [_message(identity, formats.log_json(log)) for log in sealed.logs if query.matches(log)]
        return told


def _message(identity: str, result: object) -> str:
    params = {"subscription": identity, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}, separators=(",", ":"))
