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

UNREAD = {"eth_getBlockReceipts": {"logsBloom", "from", "to"}, "eth_getTransactionByHash": {"value", "gas", "nonce"}}
"""What the index does not read; sender and receiver of a receipt it does read where the act was refused."""
UNPROVED = {"revertReason", "input"}
"""What no header that the index reads commits to: of a refused act, what it was and why is the node's word."""
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


def refused(chain: Chain) -> str:
    found = (each for block in chain.blocks for each in block.receipts if each["status"] == "0x0")
    return str(next(found)["transactionHash"])


def fields(answer: Any, random: Random) -> list[Path]:
    """One place of each field in an answer, by chance among those that have it."""
    found: dict[Path, list[Path]] = {}
    for path, _ in leaves(answer):
        found.setdefault(tuple(name for name in path if isinstance(name, str)), []).append(path)
    return [random.choice(each) for each in found.values()]


def told_by(engine: Engine, proxy: Proxy, method: str, asked: str, path: Path, seed: int) -> Any:
    """What the index holds, or how it names what one answer has otherwise."""
    proxy.alter = lambda told, params, truth: (
        altered(truth, path, Random(seed)) if (told, params[:1]) == (method, [asked]) else truth
    )
    try:
        return indexed(engine, proxy)
    except (SourceError, ReceiptsMismatch, AnswerError) as error:
        return str(error)
    finally:
        proxy.alter = lambda method, params, truth: truth


@pytest.mark.parametrize("method", [BLOCK, RECEIPTS, CALL])
def test_whatever_a_node_alters_in_an_answer_is_named(
    chain: Chain, proxy: Proxy, engine: Engine, honest: dict[str, Any], method: str
) -> None:
    for seed in range(2):
        random = Random(f"{method} {seed}")
        number = random.choice([each.header.number for each in chain.blocks if each.receipts])
        asked = refused(chain) if method == CALL else hex(number)
        for path in fields(answer(chain.blocks, method, asked), random):
            if UNPROVED & set(path):
                continue
            told = told_by(engine, proxy, method, asked, path, seed)
            if isinstance(told, str):
                assert any(word in told for word in WORDS), f"{path}: {told}"
            else:
                assert path[-1] in UNREAD.get(method, ()), f"{method} of {asked}: {path} is not named"
                assert_only_refusals_differ(told, honest)


def assert_only_refusals_differ(told: dict[str, Any], honest: dict[str, Any]) -> None:
    assert {name for name in honest if told[name] != honest[name]} <= {"refusals", "notices"}


@pytest.mark.parametrize(("method", "field"), [(RECEIPTS, "revertReason"), (CALL, "input")])
def test_what_a_refused_act_was_and_why_is_the_nodes_word_and_goes_into_no_other_row(
    chain: Chain, proxy: Proxy, engine: Engine, honest: dict[str, Any], method: str, field: str
) -> None:
    number = next(each.header.number for each in chain.blocks if refused(chain) in each.calls)
    asked = refused(chain) if method == CALL else hex(number)
    path = next(path for path, _ in leaves(answer(chain.blocks, method, asked)) if path[-1] == field)
    told = told_by(engine, proxy, method, asked, path, 1)
    assert told["refusals"] != honest["refusals"]
    assert len(told["refusals"]) == len(honest["refusals"])
    assert_only_refusals_differ(told, honest)


@pytest.mark.parametrize("status", ["0x0", "0x1"])
def test_whether_an_act_was_refused_is_proved(chain: Chain, proxy: Proxy, engine: Engine, status: str) -> None:
    number, at = next(
        (block.header.number, at)
        for block in chain.blocks
        for at, each in enumerate(block.receipts)
        if each["status"] == status
    )

    def turned(method: str, params: list[Any], truth: Any) -> Any:
        if (method, params[:1]) == (RECEIPTS, [hex(number)]):
            truth[at]["status"] = "0x1" if status == "0x0" else "0x0"
        return truth

    proxy.alter = turned
    try:
        with pytest.raises(ReceiptsMismatch, match=f"block {number}: the node's receipts do not give"):
            indexed(engine, proxy)
    finally:
        proxy.alter = lambda method, params, truth: truth


def test_every_field_of_a_log_that_a_node_alters_is_named(chain: Chain, proxy: Proxy, engine: Engine) -> None:
    number = chain.head
    while not any(each["logs"] for each in chain.blocks[number].receipts):
        number -= 1
    logged = [path for path, _ in leaves(answer(chain.blocks, RECEIPTS, hex(number))) if "logs" in path]
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
