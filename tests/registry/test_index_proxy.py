"""A node that alters one thing in one answer: the index names it, or nothing of the alteration is in the index."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger_node.chain_values import AnswerError
from ledger_node.client import ChainClient
from ledger_node.proofs import ProofError, verify_state
from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.receipts import ReceiptsMismatch
from registry.index.source import SourceError
from registry.index.writer import Writer
from tests.registry.proxy import Path, Proxy, altered, leaves, serving
from tests.registry.simulated import DEPLOYMENT, FINALITY, Chain, answer
from tests.registry.story import Story
from tests.registry.test_index_histories import clear, contents

UNCOVERED = {"revertReason", "input"}
"""What a header commits to by its transactions only: why a transaction was refused is the node's word."""
WORDS = ("block ", "log.", "receipt.", "transaction.")
BLOCK = "eth_getBlockByNumber"
RECEIPTS = "eth_getBlockReceipts"
CALL = "eth_getTransactionByHash"


@pytest.fixture(scope="module")
def chain() -> Chain:
    made = Chain(Random(7))
    made.grow(7, acts=5)
    return made


@pytest.fixture(scope="module")
def proxy(chain: Chain) -> Iterator[Proxy]:
    with serving(Proxy(lambda method, params: answer(chain.blocks, method, *params))) as served:
        yield served


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return open_database(f"sqlite:///{tmp_path_factory.mktemp('proxied')}/index.db")


@pytest.fixture(scope="module")
def honest(engine: Engine, proxy: Proxy) -> dict[str, list[tuple[object, ...]]]:
    return indexed(engine, proxy)


def indexed(engine: Engine, proxy: Proxy) -> dict[str, list[tuple[object, ...]]]:
    clear(engine)
    writer = Writer(engine, DEPLOYMENT)
    # Four blocks in a batch: the others are read ahead.
    indexer = Indexer(ChainClient(proxy.url, timeout=60), writer, DEPLOYMENT, FINALITY, 4)
    try:
        position = indexer.start()
        head = int(proxy.upstream("eth_blockNumber", []), 16)
        while position.number < head:
            position = indexer.step(position).position
    finally:
        indexer.close()
    return contents(engine)


def at(chain: Chain, number: int, method: str) -> list[tuple[Path, str]]:
    asked = {BLOCK: hex(number), RECEIPTS: hex(number), CALL: refused(chain)}[method]
    found = leaves(answer(chain.blocks, method, asked))
    return [each for each in found if not UNCOVERED & {str(name) for name in each[0]}]


def refused(chain: Chain) -> str:
    found = (each for block in chain.blocks for each in block.receipts if each["status"] == "0x0")
    return str(next(found)["transactionHash"])


@pytest.mark.parametrize("method", [BLOCK, RECEIPTS, CALL])
def test_whatever_a_node_alters_in_an_answer_is_named(
    chain: Chain, proxy: Proxy, engine: Engine, honest: dict[str, Any], method: str
) -> None:
    named: list[str] = []
    for seed in range(8):
        random = Random(f"{method} {seed}")
        number = random.choice([each.header.number for each in chain.blocks if each.receipts])
        path, _ = random.choice(at(chain, number, method))
        asked = refused(chain) if method == CALL else hex(number)

        def lie(
            told: str, params: list[Any], truth: Any, asked: str = asked, path: Path = path, seed: int = seed
        ) -> Any:
            return altered(truth, path, Random(seed)) if (told, params[:1]) == (method, [asked]) else truth

        proxy.alter = lie
        try:
            assert indexed(engine, proxy) == honest, f"{method} of {asked}: {path} altered"
        except (SourceError, ReceiptsMismatch, AnswerError) as error:
            named.append(str(error))
        finally:
            proxy.alter = lambda method, params, truth: truth
    assert all(any(word in each for word in WORDS) for each in named)
    assert len(named) >= 4


def test_every_field_of_a_log_that_a_node_alters_is_named(chain: Chain, proxy: Proxy, engine: Engine) -> None:
    number = chain.head
    while not any(each["logs"] for each in chain.blocks[number].receipts):
        number -= 1
    whole = at(chain, number, RECEIPTS)
    logged = [path for path, _ in whole if "logs" in path]
    for name in (
        "address",
        "topics",
        "data",
        "logIndex",
        "transactionHash",
        "transactionIndex",
        "blockNumber",
        "blockHash",
    ):
        path = next(each for each in logged if name in each)
        proxy.alter = lambda method, params, truth, path=path: (
            altered(truth, path, Random(1)) if (method, params[:1]) == (RECEIPTS, [hex(number)]) else truth
        )
        try:
            with pytest.raises((SourceError, ReceiptsMismatch, AnswerError), match=rf"block {number}|log\."):
                indexed(engine, proxy)
        finally:
            proxy.alter = lambda method, params, truth: truth


def test_a_proof_that_a_node_alters_is_named(story: Story) -> None:
    made = story.consortium
    root = made.client.block().header.state_root
    with serving(Proxy(lambda method, params: made.client.request(method, *params))) as served:
        client = ChainClient(served.url, timeout=60)
        address = made.addresses["ReceiptRegistry"]
        verify_state(root, client.proof(address, [0, 1]))
        whole = list(leaves(made.client.request("eth_getProof", "0x" + address.hex(), ["0x0", "0x1"], "latest")))
        for seed in range(40):
            path, _ = Random(seed).choice(whole)
            served.alter = lambda method, params, truth, path=path, seed=seed: altered(truth, path, Random(seed))
            with pytest.raises((ProofError, AnswerError)):
                verify_state(root, client.proof(address, [0, 1]))
