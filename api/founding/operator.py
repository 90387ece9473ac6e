"""The operator's acts: entities, review panels and the oracle set. Each is done once, however often it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger_node.abi import decode_result, encode_call
from ledger_node.client import ChainClient
from ledger_node.hashing import keccak256
from ledger_node.outbox import ActRefused, Outbox, Sent, Status

KINDS = {"bank": 1, "keeper": 2, "insurer": 3, "depositor": 4, "inspector": 5, "regulator": 6}


class FoundingError(Exception):
    """An act of the operator was refused; the message names the act and the contract's error."""


def identifier_hash(identifier: str) -> bytes:
    """What the chain knows of an LEI or 统一社会信用代码; both are public registers, so the hash needs no key."""
    return keccak256(identifier.encode())


@dataclass(frozen=True, slots=True)
class Operator:
    """Signs for the consortium's operator, which the AccessManager names its admin and registrar."""

    client: ChainClient
    outbox: Outbox
    addresses: Mapping[str, bytes]

    def register(self, kind: str, identifier: str, account: bytes) -> int:
        """The index of the entity with that identifier; when it is new, `account` becomes its first account."""
        tag = identifier_hash(identifier)
        found = self._entity(tag)
        if found:
            return found
        self._act(f"register/{tag.hex()}", "ParticipantRegistry", "register", KINDS[kind], tag, account)
        return self._entity(tag)

    def set_panel(self, panel: int, required: int, members: Sequence[int]) -> None:
        """The review panel of that number: `required` of `members` decide."""
        ordered = sorted(members)
        key = f"panel/{panel}/{required}/{'-'.join(map(str, ordered))}"
        self._act(key, "ReviewBoard", "setPanel", panel, required, ordered)

    def set_oracles(self, oracles: Sequence[bytes], faulty: int) -> None:
        """The oracle set, by account; at most `faulty` of them may lie."""
        key = f"oracles/{faulty}/{'-'.join(each.hex() for each in oracles)}"
        self._act(key, "AttestationHub", "setOracles", list(oracles), faulty)

    def _entity(self, tag: bytes) -> int:
        data = encode_call("ParticipantRegistry", "entityOf", tag)
        answer = self.client.call(self.addresses["ParticipantRegistry"], data)
        return int(decode_result("ParticipantRegistry", "entityOf", answer)[0])

    def _act(self, key: str, contract: str, function: str, *args: object) -> Sent:
        try:
            self.outbox.submit(key, self.addresses[contract], encode_call(contract, function, *args))
        except ActRefused as error:
            raise FoundingError(f"{contract}.{function}: {error.cause}") from None
        sent = self.outbox.wait(key)
        if sent.status is Status.REFUSED:
            raise FoundingError(f"{contract}.{function}: {sent.cause}")
        return sent
