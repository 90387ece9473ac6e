"""The indexer hears of new blocks from a real ledger, asks when it hears nothing, and hears again."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.postgres import until
from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess, running_ledger
from ledger_node.embedded.sealer import Pace
from ledger_node.keys import LocalSigner
from ledger_node.subscription import HeadSubscription
from ledger_node.transactions import Transaction
from registry.index.database import open_database
from registry.index.indexer import Indexer, follow
from registry.index.run import Status
from registry.index.waking import Waker
from registry.index.writer import Writer
from registry.transitions import Deployment
from tests.ledger_node.relay import relayed

CHAIN_ID = 20590
QUIET = 100_000.0
"""While it hears it asks so seldom that whatever comes into the index was heard of."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerProcess]:
    with running_ledger(tmp_path_factory.mktemp("ledger"), pace=Pace(0.05, 0)) as running:
        yield running


def test_a_block_is_heard_of_at_once_or_asked_for_when_nothing_is_heard(ledger: LedgerProcess, tmp_path: Path) -> None:
    client, signer = ChainClient(ledger.http), LocalSigner.generate()
    deployment = Deployment(CHAIN_ID, {})
    indexer = Indexer(client, Writer(open_database(f"sqlite:///{tmp_path}/index.db"), deployment), deployment, 0)
    waker = Waker(1.0, QUIET)
    status = Status(waker=waker)
    thread = threading.Thread(target=follow, args=(indexer, waker, status.hear))
    thread.start()
    nonces = iter(range(10))

    def a_block_comes_into_the_index() -> None:
        raw = signer.sign_transaction(Transaction(CHAIN_ID, next(nonces), bytes(20), b"", 30_000))
        before = client.block_number()
        client.send_raw(raw)
        until(lambda: status.progress is not None and status.progress.position.number > before, "the block is indexed")

    with relayed(ledger.port) as relay:
        heads = HeadSubscription(f"ws://127.0.0.1:{relay.port}", CHAIN_ID, waker.heard, waker.listens, 0.1)
        heads.start()
        try:
            until(lambda: waker.subscribed, "it hears")
            a_block_comes_into_the_index()
            a_block_comes_into_the_index()
            relay.cut()
            until(lambda: not waker.subscribed, "it notices that it hears nothing")
            a_block_comes_into_the_index()
            relay.mend()
            until(lambda: waker.subscribed, "it hears again")
            a_block_comes_into_the_index()
        finally:
            heads.close()
            waker.stop()
            thread.join()
            indexer.close()
