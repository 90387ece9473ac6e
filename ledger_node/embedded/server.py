"""The ledger's process: JSON-RPC over HTTP and WebSocket at `/`; /live, /ready and /metrics."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ledger_node.embedded.chain import BlockSigner, EmbeddedChain
from ledger_node.embedded.errors import LedgerError
from ledger_node.embedded.node import CALL_GAS_CAP, Node
from ledger_node.embedded.rpc.dispatch import Dispatcher
from ledger_node.embedded.rpc.subscriptions import Subscriptions
from ledger_node.embedded.sealer import DEFAULT_PACE, Pace, Sealer
from ledger_node.embedded.values import SealedBlock
from ledger_node.embedded.workers import MAX_WAITING_CALLS, Workers
from ledger_node.figures import Figure, Kind
from ledger_node.genesis import Genesis
from ledger_node.monitoring import NEARBY, Counted, Monitor, Readiness, Scrapers

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
MAX_WAITING_MESSAGES = 2_000
_TOO_SLOW = 1013
_BLOCK = Kind("ledger_block_number", "The newest sealed block.")
_SEALED = Kind("ledger_block_timestamp_seconds", "When it was sealed, in seconds since 1970.")
_WAITING = Kind("ledger_waiting_transactions", "Transactions that wait to be sealed.")
_READERS = Kind("ledger_websockets", "Open WebSocket connections.")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the ledger is served. Times in seconds, sizes in bytes.

    `hosts` are the names in a Host header that are answered (others could be web pages that rebind a name).
    """

    directory: Path
    genesis: Genesis
    host: str = "127.0.0.1"
    port: int = 20590
    pace: Pace = DEFAULT_PACE
    call_gas_cap: int = CALL_GAS_CAP
    call_timeout: float = 5.0
    workers: int = 2
    max_body: int = 5 * 1024 * 1024
    hosts: tuple[str, ...] = LOCAL_HOSTS
    scrapers: Scrapers = NEARBY


class _Hub:
    """Carries new blocks from the sealing thread to the connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queues: dict[Subscriptions, asyncio.Queue[str | None]] = {}

    def join(self, subscriptions: Subscriptions) -> asyncio.Queue[str | None]:
        """The messages for one connection; None in it means that the reader was too slow."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queues[subscriptions] = queue
        return queue

    def __len__(self) -> int:
        return len(self._queues)

    def leave(self, subscriptions: Subscriptions) -> None:
        """Send no more to a connection."""
        self._queues.pop(subscriptions, None)

    def block(self, sealed: SealedBlock) -> None:
        """Take a new block, in the sealing thread."""
        self._loop.call_soon_threadsafe(self._spread, sealed)

    def _spread(self, sealed: SealedBlock) -> None:
        for subscriptions, queue in list(self._queues.items()):
            messages = subscriptions.messages(sealed)
            if queue.qsize() + len(messages) > MAX_WAITING_MESSAGES:
                self.leave(subscriptions)
                queue.put_nowait(None)
                continue
            for message in messages:
                queue.put_nowait(message)


class LedgerApp:
    """The HTTP and WebSocket faces of one chain."""

    def __init__(self, node: Node, sealer: Sealer, settings: ServerSettings) -> None:
        self._node = node
        self._sealer = sealer
        self._settings = settings
        self._dispatcher = Dispatcher(node, {})
        self._hub: _Hub | None = None
        self._monitor = Monitor(self._readiness, self._figures, settings.scrapers)
        self.server: uvicorn.Server | None = None
        self.failed = False

    def starlette(self) -> Starlette:
        """The application to serve."""
        routes = [
            Route("/", self._rpc, methods=["POST"]),
            *self._monitor.routes(),
            WebSocketRoute("/", self._socket),
        ]
        counted = Middleware(Counted, monitor=self._monitor)
        return Starlette(routes=routes, middleware=[counted], lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = 2 * MAX_WAITING_CALLS
        self._hub = _Hub(asyncio.get_running_loop())
        self._node.chain.listen(self._hub.block)
        self._sealer.start()
        watch = asyncio.create_task(self._watch())
        yield
        watch.cancel()
        await to_thread.run_sync(self._sealer.stop)

    async def _watch(self) -> None:
        """A ledger that cannot seal must not go on answering as if it could."""
        while self._sealer.is_alive():
            await asyncio.sleep(0.5)
        self.failed = True
        if self.server is not None:
            self.server.should_exit = True

    def _readiness(self) -> Readiness:
        alive = self._sealer.is_alive()
        facts = {"chainId": self._node.chain.genesis.chain_id, "block": self._node.head.number}
        return Readiness(alive, None if alive else "the sealer does not run", facts)

    def _figures(self) -> Iterator[Figure]:
        head = self._node.head
        yield _BLOCK.is_(head.number)
        yield _SEALED.is_(head.header.timestamp)
        yield _WAITING.is_(self._node.chain.waiting)
        yield _READERS.is_(0 if self._hub is None else len(self._hub))

    async def _rpc(self, request: Request) -> Response:
        if not self._known_host(request.headers.get("host", "")):
            return JSONResponse({"error": "invalid host specified"}, 403)
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "invalid content type, only application/json is supported"}, 415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body:
                return JSONResponse({"error": f"body too large, at most {self._settings.max_body} bytes"}, 413)
        answer = await to_thread.run_sync(self._dispatcher.handle, bytes(body))
        return Response(answer or b"", media_type="application/json")

    async def _socket(self, connection: WebSocket) -> None:
        if (
            not self._known_host(connection.headers.get("host", ""))
            or "origin" in connection.headers
            or self._hub is None
        ):
            await connection.close(1008)
            return
        await connection.accept()
        subscriptions = Subscriptions(self._node)
        queue = self._hub.join(subscriptions)
        sender = asyncio.create_task(_send_all(connection, queue))
        special = {"eth_subscribe": subscriptions.subscribe, "eth_unsubscribe": subscriptions.unsubscribe}
        dispatcher = Dispatcher(self._node, special)
        try:
            while True:
                message = await connection.receive()
                if message["type"] == "websocket.disconnect":
                    break
                body = message.get("bytes") or (message.get("text") or "").encode()
                answer = await to_thread.run_sync(dispatcher.handle, body)
                if answer is not None:
                    queue.put_nowait(answer.decode())
        finally:
            self._hub.leave(subscriptions)
            sender.cancel()

    def _known_host(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.lower() in self._settings.hosts


async def _send_all(connection: WebSocket, queue: asyncio.Queue[str | None]) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while (message := await queue.get()) is not None:
            await connection.send_text(message)
        await connection.close(_TOO_SLOW, "reads too slowly")


def _keep_signals_from_ending_the_process() -> None:
    """uvicorn stops at these signals, and then raises them again: what is open must first be closed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: None)


def listening(host: str, port: int) -> socket.socket:
    """A socket for `serve`; port 0 takes a free one. Raises OSError."""
    listener = socket.create_server((host, port), backlog=512)
    # asyncio sets this only on sockets that name their protocol; without it an answer's body waits for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        return listening(settings.host, settings.port)
    except OSError as error:
        raise LedgerError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None


def serve(settings: ServerSettings, signer: BlockSigner, listener: socket.socket | None = None) -> None:
    """Serve the ledger until SIGTERM or SIGINT, at `listener` where one is given, which is closed at the end.

    Raises LedgerError when it cannot be opened or stops sealing.
    """
    with contextlib.ExitStack() as open_things:
        listener = open_things.enter_context(listener or _listen(settings))
        chain = EmbeddedChain(settings.directory, settings.genesis, signer)
        open_things.callback(chain.close)
        workers = Workers(settings.directory, settings.workers, settings.call_timeout)
        open_things.callback(workers.close)
        workers.warm_up()
        _keep_signals_from_ending_the_process()
        sealer = Sealer(chain, settings.pace)
        app = LedgerApp(Node(chain, workers, settings.call_gas_cap), sealer, settings)
        config = uvicorn.Config(
            app.starlette(),
            ws_max_size=settings.max_body,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=5,
        )
        app.server = uvicorn.Server(config)
        app.server.run([listener])
    if app.failed:
        raise LedgerError("the sealer has stopped; the error above says why")
