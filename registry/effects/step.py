"""What an effect gets: the record as it was, the act, and what the record is after it."""

from typing import Protocol

from ledger_node.abi_types import Struct
from ledger_node.values import Value
from registry.acts import Contract
from registry.items import Item, Key, Moment, Record
from registry.transitions import Deployment, Transition
from registry.words import CoverWord, EntityWord, FacilityWord, FleetWord, ReceiptWord, ReviewWord


class State(Protocol):
    """All items by their keys."""

    def get(self, key: Key, /) -> Item | None:
        """The item of a key, None when there is none."""


Changes = dict[Key, Item]
"""Items as they are after an event."""
RecordWord = EntityWord | FleetWord | ReceiptWord | FacilityWord | ReviewWord | CoverWord


class StateError(ValueError):
    """An event cannot follow what came before it; the message names the contract, the record and the rule."""


class Step(Value, frozen=True):
    """One transition with its parts read and its head computed; `before`: the record as it was."""

    event: Transition
    name: str
    act: Struct
    head: bytes
    deployment: Deployment
    before: Record | None

    @property
    def contract(self) -> Contract:
        """Whose record it is."""
        return self.event.contract

    @property
    def id(self) -> bytes:
        """The record."""
        return self.event.id

    @property
    def at(self) -> Moment:
        """When it happened."""
        return self.event.at

    def wrong(self, rule: str) -> StateError:
        """The error that this step breaks a rule."""
        return StateError(f"{self.contract.value} {self.id.hex()} seq {self.event.seq} ({self.name}): {rule}")
