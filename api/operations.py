"""From a complete draft to the chain: operations, and how far each one is."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, Row, insert, select
from sqlalchemy.exc import IntegrityError

from api.acts.built import Book
from api.acts.calls import CallError, Related, Signed, call_of
from api.drafting import Drafting
from api.drafts import Draft
from api.problems import ProblemError
from api.security.roles import Principal
from api.sending import Sending
from api.store.tables import OPERATIONS
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.outbox import Sent, Status
from oracle.clock import Clock
from registry import items, structs
from registry.items import Key, Kind

_SPACE = uuid.UUID("7c0f4f7e-2f0e-5d64-9f3a-6a6d0c1be7a4")


@dataclass(frozen=True, slots=True)
class Operation:
    """One sending of a draft; `sent` is what the outbox knows, None when it was lost before it was signed."""

    id: str
    draft: bytes
    entity: int
    submitted: int
    sent: Sent | None

    @property
    def state(self) -> str:
        """submitted, included, final or refused."""
        return Status.SUBMITTED.value if self.sent is None else self.sent.status.value


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of one database."""

    engine: Engine
    drafting: Drafting
    sending: Sending
    book: Callable[[], Book]
    clock: Clock

    def submit(self, principal: Principal, id_: bytes, fixed_gas: int | None) -> Operation:
        """Send a complete draft. With `fixed_gas` it is sent untried, again if need be. Raises ProblemError."""
        with self.drafting.refusals.watching(principal, "send", None, id_):
            return self._submit(principal, id_, fixed_gas)

    def _submit(self, principal: Principal, id_: bytes, fixed_gas: int | None) -> Operation:
        draft = self.drafting.visible(principal, id_)
        earlier = self._of_draft(id_)
        if earlier and fixed_gas is None:
            last = self._operation(earlier[-1])
            if last.state != Status.REFUSED.value:
                raise ProblemError("conflict", f"the draft was sent already: operation {last.id}")
            if last.sent is None or not last.sent.settled:
                raise ProblemError("conflict", f"operation {last.id} of the draft was refused, which is not final yet")
        signed = self._signed(draft)
        try:
            call = call_of(signed, self._related(draft))
        except CallError as error:
            raise ProblemError("conflict", str(error)) from None
        key = str(uuid.uuid5(_SPACE, f"{data_hex(id_)} {len(earlier)}"))
        sent = self.sending.submit(principal.entity, key, call, fixed_gas)
        now = self.clock.now_ms()
        self._add(key, principal, id_, now)
        return Operation(key, id_, principal.entity, now, sent)

    def visible(self, principal: Principal, key: str) -> Operation:
        """The operation, to the parties of its draft. Raises ProblemError not-found to all others."""
        with self.engine.connect() as connection:
            row = connection.execute(select(OPERATIONS).where(OPERATIONS.c.id == key)).one_or_none()
        if row is None:
            raise ProblemError("not-found", "no such operation of this member")
        self.drafting.visible(principal, read_data("draft", row.draft, 32))
        return self._operation(row)

    def latest(self, id_: bytes) -> Operation | None:
        """The last operation of a draft."""
        rows = self._of_draft(id_)
        return self._operation(rows[-1]) if rows else None

    def _signed(self, draft: Draft) -> Signed:
        order = draft.signing_order
        if order is None:
            missing = ", ".join(str(entity) for entity in draft.missing)
            needed = draft.required - len(draft.signatures)
            raise ProblemError("conflict", f"{needed} more must consent, of the entities {missing}")
        signatures = {entity: kept.signature for entity, kept in draft.signatures.items()}
        return Signed(draft.consent, order, signatures, draft.extras)

    def _related(self, draft: Draft) -> Related:
        """The structs of other records that the call names."""
        book, consent = self.book(), draft.consent
        if isinstance(consent, structs.Delivery):
            return Related(issue=_issue(book, consent.receipt))
        if isinstance(consent, structs.Issue) and any(consent.replaces):
            return Related(issue=_issue(book, consent.replaces))
        if isinstance(consent, structs.Release):
            pledge = book.get(Key(Kind.PLEDGE, consent.pledge))
            return Related(pledge=pledge.terms if isinstance(pledge, items.Pledge) else None)
        if isinstance(consent, structs.Decision) and any(consent.inspection):
            return self._inspected(consent.inspection)
        return Related()

    def _inspected(self, id_: bytes) -> Related:
        draft = self.drafting.drafts.get(id_)
        if draft is None or not isinstance(draft.consent, structs.Inspection):
            raise ProblemError("conflict", "the inspection is not kept here")
        kept = draft.signatures.get(draft.consent.inspector)
        if kept is None:
            raise ProblemError("conflict", "the inspector has not signed the inspection yet")
        return Related(inspection=draft.consent, inspector_signature=kept.signature)

    def _add(self, key: str, principal: Principal, id_: bytes, now_ms: int) -> None:
        row = {
            "id": key,
            "draft": data_hex(id_),
            "entity": principal.entity,
            "actor": principal.actor,
            "submitted_ms": now_ms,
        }
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(OPERATIONS).values(**row))
        except IntegrityError:
            return

    def _of_draft(self, id_: bytes) -> list[Row[tuple[str, str, int, str, int]]]:
        query = select(OPERATIONS).where(OPERATIONS.c.draft == data_hex(id_)).order_by(OPERATIONS.c.submitted_ms)
        with self.engine.connect() as connection:
            return list(connection.execute(query).all())

    def _operation(self, row: Row[tuple[str, str, int, str, int]]) -> Operation:
        sent = self.sending.find(row.entity, row.id)
        return Operation(row.id, read_data("draft", row.draft, 32), row.entity, row.submitted_ms, sent)


def _issue(book: Book, receipt: bytes) -> structs.Issue | None:
    found = book.get(Key(Kind.RECEIPT, receipt))
    return found.terms if isinstance(found, items.Receipt) else None
