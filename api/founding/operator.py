"""The operator's acts: entities, review panels and the oracle set. What is so on the chain already is not sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_node.abi import decode_result, encode_call
from ledger_node.bindings.constants import EntityKind
from ledger_node.client import ChainClient
from ledger_node.hashing import keccak256
from ledger_node.outbox import ActRefused, Outbox, Status


class FoundingError(Exception):
    """An act of the operator was refused; the message names the act and the contract's error."""


def identifier_hash(identifier: str) -> bytes:
    """What the chain knows of an LEI or 统一社会信用代码; both are public registers, so the hash needs no key."""
    return keccak256(identifier.encode())


@dataclass(frozen=True, slots=True)
class Entrant:
    """A legal entity that is to be on the chain, and its first account."""

    kind: str
    identifier: str
    account: bytes


@dataclass(frozen=True, slots=True)
class Panel:
    """A review panel: `required` of its members, by their entities, decide."""

    number: int
    required: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OracleSet:
    """The set of oracles in force, by account: `epoch` counts the sets so far, at most `faulty` of it may lie."""

    epoch: int
    faulty: int
    members: tuple[bytes, ...]

    def is_named(self, members: Sequence[bytes], faulty: int) -> bool:
        """Whether it is this set already, in whatever order."""
        return (set(members), faulty) == (set(self.members), self.faulty)


@dataclass(frozen=True, slots=True)
class _Act:
    """An act that is on its way: its key in the outbox, and what is called."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Signs for the consortium's operator, which the AccessManager names its admin and registrar."""

    client: ChainClient
    outbox: Outbox
    addresses: Mapping[str, bytes]

    def register(self, entrants: Sequence[Entrant]) -> list[int]:
        """The index of each entity; for a new one the account becomes its first account."""
        tags = [identifier_hash(each.identifier) for each in entrants]
        found = [self._entity(tag) for tag in tags]
        new = {tag: each for each, tag, entity in zip(entrants, tags, found, strict=True) if not entity}
        sent = [self._send_registration(tag, each) for tag, each in new.items()]
        for act in sent:
            self._wait(act)
        return [entity or self._entity(tag) for tag, entity in zip(tags, found, strict=True)]

    def set_panels(self, panels: Sequence[Panel]) -> None:
        """Name review panels; all are on their way before one is waited for. Raises FoundingError: none is changed."""
        sent: list[_Act] = []
        for each in panels:
            ordered = sorted(each.members)
            packed = sum(member << 32 * at for at, member in enumerate(ordered))
            if self._read("ReviewBoard", "panels", each.number) == (packed, each.required):
                continue
            key = f"panel/{each.number}/{each.required}/{'-'.join(map(str, ordered))}"
            sent.append(self._send(key, "ReviewBoard", "setPanel", each.number, each.required, ordered))
        for act in sent:
            self._wait(act)

    def set_oracles(self, members: Sequence[bytes], faulty: int) -> OracleSet:
        """Name the oracles, by account, of whom at most `faulty` may lie; the set that is then in force."""
        for each in self.outbox.pending():  # one that was sent before may not be in a block yet
            self.outbox.wait(each.key)
        now = read_oracles(self.client, self.addresses["AttestationHub"])
        if now.is_named(members, faulty):
            return now
        self._wait(self._send(f"oracles/{now.epoch + 1}", "AttestationHub", "setOracles", list(members), faulty))
        return read_oracles(self.client, self.addresses["AttestationHub"])

    def _send_registration(self, tag: bytes, entrant: Entrant) -> _Act:
        kind = EntityKind[entrant.kind.upper()]
        return self._send(f"register/{tag.hex()}", "ParticipantRegistry", "register", kind, tag, entrant.account)

    def _entity(self, tag: bytes) -> int:
        return int(self._read("ParticipantRegistry", "entityOf", tag)[0])

    def _read(self, contract: str, function: str, *args: object) -> tuple[Any, ...]:
        return _call(self.client, self.addresses[contract], contract, function, *args)

    def _send(self, key: str, contract: str, function: str, *args: object) -> _Act:
        """Submit an act without waiting for it; one that was refused is tried again. Raises FoundingError."""
        name = f"{contract}.{function}"
        while self.outbox.find(key) is not None and self.outbox.wait(key).status is Status.REFUSED:
            key = self.outbox.key_of_next_try(key)
        try:
            self.outbox.submit(key, self.addresses[contract], encode_call(contract, function, *args))
        except ActRefused as error:
            raise FoundingError(f"{name}: {error.cause}") from None
        return _Act(key, name)

    def _wait(self, act: _Act) -> None:
        sent = self.outbox.wait(act.key)
        if sent.status is Status.REFUSED:
            raise FoundingError(f"{act.name}: {sent.cause}")


def read_oracles(client: ChainClient, hub: bytes) -> OracleSet:
    """The set that the AttestationHub at this address has now; its epoch is 0 before the first."""
    _, epoch, faulty, _ = _call(client, hub, "AttestationHub", "config")
    (members,) = _call(client, hub, "AttestationHub", "oracles")
    return OracleSet(int(epoch), int(faulty), tuple(members))


def _call(client: ChainClient, address: bytes, contract: str, function: str, *args: object) -> tuple[Any, ...]:
    return decode_result(contract, function, client.call(address, encode_call(contract, function, *args)))
