"""The one place where events become state: the indexer, the replay and the verifier all apply them here.

Pure. `apply` gives what an event changes, given what is; heads are recomputed at every step, so a transition that is
left out, added or moved is found at the record and seq where it happened.
"""

from collections.abc import Callable, Iterable
from typing import get_args

from registry.acts import Contract
from registry.effects.credit import cover, facility, review
from registry.effects.facts import fact
from registry.effects.parties import entity, fleet
from registry.effects.receipts import receipt
from registry.effects.step import Changes, State, StateError, Step
from registry.heads import EMPTY_HEAD, next_head
from registry.items import Item, Key, Kind, Record
from registry.transitions import Deployment, Event, Transition
from registry.words import seq_of

__all__ = ["RECORDS", "Changes", "HeadMismatch", "State", "StateError", "apply", "check_record", "record_of", "replay"]

RECORDS: dict[Contract, Kind] = {
    Contract.PARTICIPANTS: Kind.ENTITY,
    Contract.DEVICES: Kind.FLEET,
    Contract.RECEIPTS: Kind.RECEIPT,
    Contract.CREDIT: Kind.FACILITY,
    Contract.REVIEWS: Kind.REVIEW,
    Contract.COVERS: Kind.COVER,
}
"""The contracts that keep records, and the kind of their items."""
_EFFECTS: dict[Contract, Callable[[State, Step], Changes]] = {
    Contract.PARTICIPANTS: entity,
    Contract.DEVICES: fleet,
    Contract.RECEIPTS: receipt,
    Contract.CREDIT: facility,
    Contract.REVIEWS: review,
    Contract.COVERS: cover,
}
_RECORD_TYPES = get_args(Record)


class HeadMismatch(StateError):
    """A record's history does not fit its head: `contract`, `id` and `seq` say where."""

    def __init__(self, contract: Contract, id_: bytes, seq: int, rule: str) -> None:
        super().__init__(f"{contract.value} {id_.hex()} seq {seq}: {rule}")
        self.contract = contract
        self.id = id_
        self.seq = seq
        self.rule = rule


def apply(state: State, event: Event, deployment: Deployment) -> Changes:
    """The items that an event changes, as they are after it.

    Raises HeadMismatch for a transition out of sequence, StateError for one that cannot follow the state, ActError and
    WordError for one that no contract of ours makes.
    """
    if not isinstance(event, Transition):
        return fact(state, event)
    before = record_of(state, event.contract, event.id)
    seq = 0 if before is None else before.word.seq
    if event.seq != seq + 1:
        raise HeadMismatch(event.contract, event.id, event.seq, f"must follow seq {seq}")
    if seq_of(event.word) != event.seq:
        raise HeadMismatch(event.contract, event.id, event.seq, f"its word counts {seq_of(event.word)}")
    head = next_head(EMPTY_HEAD if before is None else before.head, event.seq, event.digest())
    name, act = event.read()
    return _EFFECTS[event.contract](state, Step(event, name, act, head, deployment, before))


def replay(events: Iterable[Event], deployment: Deployment) -> dict[Key, Item]:
    """The state that events in their order add up to. Raises as `apply`."""
    state: dict[Key, Item] = {}
    for event in events:
        state.update(apply(state, event, deployment))
    return state


def record_of(state: State, contract: Contract, id_: bytes) -> Record | None:
    """A record of a contract, None when it has no transition yet."""
    item = state.get(Key(RECORDS[contract], id_))
    return item if isinstance(item, _RECORD_TYPES) else None


def check_record(state: State, contract: Contract, id_: bytes, word: int, head: bytes) -> None:
    """Checks a record against word and head in the chain's storage. Raises HeadMismatch."""
    record = record_of(state, contract, id_)
    if record is None:
        if word or head != EMPTY_HEAD:
            raise HeadMismatch(contract, id_, seq_of(word), "no transition is known, the storage has some")
        return
    if record.word.pack() != word:
        raise HeadMismatch(contract, id_, seq_of(word), "the word in the storage is another")
    if record.head != head:
        raise HeadMismatch(contract, id_, record.word.seq, "the head in the storage is another")
