"""The indexer as a process: it follows its node, and tells how far it is (/live, /ready, /metrics)."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from ledger_node.client import ChainClient
from ledger_node.deploy import load_addresses
from ledger_node.figures import Figure, Kind
from ledger_node.monitoring import NEARBY, Monitor, Readiness, Scrapers
from registry.deployment import deployment_of, first_block
from registry.index.database import connect, migrate
from registry.index.indexer import Indexer, Progress, follow
from registry.index.writer import Writer
from registry.settings import IndexerSection

NEAR = 5
"""Blocks behind the node up to which the index counts as caught up."""
_TELL_SECONDS = 10.0
_LOGGER = logging.getLogger("indexer")
_BLOCK = Kind("index_block_number", "The last block of the index.")
_HEAD = Kind("index_node_block_number", "The newest block of the node that the indexer follows.")
_LAG = Kind("index_lag_blocks", "How many blocks the index is behind its node.")
_REORGS = Kind("index_reorgs_total", "How often the chain stepped back since the indexer started.")
_DEEPEST = Kind("index_deepest_reorg_blocks", "The most blocks that were taken back at once; 0: none.")


class IndexerError(RuntimeError):
    """The index had to stop, because going on would have made it lie; one line that names the cause."""


@dataclass
class Status:
    """How far the indexer is. `cause` says why it waits; `deepest` of the `reorgs` since the start is in blocks."""

    progress: Progress | None = None
    cause: str = "has not begun"
    reorgs: int = 0
    deepest: int = 0
    _told: float = field(default=0.0, repr=False)

    def hear(self, news: Progress | str) -> None:
        """Take note, and tell the log now and then."""
        if isinstance(news, str):
            self.cause = text = news
        else:
            lost = 0 if self.progress is None else self.progress.position.number - news.position.number
            if lost > 0:
                self.reorgs, self.deepest = self.reorgs + 1, max(self.deepest, lost)
                _LOGGER.warning("the chain stepped back by %d blocks, to block %d", lost, news.position.number)
            self.progress, self.cause, text = news, "", f"at block {news.position.number} of {news.head}"
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _LOGGER.info("%s", text)

    @property
    def ready(self) -> bool:
        """Whether the index is near the node's head."""
        return self.progress is not None and self.progress.head - self.progress.position.number <= NEAR


def serve(
    section: IndexerSection, rpc_urls: tuple[str, ...], addresses_file: Path, finality: int, allowed: Scrapers = NEARBY
) -> None:
    """Follow the node until stopped; `allowed` may read the metrics.

    Raises AddressesError, DatabaseError, IndexerError.
    """
    addresses = load_addresses(addresses_file)
    deployment = deployment_of(addresses)
    engine = connect(section.database_url)
    writer = Writer(engine, deployment)
    indexer = Indexer(ChainClient(rpc_urls), writer, deployment, finality)
    status, stop, failed = Status(), threading.Event(), list[str]()
    server = uvicorn.Server(
        uvicorn.Config(
            _application(status, allowed),
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


def _application(status: Status, allowed: Scrapers = NEARBY) -> Starlette:
    monitor = Monitor(lambda: _readiness(status), lambda: _figures(status), allowed)
    return Starlette(routes=monitor.routes())


def _readiness(status: Status) -> Readiness:
    progress = status.progress
    block, head = (None, None) if progress is None else (progress.position.number, progress.head)
    cause = status.cause or (None if status.ready else f"more than {NEAR} blocks behind the node")
    return Readiness(status.ready, cause, {"block": block, "head": head})


def _figures(status: Status) -> Iterator[Figure]:
    progress = status.progress
    yield _REORGS.is_(status.reorgs)
    yield _DEEPEST.is_(status.deepest)
    if progress is not None:
        yield _BLOCK.is_(progress.position.number)
        yield _HEAD.is_(progress.head)
        yield _LAG.is_(max(progress.head - progress.position.number, 0))
