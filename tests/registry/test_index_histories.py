"""Random histories: whatever chain, node and process do, the index is what a fresh index of the last chain is."""

import os
from random import Random

import pytest
from sqlalchemy import Engine, delete, event, select

from benchmarks.postgres import NewDatabase
from registry.acts import Contract
from registry.index.alerts import alerts
from registry.index.database import open_database
from registry.index.indexer import ASK_AGAIN, Indexer
from registry.index.queries import Index, Snapshot
from registry.index.tables import metadata
from registry.index.writer import IndexStopped, Position, Writer
from registry.items import TYPES
from registry.state import RECORDS
from tests.registry.simulated import DEPLOYMENT, FINALITY, AtOnce, Chain, Node
from tests.registry.story import catch_up

HISTORIES = 1000 if os.environ.get("CANGDAN_DEEP") else 50
PIECES = 10
"""The histories are so many tests, each with as many of them."""


class KilledError(BaseException):
    """The process ends here."""


class Kills:
    """Ends the process before one of the next statements, or before a commit, when it is armed."""

    def __init__(self, engine: Engine) -> None:
        self.left: int | None = None
        event.listen(engine, "before_cursor_execute", lambda *args: self.count())
        event.listen(engine, "commit", lambda *args: self.count())

    def count(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise KilledError


class Runs:
    """An indexer that is started again wherever it ended."""

    def __init__(self, engine: Engine, node: Node, random: Random) -> None:
        self.engine, self.node, self.random = engine, node, random
        self.kills = Kills(engine)
        self.ends = 0
        self._begin()

    def _begin(self) -> None:
        self.writer = Writer(self.engine, DEPLOYMENT)
        self.indexer = Indexer(self.node, self.writer, DEPLOYMENT, FINALITY, self.random.randint(1, 8), AtOnce)
        self.position: Position | None = None

    def step(self) -> None:
        try:
            self.position = self.position or self.indexer.start()
            self.position = self.indexer.step(self.position).position
        except ASK_AGAIN:
            pass
        except KilledError:
            self.ends += 1
            self.writer.close()
            self._begin()
        self.kills.left = None


@pytest.fixture(scope="module")
def engines(new_database: NewDatabase) -> tuple[Engine, Engine]:
    return open_database(new_database()), open_database(new_database())


@pytest.mark.parametrize("piece", range(PIECES))
def test_the_index_of_a_random_history_is_a_fresh_index(engines: tuple[Engine, Engine], piece: int) -> None:
    for seed in range(piece, HISTORIES, PIECES):
        for engine in engines:
            clear(engine)
        chain, index = live(engines[0], seed)
        compare(chain, Index(engines[0]), Index(engines[1]), seed)
        assert index.position is not None
        assert contents(engines[0]) == contents(engines[1]), f"history {seed}"


def live(engine: Engine, seed: int) -> tuple[Chain, Runs]:
    """One history: blocks come, are replaced, are told badly; the indexer goes on and dies between."""
    random = Random(seed)
    chain = Chain(random)
    chain.grow(random.randint(1, 12))
    runs = Runs(engine, Node(chain, random, faults=random.choice([0, 20, 100])), random)
    for _ in range(random.randint(6, 16)):
        match random.randrange(6):
            case 0 | 1:
                chain.grow(random.randint(1, 5))
            case 2 | 3:
                chain.fork(random.randint(1, FINALITY))
            case 4:
                runs.kills.left = random.randint(0, 12)
            case _:
                runs.position = None
        for _ in range(random.randint(0, 3)):
            runs.step()
    chain.grow(FINALITY + 2)
    runs.node.faults = 0
    while runs.position is None or runs.position.number < chain.head:
        runs.step()
    runs.step()
    runs.writer.close()
    return chain, runs


@pytest.mark.parametrize("seed", range(12))
def test_no_final_block_is_replaced_however_the_chain_shrinks(engines: tuple[Engine, Engine], seed: int) -> None:
    """Each fork is as deep as the chain of its moment allows and shorter, so that the next one goes deeper."""
    clear(engines[0])
    random = Random(seed)
    chain, index = Chain(random), Index(engines[0])
    chain.grow(3 * FINALITY)
    runs = Runs(engines[0], Node(chain, random), random)
    follow(runs)
    final = index.final(FINALITY)
    told = [index.block(number).hash for number in range(1, final + 1)]
    with pytest.raises(IndexStopped, match="was final; compare this node with the other members'"):  # noqa: PT012
        while chain.head > FINALITY:
            chain.replace(random.randint(2, FINALITY), 1)
            follow(runs)
            assert index.final(FINALITY) == final
    runs.writer.close()
    assert index.final(FINALITY) == final
    assert [index.block(number).hash for number in range(1, final + 1)] == told


def follow(runs: Runs) -> None:
    """Goes on until the index is the node's chain."""
    while runs.position is None or runs.position.hash != runs.node.chain.blocks[-1].hash:
        runs.step()


def compare(chain: Chain, index: Index, fresh: Index, seed: int) -> None:
    """A fresh index stops at a random block, where it must answer as the other answers as of it; then it goes on."""
    random = Random(seed)
    number = random.randint(1, chain.head)
    writer = Writer(fresh._engine, DEPLOYMENT)
    short = Chain(Random(0), chain.blocks[: number + 1])
    short.blocks = chain.blocks[: number + 1]
    catch_up(Indexer(Node(short, random), writer, DEPLOYMENT, FINALITY))
    stopped = fresh.as_of()
    assert stopped.block.number == number
    assert answers(index.as_of(number)) == answers(stopped), f"history {seed} as of block {number}"
    catch_up(Indexer(Node(chain, random), writer, DEPLOYMENT, FINALITY))
    writer.close()


def answers(snapshot: Snapshot) -> dict[str, object]:
    """Everything that can be asked as of a block."""
    found: dict[str, object] = {"block": snapshot.block}
    for kind, type_ in TYPES.items():
        page = snapshot.find(type_, limit=500)
        found[kind] = (page.items, snapshot.count(type_))
        contract = next((each for each, record in RECORDS.items() if record is kind), None)
        if contract is not None:
            found[f"{kind} histories"] = histories(snapshot, contract, page.items)
    found["held"] = snapshot.count(TYPES[RECORDS[Contract.RECEIPTS]], held=1)
    found["refused"] = snapshot.refusals(limit=500)
    found["alerts"] = alerts(snapshot, limit=500)
    return found


def histories(snapshot: Snapshot, contract: Contract, items: tuple[object, ...]) -> list[object]:
    assert all("id" in item.__struct_fields__ for item in items)
    return [snapshot.history(contract, item.id) for item in items]


def clear(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(delete(table))


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
