"""What is done to the network, and who writes and who watches meanwhile."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select

from api.founding.operator import identifier_hash
from api.runner.settling import wait_for
from api.runner.stage import Stage, open_stage
from ledger_node.abi import encode_call
from ledger_node.bindings.constants import EntityKind
from ledger_node.client import ChainUnavailable, RpcError
from ledger_node.hashing import sha256
from ledger_node.outbox import Sent, Status
from ledger_node.transactions import LegacyFee, Transaction
from registry.index.database import connect
from registry.index.tables import blocks, cursor
from tests.network.clique import CHAIN_ID, FINALITY, Head, Network, Node, head

GAS_PRICE = 2 * 10**9


@dataclass
class Writer:
    """Registers one entity after the other through the operator's outbox; each is an act that must happen once."""

    stage: Stage
    name: str
    accepted: dict[str, bytes] = field(default_factory=dict)
    """Key of the act, and the entity's tag in the registry."""
    missed: int = 0
    """How often the node did not answer, so that nothing was accepted."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, name=self.name)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        number = 0
        while not self._stop.wait(0.2):
            tag = identifier_hash(f"{self.name}/{number}")
            account = sha256(tag)[:20]
            data = encode_call("ParticipantRegistry", "register", EntityKind.INSPECTOR, tag, account)
            key = f"{self.name}/{number}"
            try:
                self.stage.operator.outbox.submit(key, self.stage.addresses.address("ParticipantRegistry"), data)
            except (ChainUnavailable, RpcError):
                self.missed += 1
                continue
            self.accepted[key] = tag
            number += 1

    def settled(self) -> list[Sent]:
        """What became of each accepted act."""
        return [self.stage.operator.outbox.wait(key, 240) for key in self.accepted]

    def happened(self) -> list[int]:
        """How many transitions each entity has that was registered."""
        registry = self.stage.addresses.address("ParticipantRegistry")
        first = next(each.block for each in self.stage.addresses.contracts if each.name == "ParticipantRegistry")
        logs = self.stage.chain.logs(first, self.stage.chain.block_number(), (registry,))
        return [sum(tag in log.data for log in logs) for tag in self.accepted.values()]


@contextmanager
def writing(home: Path, name: str) -> Iterator[Writer]:
    """Writes go on in the block; the outbox stays open until what was accepted has been asked for."""
    with open_stage(home) as stage:
        writer = Writer(stage, name)
        try:
            yield writer
        finally:
            writer.stop()


@dataclass
class Watch:
    """The blocks that our index called final, each with its hash."""

    engine: Engine
    finality: int = FINALITY
    finals: dict[int, set[bytes]] = field(default_factory=dict)

    def look(self) -> None:
        with self.engine.connect() as connection:
            at = int(connection.execute(select(cursor.c.block)).scalar_one())
            found = connection.execute(select(blocks.c.hash).where(blocks.c.number == at - self.finality)).scalar()
        if found is not None:
            self.finals.setdefault(at - self.finality, set()).add(bytes(found))

    def hash_at(self, number: int) -> bytes | None:
        with self.engine.connect() as connection:
            found = connection.execute(select(blocks.c.hash).where(blocks.c.number == number)).scalar()
        return None if found is None else bytes(found)


@contextmanager
def watching(home: Path, finality: int = FINALITY) -> Iterator[Watch]:
    watch, stop = Watch(connect(f"sqlite:///{home}/index.db"), finality), threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            watch.look()

    thread = threading.Thread(target=work, name="watch")
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class Written:
    """What a product wrote while something went on, and what its index called final."""

    writer: Writer
    sent: list[Sent]
    happened: list[int]
    watch: Watch

    @classmethod
    def by(cls, writer: Writer, watch: Watch) -> "Written":
        """What is known when the writer has stopped and each of its acts is settled."""
        writer.stop()
        return cls(writer, writer.settled(), writer.happened(), watch)


@dataclass(frozen=True, slots=True)
class Split:
    """Two signers on each side since the block `at`; `short` can seal one block on it, `long` a heavier chain."""

    at: Head
    short: tuple[Node, Node]
    long: tuple[Node, Node]


def split_in_half(network: Network) -> Split:
    """Split so that the side of signer 0 will have to give a block up.

    Who sealed one of the last two blocks may not seal the next. Cut right after signer 0 sealed: its side can seal one
    more block, by the other signer; the other side seals one in turn, if its turn it is, and a second one.
    """

    def cut() -> Split | None:
        heads = network.heads()
        at, nodes = heads[0], network.nodes
        if len({each.hash for each in heads}) > 1 or network.sealer(at.number) is not nodes[0]:
            return None
        before = network.sealer(at.number - 1)
        free = [each for each in nodes if each not in (nodes[0], before)]
        turn = nodes[(at.number + 1) % len(nodes)]
        first = turn if turn in free else free[0]
        (other,) = (each for each in free if each is not first)
        network.split((0, other.place))
        if any(each.hash != at.hash for each in network.heads()):
            network.heal()
            return None
        return Split(at, (nodes[0], other), (first, before))

    return wait_for(cut, "signer 0 to have sealed the head of all")


def heavier(split: Split) -> bool:
    """Whether both sides have gone on, and the long one is ahead."""
    short, long = head(split.short[0]), head(split.long[0])
    return short.number > split.at.number and long.weight > short.weight


def spend(network: Network, node: Node, count: int) -> list[bytes]:
    """Raw transactions of a stranger, taken by this node; their hashes."""
    payer = network.payers[3]
    first = node.client.nonce(payer.address, "pending")
    made = [
        Transaction(CHAIN_ID, first + number, payer.address, b"", 21_000, LegacyFee(GAS_PRICE))
        for number in range(count)
    ]
    return [node.client.send_raw(payer.sign_transaction(each)) for each in made]


def all_final(sent: Sequence[Sent]) -> bool:
    return bool(sent) and {each.status for each in sent} == {Status.FINAL}
