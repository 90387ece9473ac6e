"""Logs of the consortium's contracts as events: transitions of records, and facts that need no history.

This is the one decoder: the indexer, the replay and the verifier all read logs, or transitions, through it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError

from ledger_node.hashing import keccak256
from registry.acts import ACTS, Contract, act_of
from registry.heads import event_digest
from registry.items import Moment
from registry.structs import Act


class EventError(ValueError):
    """A log of a known contract is not one that its interface knows."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the consortium's contracts are on one chain."""

    chain_id: int
    addresses: Mapping[Contract, bytes]

    def name_of(self, address: bytes) -> Contract | None:
        """The contract at an address, None for a stranger's."""
        return next((name for name, known in self.addresses.items() if known == address), None)


@dataclass(frozen=True, slots=True)
class Transition:
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

    def read(self) -> tuple[str, Act]:
        """Name and struct of the act. Raises ActError."""
        return act_of(self.contract, self.act, self.data)


@dataclass(frozen=True, slots=True)
class OraclesSet:
    """The hub has a new set of oracles."""

    epoch: int
    config_digest: bytes
    f: int
    members: tuple[bytes, ...]
    data: bytes
    at: Moment


@dataclass(frozen=True, slots=True)
class RoundAnchored:
    """A round has its root."""

    id: bytes
    schema: bytes
    slot: int
    root: bytes
    leaves: int
    mask: int
    epoch: int
    at: Moment


@dataclass(frozen=True, slots=True)
class GoodsClaimed:
    """A receipt holds goods keys."""

    receipt: bytes
    keys: tuple[bytes, ...]
    at: Moment


@dataclass(frozen=True, slots=True)
class GoodsFreed:
    """A receipt holds these goods keys no longer."""

    receipt: bytes
    keys: tuple[bytes, ...]
    at: Moment


@dataclass(frozen=True, slots=True)
class PanelSet:
    """A panel of reviewers has members."""

    number: int
    required: int
    members: int
    at: Moment


@dataclass(frozen=True, slots=True)
class RuleFired:
    """A rule fired on what `firing` holds."""

    facility: bytes
    rule_leaf: bytes
    facility_seq: int
    firing: bytes
    at: Moment


@dataclass(frozen=True, slots=True)
class BreakerTripped:
    """Too many actions in one window; `log_index` tells two trips in one block apart."""

    facility: bytes
    lender: int
    actions: int
    log_index: int
    at: Moment


@dataclass(frozen=True, slots=True)
class BreakerSet:
    """The circuit breaker's limits."""

    window: int
    lender_limit: int
    consortium_limit: int
    at: Moment


@dataclass(frozen=True, slots=True)
class Wired:
    """A contract plays a part of another."""

    contract: Contract
    part: int
    address: bytes
    at: Moment


Event = (
    Transition | OraclesSet | RoundAnchored | GoodsClaimed | GoodsFreed | PanelSet | RuleFired | BreakerTripped
    | BreakerSet | Wired
)  # fmt: skip


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
    def index(self) -> int:
        """Its place in the block."""


def decode_log(log: LogLike, at: Moment, deployment: Deployment) -> Event | None:
    """The event of a log; None for a stranger's log and for events that repeat what transitions say.

    Raises EventError for a log of ours that no interface knows or that is ill-formed.
    """
    contract = deployment.name_of(log.address)
    if contract is None or contract is Contract.ACCESS:
        return None
    known = _EVENTS.get(log.topics[0]) if log.topics else None
    if known is None:
        raise EventError(f"{contract.value}: log {log.index} of block {at.block} is no event of its interface")
    indexed, types, build = known
    if build is None:
        return None
    if len(log.topics) != 1 + len(indexed):
        raise EventError(f"{contract.value}: log {log.index} of block {at.block} has another number of topics")
    try:
        values = [_decode([kind], topic)[0] for kind, topic in zip(indexed, log.topics[1:], strict=True)]
        values += _decode(types, log.data)
    except DecodingError as error:
        raise EventError(f"{contract.value}: log {log.index} of block {at.block}: {error}") from None
    return build(_Raw(contract, log.index, at), *values)


@dataclass(frozen=True, slots=True)
class _Raw:
    """What every event has: whose it is, its place in the block, and when it was."""

    contract: Contract
    index: int
    at: Moment


def _decode(types: list[str], data: bytes) -> list[Any]:
    values = list(abi_decode(types, data))
    if abi_encode(types, values) != data:
        raise DecodingError("not the one encoding of its values")
    return values


def _transition(raw: _Raw, id_: bytes, act: int, seq: int, word: int, data: bytes) -> Event:
    if raw.contract not in ACTS:
        raise EventError(f"{raw.contract.value}: keeps no records")
    return Transition(raw.contract, id_, act, seq, word, data, raw.at)


def _oracles(raw: _Raw, epoch: int, digest: bytes, f: int, members: list[str], data: str) -> Event:
    return OraclesSet(epoch, digest, f, tuple(_address(each) for each in members), _address(data), raw.at)


def _round(raw: _Raw, id_: bytes, schema: bytes, epoch: int, slot: int, root: bytes, leaves: int, mask: int) -> Event:
    return RoundAnchored(id_, schema, slot, root, leaves, mask, epoch, raw.at)


def _claimed(raw: _Raw, receipt: bytes, keys: list[bytes]) -> Event:
    return GoodsClaimed(receipt, tuple(keys), raw.at)


def _freed(raw: _Raw, receipt: bytes, keys: list[bytes]) -> Event:
    return GoodsFreed(receipt, tuple(keys), raw.at)


def _panel(raw: _Raw, number: int, required: int, members: int) -> Event:
    return PanelSet(number, required, members, raw.at)


def _fired(raw: _Raw, facility: bytes, leaf: bytes, seq: int, firing: bytes) -> Event:
    return RuleFired(facility, leaf, seq, firing, raw.at)


def _tripped(raw: _Raw, facility: bytes, lender: int, actions: int) -> Event:
    return BreakerTripped(facility, lender, actions, raw.index, raw.at)


def _breaker(raw: _Raw, window: int, lender_limit: int, consortium_limit: int) -> Event:
    return BreakerSet(window, lender_limit, consortium_limit, raw.at)


def _wired(raw: _Raw, part: int, address: str) -> Event:
    return Wired(raw.contract, part, _address(address), raw.at)


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


Build = Callable[..., Event]
_SPECS: list[tuple[str, list[str], list[str], Build | None]] = [
    ("Transition", ["bytes32", "uint8"], ["uint32", "uint256", "bytes"], _transition),
    ("OraclesSet", ["uint32"], ["bytes32", "uint8", "address[]", "address"], _oracles),
    ("RoundAnchored", ["bytes32", "bytes32", "uint32"], ["uint64", "bytes32", "uint32", "uint32"], _round),
    ("GoodsClaimed", ["bytes32"], ["bytes32[]"], _claimed),
    ("GoodsFreed", ["bytes32"], ["bytes32[]"], _freed),
    ("PanelSet", ["uint16"], ["uint8", "uint256"], _panel),
    ("RuleFired", ["bytes32", "bytes32"], ["uint32", "bytes"], _fired),
    ("BreakerTripped", ["bytes32", "uint32"], ["uint32"], _tripped),
    ("BreakerSet", [], ["uint32", "uint32", "uint32"], _breaker),
    ("Wired", ["uint8"], ["address"], _wired),
    ("Transfer", ["address", "address", "uint256"], [], None),
    ("Locked", [], ["uint256"], None),
    ("Unlocked", [], ["uint256"], None),
    ("AuthorityUpdated", [], ["address"], None),
]
"""Events: name, indexed types, other types in order, how they become a value (None: they repeat a transition)."""


def _topic(name: str, indexed: list[str], types: list[str]) -> bytes:
    order = _ORDER.get(name)
    kinds = [*indexed, *types]
    return keccak256(f"{name}({','.join(kinds[at] for at in order) if order else ','.join(kinds)})".encode())


_ORDER: dict[str, tuple[int, ...]] = {"RoundAnchored": (0, 1, 3, 4, 5, 6, 2)}
"""Events whose indexed fields do not come first: the place of each field in the signature."""
_EVENTS = {_topic(name, indexed, types): (indexed, types, build) for name, indexed, types, build in _SPECS}
