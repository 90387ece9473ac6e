"""The nodes behind a client: one is asked, another one when it fails, each only for the chain of the first.

web3.py carries the requests. A request may be put to several nodes: reads change nothing, and a signed transaction
is the same one wherever it is handed in.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from web3.types import RPCEndpoint

from ledger_node.batches import Call, in_order, is_over_limit, is_too_much
from ledger_node.chain_values import AnswerError, read_block
from ledger_node.endpoint_health import Health, is_healthy, lag, order
from ledger_node.hexvalues import HexError, read_quantity
from ledger_node.http_provider import HttpError, KeptHttpProvider
from ledger_node.sending_status import EndpointStatus

LOOK_SECONDS = 5.0
"""So often the heads of all nodes are compared."""
PROBE_TIMEOUT = 2.0
_TOO_MANY, _TOO_LARGE = 429, 413
_PAUSE = 1.0
T = TypeVar("T")
_UNIT = re.compile(r"\d{1,6}\Z")


class ChainUnavailable(Exception):
    """No node answers; one line that names the last one by scheme, host and port."""


class TooMuch(ChainUnavailable):
    """The node does not answer so much at once; ask it for less."""


class NodeBusy(ChainUnavailable):
    """The node asks for a pause, in seconds."""

    def __init__(self, words: str, pause: float) -> None:
        super().__init__(words)
        self.pause = pause


class Endpoint:
    """One node: its address, and what is known of it."""

    def __init__(self, url: str, name: str, timeout: float) -> None:
        """`name` is what the node is called in errors, figures and pages; `timeout` is in seconds."""
        self.name = name
        self.health = Health()
        self.requests = 0
        self.failures = 0
        self.last_error = ""
        self._provider = KeptHttpProvider(url, timeout)
        self._probe = KeptHttpProvider(url, min(timeout, PROBE_TIMEOUT))

    def ask(self, method: str, params: Sequence[object], probe: bool = False) -> Mapping[str, Any]:
        """The node's answer, which may be an error. Raises ChainUnavailable."""
        self.requests += 1
        provider = self._probe if probe else self._provider
        try:
            answer = provider.make_request(RPCEndpoint(method), list(params))
        except HttpError as error:
            raise self._failure(error, ChainUnavailable) from None
        except ValueError:
            raise ChainUnavailable(f"node {self.name} does not answer in JSON-RPC") from None
        if not isinstance(answer, Mapping):
            raise ChainUnavailable(f"node {self.name} does not answer in JSON-RPC")
        self._heed(answer)
        return answer

    def ask_all(self, calls: Sequence[Call]) -> list[Mapping[str, Any]]:
        """The node's answers to several requests in one, in their order; each may be an error.

        Raises ChainUnavailable, and TooMuch also where a node does not know batches: less at once is one at a time.
        """
        self.requests += 1
        requests = [(RPCEndpoint(each.method), list(each.params)) for each in calls]
        try:
            told: object = self._provider.make_batch_request(requests)
        except HttpError as error:
            raise self._failure(error, TooMuch if error.is_taken else ChainUnavailable) from None
        except ValueError:
            raise TooMuch(f"node {self.name} does not answer several requests at once in JSON-RPC") from None
        answers = in_order(told, len(calls))
        for each in (told,) if isinstance(told, Mapping) else answers or ():
            if is_too_much(each.get("error")):
                raise TooMuch(f"node {self.name} does not answer so many requests at once")
            self._heed(each)
        if answers is None:
            raise TooMuch(f"node {self.name} does not answer each of several requests")
        return answers

    def _failure(self, error: HttpError, otherwise: type[ChainUnavailable]) -> ChainUnavailable:
        """What a failed request means: a pause, too much at once, or else `otherwise`."""
        words = f"node {self.name} does not answer: {error}"
        if error.status == _TOO_MANY:
            return NodeBusy(words, _pause(error.retry_after))
        return (TooMuch if error.status == _TOO_LARGE else otherwise)(words)

    def _heed(self, answer: Mapping[str, Any]) -> None:
        """Raises NodeBusy when the answer says that there were too many requests."""
        if is_over_limit(answer.get("error")):
            raise NodeBusy(f"node {self.name} does not answer: limit exceeded", _PAUSE)


class Endpoints:
    """All nodes of a client, for several threads."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`patience`: how many seconds a request waits at most when all nodes ask for a pause."""
        self.all = tuple(endpoints)
        self._patience = patience
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._current = 0
        self._looked = float("-inf")
        self._chain: tuple[int, bytes] | None = None

    def ask(self, method: str, params: Sequence[object]) -> Mapping[str, Any]:
        """The answer of the first node that gives one. Raises ChainUnavailable."""
        return self._first(lambda endpoint: self._ask(endpoint, method, params))

    def ask_all(self, calls: Sequence[Call]) -> list[Mapping[str, Any]]:
        """The answers to several requests in one, of the first node that gives them. Raises as Endpoint.ask_all."""
        return self._first(lambda endpoint: self._counted(endpoint, lambda: endpoint.ask_all(calls)))

    def chosen(self) -> "Endpoints":
        """Only the node that would be asked first. Raises ChainUnavailable when there is none."""
        if len(self.all) == 1:
            return self
        one = self._first(lambda endpoint: endpoint)
        return Endpoints([one], patience=self._patience, clock=self._clock, pause=self._pause)

    def _first(self, work: Callable[[Endpoint], T]) -> T:
        """What the work gives with the first node of the chain that it does not fail with."""
        last: ChainUnavailable | None = None
        for endpoint in self._to_ask():
            try:
                if self._is_of_chain(endpoint):
                    return work(endpoint)
            except TooMuch:
                raise
            except ChainUnavailable as error:
                last = error
        raise last or self._nobody()

    def _nobody(self) -> ChainUnavailable:
        words = "another chain" if all(each.health.strange for each in self.all) else "it asked for a pause"
        return ChainUnavailable(f"node {self.all[0].name} does not answer: {words}")

    def statuses(self) -> tuple[EndpointStatus, ...]:
        """How the nodes do, as values."""
        now, healths = self._clock(), [each.health for each in self.all]
        return tuple(
            EndpointStatus(
                name=each.name,
                healthy=is_healthy(each.health, healths, now),
                current=at == self._current,
                head=each.health.head,
                lag=lag(each.health, healths),
                last_error=each.last_error,
                requests=each.requests,
                failures=each.failures,
            )
            for at, each in enumerate(self.all)
        )

    def _to_ask(self) -> list[Endpoint]:
        self._compare_heads()
        healths = [each.health for each in self.all]
        found = order(healths, self._current, self._clock())
        if not found:
            self._wait_for_pauses()
            found = order(healths, self._current, self._clock())
        if found:
            self._current = found[0]
        return [self.all[at] for at in found]

    def _wait_for_pauses(self) -> None:
        """All nodes asked for a pause: wait for the shortest, unless it is longer than anybody's patience."""
        ends = [each.health.closed_until for each in self.all if not each.health.strange]
        if ends and min(ends) - self._clock() <= self._patience:
            self._pause(max(min(ends) - self._clock(), 0.0))

    def _ask(self, endpoint: Endpoint, method: str, params: Sequence[object], probe: bool = False) -> Mapping[str, Any]:
        answer = self._counted(endpoint, lambda: endpoint.ask(method, params, probe))
        with self._lock:
            endpoint.health = _with_head(endpoint.health, method, params, answer, self._clock())
        return answer

    def _counted(self, endpoint: Endpoint, ask: Callable[[], T]) -> T:
        """Ask, and note how the node does. One that was asked for too much does well."""
        try:
            answer = ask()
        except TooMuch:
            raise
        except ChainUnavailable as error:
            asked = error.pause if isinstance(error, NodeBusy) else None
            with self._lock:
                endpoint.failures += 1
                endpoint.last_error = str(error).rpartition(": ")[2]
                endpoint.health = endpoint.health.failed(self._clock(), asked)
            raise
        with self._lock:
            endpoint.last_error = ""
            endpoint.health = endpoint.health.answered()
        return answer

    def _compare_heads(self) -> None:
        """Ask all nodes of the chain for their newest block, now and then, when there are several."""
        now = self._clock()
        with self._lock:
            due = len(self.all) > 1 and now - self._looked >= LOOK_SECONDS
            self._looked = now if due else self._looked
        for endpoint in self.all if due else ():
            if now >= endpoint.health.closed_until and not endpoint.health.strange:
                try:
                    if self._is_of_chain(endpoint):
                        self._ask(endpoint, "eth_blockNumber", (), probe=True)
                except ChainUnavailable:
                    continue

    def _is_of_chain(self, endpoint: Endpoint) -> bool:
        """Whether the node serves the chain of the first one that answered: chain id, and block 0 by its own hash."""
        if len(self.all) == 1 or endpoint.health.verified:
            return True
        try:
            told = self._ask(endpoint, "eth_chainId", (), probe=True).get("result")
            block = self._ask(endpoint, "eth_getBlockByNumber", ("0x0", False), probe=True).get("result")
            chain = read_quantity("eth_chainId", told), read_block(block).hash
        except (HexError, AnswerError) as error:
            raise ChainUnavailable(f"node {endpoint.name} does not answer: {error}") from None
        with self._lock:
            self._chain = self._chain or chain
            same = chain == self._chain
            endpoint.health = replace(endpoint.health, verified=same, strange=not same)
            endpoint.last_error = "" if same else "serves another chain"
        return same


def _with_head(health: Health, method: str, params: Sequence[object], answer: Mapping[str, Any], now: float) -> Health:
    """Note the newest block where an answer shows it."""
    result = answer.get("result")
    if method == "eth_getBlockByNumber" and params and params[0] == "latest" and isinstance(result, Mapping):
        result = result.get("number")
    elif method != "eth_blockNumber":
        return health
    try:
        return health.showed(read_quantity("number", result), now)
    except HexError:
        return health


def _pause(told: str) -> float:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3); a date or nothing counts as a second."""
    return float(told) if _UNIT.match(told) else _PAUSE
