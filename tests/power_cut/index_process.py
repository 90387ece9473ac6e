"""An indexer that catches up with a chain, three blocks a batch; tells where it is after each."""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.writer import Position, Writer
from tests.registry.simulated import DEPLOYMENT, FINALITY, Chain, Node

DATABASE = "index.db"


def chain() -> Chain:
    """The same one each time."""
    made = Chain(Random(3))
    made.grow(24, acts=2)
    return made


def catch_up(folder: Path, node: Node) -> Iterator[Position]:
    """Opens the index and follows the chain to its end: where it begins, and where it comes with each batch."""
    engine = open_database(f"sqlite:///{folder / DATABASE}")
    writer = Writer(engine, DEPLOYMENT)
    indexer = Indexer(node, writer, DEPLOYMENT, FINALITY, batch=3)
    position = indexer.start()
    yield position
    while position.number < node.chain.head:
        position = indexer.step(position).position
        yield position
    writer.close()
    engine.dispose()


if __name__ == "__main__":
    for position in catch_up(Path(sys.argv[1]), Node(chain(), Random(0))):
        sys.stdout.write(f"{position.number} {position.hash.hex()}\n")
        sys.stdout.flush()
