"""Answers from the index: the same functions that the verifier derives them with, over a snapshot."""

from collections.abc import Mapping, Sequence

from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from registry.acts import Contract
from registry.answers import facility_answer, receipt_answer
from registry.index.queries import Snapshot
from registry.items import Item, Key
from registry.transitions import Transition


class SnapshotSource:
    """A snapshot and the contents of the documents that the asker may see, by commitment."""

    def __init__(self, snapshot: Snapshot, opened: Mapping[bytes, JsonValue]) -> None:
        self._snapshot = snapshot
        self._opened = opened

    def get(self, key: Key, /) -> Item | None:
        """The item of a key."""
        return self._snapshot.get(key)

    def transitions(self, contract: Contract, id_: bytes) -> Sequence[Transition]:
        """All transitions of a record, oldest first."""
        return [each.transition for each in self._snapshot.history(contract, id_)]

    def opened(self, commitment: bytes) -> JsonValue:
        """The content of a commitment, None when it is not shown."""
        return self._opened.get(commitment)


def block_answer(snapshot: Snapshot, head: int, finality: int) -> dict[str, JsonValue]:
    """The block that an answer is true at; `final` when enough blocks stand on it."""
    block = snapshot.block
    final = block.number + finality <= head
    return {"number": block.number, "hash": data_hex(block.hash), "time": block.time, "final": final}


def answer_about_receipt(
    snapshot: Snapshot, id_: bytes, opened: Mapping[bytes, JsonValue], head: int, finality: int
) -> dict[str, JsonValue]:
    """`block` and `data` of a receipt, as `cangdan verify --answer` checks them. Raises UnknownItem."""
    data = receipt_answer(SnapshotSource(snapshot, opened), id_)
    return {"block": block_answer(snapshot, head, finality), "data": data}


def answer_about_facility(
    snapshot: Snapshot, id_: bytes, opened: Mapping[bytes, JsonValue], head: int, finality: int
) -> dict[str, JsonValue]:
    """`block` and `data` of a facility, as `cangdan verify --answer` checks them. Raises UnknownItem."""
    data = facility_answer(SnapshotSource(snapshot, opened), id_)
    return {"block": block_answer(snapshot, head, finality), "data": data}
