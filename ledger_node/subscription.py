"""New blocks as a node tells them over WebSocket (eth_subscribe newHeads): a hint that there is something to read."""

import json
import logging
import re
import threading
from collections.abc import Callable
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from ledger_node.hexvalues import HexError, read_quantity
from ledger_node.node_addresses import node_name

OPEN_SECONDS = 5.0
"""For the connection, and for each answer before the first block."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_MESSAGE_BYTES = 1 << 20
_LOOK_SECONDS = 0.5
_LOGGER = logging.getLogger("subscription")
# Its lines of level info and debug hold whole addresses, and addresses may hold credentials.
logging.getLogger("websockets.client").setLevel(logging.WARNING)


class SubscriptionError(Exception):
    """The node does not tell new blocks; one line without address."""


class HeadSubscription:
    """Listens to one node in a thread of its own, and comes back after twice as long each time that it is cut off."""

    def __init__(
        self,
        url: str,
        chain_id: int,
        heard: Callable[[int], None],
        listens: Callable[[bool], None],
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """`heard` is told the number of each new block, `listens` when the node begins to tell and when it ends.

        Both are called in the thread. `first_pause` in seconds.
        """
        self._url = url
        self.name = node_name(url)
        self._chain_id = chain_id
        self._heard, self._listens = heard, listens
        self._first_pause = first_pause
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heads", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        pause = self._first_pause
        while not self._ending.is_set():
            listened = False
            try:
                with self._connected() as node:
                    self._subscribe(node)
                    listened = True
                    self._listens(True)
                    _LOGGER.info("hears of new blocks from %s", self.name)
                    self._listen(node)
            except (OSError, WebSocketException, SubscriptionError) as error:
                level = logging.WARNING if listened or pause == self._first_pause else logging.DEBUG
                _LOGGER.log(level, "%s does not tell new blocks: %s", self.name, _cause(error))
            finally:
                if listened:
                    self._listens(False)
            pause = self._first_pause if listened else min(pause * 2, LONGEST_PAUSE)
            self._ending.wait(pause)

    def _connected(self) -> ClientConnection:
        try:
            return connect(
                self._url, open_timeout=OPEN_SECONDS, close_timeout=1, max_size=_MESSAGE_BYTES, proxy=None, legacy=True
            )
        except ValueError:
            raise SubscriptionError("the address is none of a WebSocket") from None

    def _subscribe(self, node: ClientConnection) -> None:
        """Raises SubscriptionError unless the node is of the chain and tells new blocks from now on."""
        try:
            served = read_quantity("eth_chainId", self._asked(node, 1, "eth_chainId", []))
        except HexError:
            raise SubscriptionError("does not tell its chain") from None
        if served != self._chain_id:
            raise SubscriptionError(f"serves chain {served}, not {self._chain_id}")
        if not isinstance(self._asked(node, 2, "eth_subscribe", ["newHeads"]), str):
            raise SubscriptionError("knows no subscriptions")

    def _asked(self, node: ClientConnection, id_: int, method: str, params: list[str]) -> object:
        node.send(json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}))
        return _read(node.recv(timeout=OPEN_SECONDS)).get("result")

    def _listen(self, node: ClientConnection) -> None:
        while not self._ending.is_set():
            try:
                message = _read(node.recv(timeout=_LOOK_SECONDS))
            except TimeoutError:
                continue
            try:
                self._heard(read_quantity("number", message["params"]["result"]["number"], 64))
            except (KeyError, TypeError, HexError):
                raise SubscriptionError("tells what is no new block") from None


def _read(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise SubscriptionError("does not speak JSON-RPC")
    return message


def _cause(error: Exception) -> str:
    """A library's error in two or three words: its own text may repeat the address."""
    if isinstance(error, SubscriptionError):
        return str(error)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
