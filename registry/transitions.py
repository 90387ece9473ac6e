"""Logs of the consortium's contracts as events: transitions of records, and facts that need no history.

This is the one decoder: the indexer, the replay and the verifier all read logs, or transitions, through it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast, get_args

from ledger_node import abi
from ledger_node.abi_types import AbiError, Struct
from ledger_node.bindings import events
from ledger_node.values import Value
from registry.acts import Contract, act_of
from registry.heads import event_digest
from registry.items import Moment


class EventError(ValueError):
    """A log of a known contract is not one that its interface knows."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the consortium's contracts are on one chain."""

    chain_id: int
    addresses: Mapping[Contract, bytes]
    _names: Mapping[bytes, Contract] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", {address: name for name, address in self.addresses.items()})

    def name_of(self, address: bytes) -> Contract | None:
        """The contract at an address, None for a stranger's."""
        return self._names.get(address)


class Transition(Value, frozen=True, dict=True, gc=True):
    """One change of one record."""

    contract: Contract
    id: bytes
    act: int
    seq: int
    word: int
    data: bytes
    at: Moment

    def digest(self) -> bytes:
        """The digest that the record's head covers, 32 bytes."""
        return event_digest(self.act, self.word, self.at.block, self.at.time, self.data)

    def read(self) -> tuple[str, Struct]:
        """Name and struct of the act, decoded once. Raises ActError."""
        found: tuple[str, Struct] | None = self.__dict__.get("_read")
        if found is None:
            self.__dict__["_read"] = found = act_of(self.contract, self.act, self.data)
        return found


FactEvent = (
    events.OraclesSet | events.RoundAnchored | events.GoodsClaimed | events.GoodsFreed | events.PanelSet
    | events.RuleFired | events.BreakerTripped | events.BreakerSet | events.Wired
)  # fmt: skip
"""The events that are no transitions and say something that no transition says."""


class Fact(Value, frozen=True):
    """An event that is no transition; `log_index` is its place in the block."""

    contract: Contract
    event: FactEvent
    log_index: int
    at: Moment


Event = Transition | Fact
_REPEATED = frozenset({events.Transfer, events.Locked, events.Unlocked, events.AuthorityUpdated})
"""Events that repeat what a transition says, for standard tools."""
_FACTS: frozenset[type[object]] = frozenset(get_args(FactEvent))


class LogLike(Protocol):
    """What of a log the decoder reads."""

    @property
    def address(self) -> bytes:
        """Who emitted it."""

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The event's hash and its indexed fields."""

    @property
    def data(self) -> bytes:
        """The other fields."""

    @property
    def log_index(self) -> int:
        """Its place in the block."""


def decode_log(log: LogLike, at: Moment, deployment: Deployment) -> Event | None:
    """The event of a log; None for a stranger's log, for administration, and for events that repeat a transition.

    Raises EventError for a log of ours that no interface knows or that is ill-formed.
    """
    contract = deployment.name_of(log.address)
    if contract is None or contract is Contract.ACCESS:
        return None
    kind = abi.event_type(log.topics)
    try:
        if kind is events.Transition:
            id_, act, seq, word, data = kind.values(log.topics, log.data)
            return Transition(contract, id_, act, seq, word, data, at)
        if kind in _FACTS:
            return Fact(contract, cast("FactEvent", kind.decode(log.address, log.topics, log.data)), log.log_index, at)
        if kind in _REPEATED:
            kind.values(log.topics, log.data)
            return None
    except AbiError as error:
        raise EventError(f"{contract.value}: log {log.log_index} of block {at.block}: {error}") from None
    raise EventError(f"{contract.value}: log {log.log_index} of block {at.block} is no event of its interface")
