"""What this service refused to draft, to sign or to send: a log that only grows, chained and signed.

Entry n has head(n) = SHA-256(head(n-1) || entry), head(-1) = 32 zero bytes, the entry as canonical JSON (RFC 8785).
Each head is signed with its number by a key of this process, so a log that was shortened or changed contradicts what
it signed before. It has codes and names of causes, never what was asked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, Row, func, insert, select
from sqlalchemy.exc import IntegrityError

from api.problems import ProblemError
from api.security.roles import Principal
from api.store.tables import REFUSED_STEPS
from ledger_node.canonical_json import JsonValue, dumps, loads
from ledger_node.hashing import keccak256, sha256
from ledger_node.hexvalues import data_hex
from ledger_node.keys import LocalSigner
from ledger_node.secp256k1 import recover
from oracle.clock import Clock

FORMAT = "cangdan/refusals/1"
START = bytes(32)
KEPT = frozenset({"act-refused", "consent-refused", "forbidden", "conflict", "not-found", "second-person-needed"})
"""Refusals of what was asked; faults of form, of haste and of this service are in the access log."""
_TRIES = 20


class LogBroken(ValueError):
    """A log of refusals does not hold; the text names the entry and the rule."""


@dataclass(frozen=True, slots=True)
class Refused:
    """One entry with the head after it and its signature (64 bytes, EIP-2098)."""

    number: int
    entry: bytes
    head: bytes
    signature: bytes

    @property
    def content(self) -> JsonValue:
        """The entry as JSON."""
        return loads(self.entry)


@dataclass(frozen=True, slots=True)
class RefusalLog:
    """The log of one database, signed by `signer`."""

    engine: Engine
    signer: LocalSigner
    clock: Clock

    @contextmanager
    def watching(self, principal: Principal, step: str, act: str | None, draft: bytes | None) -> Iterator[None]:
        """Log what is refused within. `step`: draft, consent, send. The refusal goes on to who asked."""
        try:
            yield
        except ProblemError as problem:
            if problem.code in KEPT:
                self._append(principal, step, act, draft, problem)
            raise

    def page(self, after: int, limit: int) -> list[Refused]:
        """Entries behind a number, oldest first."""
        query = select(REFUSED_STEPS).where(REFUSED_STEPS.c.number > after).order_by(REFUSED_STEPS.c.number)
        with self.engine.connect() as connection:
            return [_refused(row) for row in connection.execute(query.limit(limit))]

    def _append(
        self, principal: Principal, step: str, act: str | None, draft: bytes | None, problem: ProblemError
    ) -> None:
        cause = problem.extra.get("cause")
        told: dict[str, JsonValue] = {
            "at": self.clock.now_ms(),
            "entity": principal.entity,
            "actor": principal.actor,
            "step": step,
            "act": act,
            "draft": None if draft is None else data_hex(draft),
            "code": problem.code,
            "cause": cause["name"] if isinstance(cause, dict) else None,
        }
        for _ in range(_TRIES):
            if self._add(told):
                return
        raise ProblemError("internal", "the log of refusals takes no entry")

    def _add(self, told: dict[str, JsonValue]) -> bool:
        """Add an entry behind the last one; False when another was first."""
        try:
            with self.engine.begin() as connection:
                last = connection.execute(select(func.max(REFUSED_STEPS.c.number))).scalar()
                query = select(REFUSED_STEPS.c.head).where(REFUSED_STEPS.c.number == last)
                before = connection.execute(query).scalar() or START
                number = 0 if last is None else last + 1
                entry = dumps({**told, "number": number})
                head = sha256(before + entry)
                signature = self.signer.sign_digest(signed_digest(number, head))
                row = {"number": number, "entry": entry.decode(), "head": head, "signature": signature}
                connection.execute(insert(REFUSED_STEPS).values(**row))
        except IntegrityError:
            return False
        return True


def signed_digest(number: int, head: bytes) -> bytes:
    """What is signed of an entry."""
    return keccak256(f"{FORMAT}\n{number}\n{data_hex(head)}\n".encode())


def check(log: Sequence[Refused], key: bytes, before: bytes = START, first: int = 0) -> None:
    """Check entries that follow one another behind head `before`. Raises LogBroken."""
    for number, each in enumerate(log, first):
        content = each.content
        if each.number != number or not isinstance(content, dict) or content.get("number") != number:
            raise LogBroken(f"entry {number}: is left out or moved")
        if each.head != sha256(before + each.entry):
            raise LogBroken(f"entry {number}: its head is not that of the entries up to it")
        if recover(signed_digest(number, each.head), each.signature) != key:
            raise LogBroken(f"entry {number}: is signed by another key")
        before = each.head


def _refused(row: Row[tuple[int, str, bytes, bytes]]) -> Refused:
    return Refused(row.number, row.entry.encode(), bytes(row.head), bytes(row.signature))
