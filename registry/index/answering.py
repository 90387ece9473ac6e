"""Answers from the index: the same functions that the verifier derives them with, over a snapshot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from registry.acts import Contract
from registry.answers import facility_answer, receipt_answer
from registry.index.queries import BlockRef, Snapshot
from registry.items import Item, Key
from registry.transitions import Transition


@dataclass(frozen=True, slots=True)
class Answering:
    """What `cangdan verify --answer` checks of a block; `opened` gives the documents that the asker may see."""

    snapshot: Snapshot
    opened: Callable[[bytes], JsonValue]

    def get(self, key: Key, /) -> Item | None:
        """The item of a key."""
        return self.snapshot.get(key)

    def transitions(self, contract: Contract, id_: bytes) -> Sequence[Transition]:
        """All transitions of a record, oldest first."""
        return [each.transition for each in self.snapshot.history(contract, id_)]

    def receipt(self, id_: bytes) -> dict[str, JsonValue]:
        """The `data` of a receipt. Raises UnknownItem."""
        return receipt_answer(self, id_)

    def facility(self, id_: bytes) -> dict[str, JsonValue]:
        """The `data` of a facility. Raises UnknownItem."""
        return facility_answer(self, id_)


def block_answer(block: BlockRef, final: bool) -> dict[str, JsonValue]:
    """The `block` that an answer is true at; its time in seconds, as the header has it."""
    return {"number": block.number, "hash": data_hex(block.hash), "time": block.time, "final": final}
