"""The operator's acts: entities, review panels and the oracle set. Each is done once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
        """Name review panels; all are on their way before one is waited for."""
        sent: list[_Act] = []
        for each in panels:
            ordered = sorted(each.members)
            key = f"panel/{each.number}/{each.required}/{'-'.join(map(str, ordered))}"
            sent.append(self._send(key, "ReviewBoard", "setPanel", each.number, each.required, ordered))
        for act in sent:
            self._wait(act)

    def set_oracles(self, oracles: Sequence[bytes], faulty: int) -> None:
        """The oracle set, by account; at most `faulty` of them may lie."""
        key = f"oracles/{faulty}/{'-'.join(each.hex() for each in oracles)}"
        self._act(key, "AttestationHub", "setOracles", list(oracles), faulty)

    def _send_registration(self, tag: bytes, entrant: Entrant) -> _Act:
        kind = EntityKind[entrant.kind.upper()]
        return self._send(f"register/{tag.hex()}", "ParticipantRegistry", "register", kind, tag, entrant.account)

    def _entity(self, tag: bytes) -> int:
        data = encode_call("ParticipantRegistry", "entityOf", tag)
        answer = self.client.call(self.addresses["ParticipantRegistry"], data)
        return int(decode_result("ParticipantRegistry", "entityOf", answer)[0])

    def _act(self, key: str, contract: str, function: str, *args: object) -> None:
        self._wait(self._send(key, contract, function, *args))

    def _send(self, key: str, contract: str, function: str, *args: object) -> _Act:
        """Submit an act without waiting for it. Raises FoundingError."""
        name = f"{contract}.{function}"
        try:
            self.outbox.submit(key, self.addresses[contract], encode_call(contract, function, *args))
        except ActRefused as error:
            raise FoundingError(f"{name}: {error.cause}") from None
        return _Act(key, name)

    def _wait(self, act: _Act) -> None:
        sent = self.outbox.wait(act.key)
        if sent.status is Status.REFUSED:
            raise FoundingError(f"{act.name}: {sent.cause}")
