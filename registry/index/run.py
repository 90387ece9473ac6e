"""The indexer as a process: it follows its node, and says at /ready whether it has caught up."""

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ledger_node.client import ChainClient
from ledger_node.deploy import load_addresses
from registry.deployment import deployment_of, first_block
from registry.index.database import connect, migrate
from registry.index.indexer import Indexer, Progress, follow
from registry.index.writer import Writer
from registry.settings import IndexerSection

NEAR = 5
"""Blocks behind the node up to which the index counts as caught up."""
_TELL_SECONDS = 10.0
_LOGGER = logging.getLogger("indexer")


class IndexerError(RuntimeError):
    """The index had to stop, because going on would have made it lie; one line that names the cause."""


@dataclass
class Status:
    """How far the indexer is. `cause` says why it waits."""

    progress: Progress | None = None
    cause: str = "has not begun"
    _told: float = field(default=0.0, repr=False)

    def hear(self, news: Progress | str) -> None:
        """Take note, and tell the log now and then."""
        if isinstance(news, str):
            self.cause = text = news
        else:
            self.progress, self.cause, text = news, "", f"at block {news.position.number} of {news.head}"
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _LOGGER.info("%s", text)

    @property
    def ready(self) -> bool:
        """Whether the index is near the node's head."""
        return self.progress is not None and self.progress.head - self.progress.position.number <= NEAR


def serve(section: IndexerSection, rpc_url: str, addresses_file: Path, finality: int) -> None:
    """Follow the node until stopped. Raises AddressesError, DatabaseError, IndexerError."""
    addresses = load_addresses(addresses_file)
    deployment = deployment_of(addresses)
    engine = connect(section.database_url)
    writer = Writer(engine, deployment)
    indexer = Indexer(ChainClient(rpc_url), writer, deployment, finality)
    status, stop, failed = Status(), threading.Event(), list[str]()
    server = uvicorn.Server(
        uvicorn.Config(
            _application(status),
            host=section.host,
            port=section.port,
            access_log=False,
            log_config=None,
            server_header=False,
        )
    )

    def work() -> None:
        try:
            _migrate(engine, stop, section.poll_seconds, status)
            follow(indexer, stop, section.poll_seconds, status.hear, first_block(addresses))
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}")
            raise
        finally:
            server.should_exit = True

    thread = threading.Thread(target=work, name="indexer")
    thread.start()
    server.run()
    stop.set()
    thread.join()
    writer.close()
    if failed:
        raise IndexerError(failed[0])


def _migrate(engine: Engine, stop: threading.Event, poll_seconds: float, status: Status) -> None:
    """Brings the database to the newest schema as soon as it answers."""
    while not stop.is_set():
        try:
            return migrate(engine)
        except OperationalError:
            status.hear("the index's database does not answer")
            stop.wait(poll_seconds)


def _application(status: Status) -> Starlette:
    def ready(request: Request) -> JSONResponse:
        del request
        progress = status.progress
        told = {
            "ready": status.ready,
            "block": None if progress is None else progress.position.number,
            "head": None if progress is None else progress.head,
            "cause": status.cause or None,
        }
        return JSONResponse(told, 200 if status.ready else 503)

    return Starlette(routes=[Route("/ready", ready)])
