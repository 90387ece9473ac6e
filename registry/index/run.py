"""The indexer as a process: it follows its node, and tells how far it is (/live, /ready, /metrics)."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from ledger_node.canonical_json import JsonValue
from ledger_node.client import ChainClient
from ledger_node.deploy import load_addresses
from ledger_node.figures import Figure, Kind
from ledger_node.monitoring import NEARBY, Monitor, Readiness, Scrapers
from ledger_node.settings import LedgerSection
from ledger_node.subscription import HeadSubscription
from registry.deployment import deployment_of, first_block
from registry.index.database import DatabaseError, connect
from registry.index.estimate import Estimate, Estimator
from registry.index.indexer import Indexer, Progress, follow
from registry.index.waking import Waker
from registry.index.writer import Writer
from registry.settings import IndexerSection

NEAR = 5
"""Blocks behind the node up to which the index counts as caught up."""
FAR = 200
"""Blocks behind the node from which on it is told how long catching up takes."""
_TELL_SECONDS = 10.0
_LOGGER = logging.getLogger("indexer")
_BLOCK = Kind("index_block_number", "The last block of the index.")
_HEAD = Kind("index_node_block_number", "The newest block of the node that the indexer follows.")
_LAG = Kind("index_lag_blocks", "How many blocks the index is behind its node.")
_REORGS = Kind("index_reorgs_total", "How often the chain stepped back since the indexer started.")
_DEEPEST = Kind("index_deepest_reorg_blocks", "The most blocks that were taken back at once; 0: none.")
_SUBSCRIBED = Kind("index_subscribed", "1 when the node tells its new blocks by itself, 0 when it is asked for them.")
_RATE = Kind("index_blocks_per_second", "How many blocks a second the index took in, over the last half minute.")
Shown = Callable[[int, int, str], None]
"""Takes the last block of the index, the node's newest, and in words how fast it goes."""


class IndexerError(RuntimeError):
    """The index had to stop, because going on would have made it lie; one line that names the cause."""


@dataclass
class Status:
    """How far the indexer is. `cause` says why it waits; `deepest` of the `reorgs` since the start is in blocks.

    `show` is told of each step while the index is far behind.
    """

    progress: Progress | None = None
    estimate: Estimate | None = None
    cause: str = "has not begun"
    reorgs: int = 0
    deepest: int = 0
    waker: Waker = field(default_factory=lambda: Waker(1.0))
    show: Shown | None = field(default=None, repr=False)
    _estimator: Estimator = field(default_factory=Estimator, repr=False)
    _told: float = field(default=0.0, repr=False)

    def hear(self, news: Progress | str) -> None:
        """Take note, and tell the log now and then."""
        now = time.monotonic()
        if isinstance(news, str):
            self.cause = text = news
        else:
            text = self._step(news, now)
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _LOGGER.info("%s", text)

    def _step(self, news: Progress, now: float) -> str:
        block = news.position.number
        lost = 0 if self.progress is None else self.progress.position.number - block
        if lost > 0:
            self.reorgs, self.deepest = self.reorgs + 1, max(self.deepest, lost)
            _LOGGER.warning("the chain stepped back by %d blocks, to block %d", lost, block)
        self.estimate = self._estimator.note(now, block, news.head)
        was_far, self.progress, self.cause = self.far, news, ""
        if self.show is not None and (was_far or self.far):
            self.show(block, news.head, self.estimate.text)
        place = f"at block {block} of {news.head}"
        return f"{place}: {self.estimate.text}" if self.far else place

    @property
    def far(self) -> bool:
        """Whether catching up takes so long that it is told how long."""
        return self.progress is not None and self.progress.head - self.progress.position.number > FAR

    @property
    def heads(self) -> str:
        """How new blocks come to be known."""
        return "subscribed" if self.waker.subscribed else "polling"

    @property
    def ready(self) -> bool:
        """Whether the index is near the node's head."""
        return self.progress is not None and self.progress.head - self.progress.position.number <= NEAR


def serve(
    section: IndexerSection,
    ledger: LedgerSection,
    addresses_file: Path,
    allowed: Scrapers = NEARBY,
    show: Shown | None = None,
) -> None:
    """Follow the node until stopped; `allowed` may read the metrics, `show` is told while it is far behind.

    Raises AddressesError, DatabaseError, IndexerError.
    """
    addresses = load_addresses(addresses_file)
    deployment = deployment_of(addresses)
    engine = connect(section.database_url)
    waker = Waker(section.poll_seconds)
    status, failed = Status(waker=waker, show=show), list[str]()
    server = _server(section, status, allowed)
    with ExitStack() as stack:
        writer = Writer(engine, deployment)
        indexer = Indexer(ChainClient(ledger.rpc_urls), writer, deployment, ledger.finality)
        stack.callback(indexer.close)

        def work() -> None:
            try:
                _migrate(writer, waker, status)
                follow(indexer, waker, status.hear, first_block(addresses))
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")
                raise
            finally:
                server.should_exit = True

        thread = threading.Thread(target=work, name="indexer")
        thread.start()
        stack.callback(thread.join)
        stack.callback(waker.stop)
        if ledger.ws_url:
            heads = HeadSubscription(ledger.ws_url, deployment.chain_id, waker.heard, waker.listens)
            heads.start()
            stack.callback(heads.close)
        server.run()
    if failed:
        raise IndexerError(failed[0])


def _server(section: IndexerSection, status: Status, allowed: Scrapers) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            _application(status, allowed),
            host=section.host,
            port=section.port,
            access_log=False,
            log_config=None,
            server_header=False,
        )
    )


def _migrate(writer: Writer, waker: Waker, status: Status) -> None:
    """Brings the index to the newest schema as soon as its database answers and no older indexer writes it."""
    while not waker.stopped:
        try:
            return writer.migrate()
        except DatabaseError as error:
            status.hear(str(error))
        except OperationalError:
            status.hear("the index's database does not answer")
        waker.wait(None)


def _application(status: Status, allowed: Scrapers = NEARBY) -> Starlette:
    monitor = Monitor(lambda: _readiness(status), lambda: _figures(status), allowed)
    return Starlette(routes=monitor.routes())


def _readiness(status: Status) -> Readiness:
    progress = status.progress
    block, head = (None, None) if progress is None else (progress.position.number, progress.head)
    cause = status.cause or (None if status.ready else f"more than {NEAR} blocks behind the node")
    facts: dict[str, JsonValue] = {"block": block, "head": head, "heads": status.heads}
    if status.estimate is not None:
        rate, left = status.estimate.rate, status.estimate.seconds
        facts["percent"] = int(status.estimate.percent)
        facts["blocksPerSecond"] = None if rate is None else round(rate)
        facts["secondsLeft"] = None if left is None else round(left)
    return Readiness(status.ready, cause, facts)


def _figures(status: Status) -> Iterator[Figure]:
    progress = status.progress
    yield _REORGS.is_(status.reorgs)
    yield _DEEPEST.is_(status.deepest)
    yield _SUBSCRIBED.is_(status.waker.subscribed)
    yield _RATE.is_((status.estimate.rate if status.estimate else None) or 0)
    if progress is not None:
        yield _BLOCK.is_(progress.position.number)
        yield _HEAD.is_(progress.head)
        yield _LAG.is_(max(progress.head - progress.position.number, 0))
