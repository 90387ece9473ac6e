"""Deliveries at rest: one for each event and webhook, whatever happens between queueing and the receiver's answer."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from api.store.tables import DELIVERIES, DELIVERY_ATTEMPTS, WEBHOOKS
from api.webhooks.endpoints import State, Webhook
from api.webhooks.schedule import next_wait
from ledger_node.hashing import sha256

LEASE_MS = 120_000
"""How long a process has for one attempt before another may take the delivery up; longer than any attempt."""
GONE = 410


class DeliveryState(StrEnum):
    """Waiting for its first or next attempt; answered with success; given up."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Queued:
    """A message to be queued: its identifier, the event, its place on the chain (None for a test), its body."""

    id: str
    event: str
    place: tuple[int, int] | None
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery. `id` is the webhook-id header of each attempt; `due` and the other times are in ms."""

    id: str
    webhook: str
    event: str
    block: int | None
    body: str
    created: int
    state: DeliveryState
    attempts: int
    tries: int
    due: int
    done: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one sending: the answer's status, or the cause that there was none; `asked` is Retry-After (s)."""

    at: int
    status: int | None
    cause: str
    took: int
    asked: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of one database; `give_up_ms` of failing disables a webhook."""

    engine: Engine
    give_up_ms: int

    def queue(self, webhook: Webhook, found: Sequence[Queued], upto: tuple[int, int], now: int) -> bool:
        """Queue messages and move the webhook's cursor in one transaction; False when another process was first."""
        as_read = (
            WEBHOOKS.c.id == webhook.id,
            WEBHOOKS.c.state == State.ON.value,
            WEBHOOKS.c.cursor_block == webhook.cursor[0],
            WEBHOOKS.c.cursor_position == webhook.cursor[1],
        )
        with self.engine.begin() as connection:
            moved = update(WEBHOOKS).where(*as_read).values(cursor_block=upto[0], cursor_position=upto[1])
            if connection.execute(moved).rowcount != 1:
                return False
            if found:
                connection.execute(insert(DELIVERIES), [_row(webhook.id, each, now) for each in found])
        return True

    def queue_test(self, webhook: Webhook, event: str, body: str, now: int) -> str:
        """Queue a message that is not of the chain; its identifier."""
        id_ = f"msg_{secrets.token_hex(16)}"
        with self.engine.begin() as connection:
            connection.execute(insert(DELIVERIES).values(**_row(webhook.id, Queued(id_, event, None, body), now)))
        return id_

    def claim(self, now: int, busy: Collection[str], limit: int) -> list[Delivery]:
        """Take up deliveries that are due, at most one for a webhook, none of the busy ones."""
        due = (DELIVERIES.c.state == DeliveryState.WAITING.value, DELIVERIES.c.due_ms <= now)
        free = DELIVERIES.c.leased_ms <= now
        longest = func.min(DELIVERIES.c.due_ms)
        webhooks = (
            select(DELIVERIES.c.webhook)
            .join(WEBHOOKS, WEBHOOKS.c.id == DELIVERIES.c.webhook)
            .where(*due, free, WEBHOOKS.c.state == State.ON.value, WEBHOOKS.c.id.not_in(sorted(busy)))
            .group_by(DELIVERIES.c.webhook)
            .order_by(longest)
            .limit(limit)
        )
        order = (DELIVERIES.c.due_ms, DELIVERIES.c.block, DELIVERIES.c.position)
        with self.engine.connect() as connection:
            names = connection.execute(webhooks).scalars().all()
            firsts = [select(DELIVERIES).where(DELIVERIES.c.webhook == name, *due, free) for name in names]
            rows = [connection.execute(each.order_by(*order).limit(1)).one_or_none() for each in firsts]
        return [delivery_of(row) for row in rows if row is not None and self._lease(row.id, now)]

    def finish(self, delivery: Delivery, attempt: Attempt) -> None:
        """Keep what became of an attempt, and what follows for the delivery and its webhook."""
        tries, number = delivery.tries + 1, delivery.attempts + 1
        changes: dict[str, object] = {"attempts": number, "tries": tries, "leased_ms": 0}
        wait = next_wait(delivery.id, tries, attempt.asked)
        if attempt.succeeded:
            changes |= {"state": DeliveryState.DELIVERED.value, "done_ms": attempt.at}
        elif wait is None:
            changes |= {"state": DeliveryState.FAILED.value, "done_ms": attempt.at}
        else:
            changes["due_ms"] = attempt.at + wait
        with self.engine.begin() as connection:
            as_claimed = (DELIVERIES.c.id == delivery.id, DELIVERIES.c.attempts == delivery.attempts)
            if connection.execute(update(DELIVERIES).where(*as_claimed).values(**changes)).rowcount != 1:
                return
            row = {"delivery": delivery.id, "number": number, "at_ms": attempt.at, "status": attempt.status}
            told = {"cause": attempt.cause, "took_ms": attempt.took}
            connection.execute(insert(DELIVERY_ATTEMPTS).values(**row, **told))
            since = select(WEBHOOKS.c.failing_since_ms).where(WEBHOOKS.c.id == delivery.webhook)
            health = self._health(attempt, connection.execute(since).scalar())
            if "state" in health:
                health["version"] = WEBHOOKS.c.version + 1
            connection.execute(update(WEBHOOKS).where(WEBHOOKS.c.id == delivery.webhook).values(**health))

    def again(self, webhook: Webhook, id_: str, now: int) -> Delivery | None:
        """Queue a delivery once more under its identifier; None for one that the webhook does not have."""
        changes = {"state": DeliveryState.WAITING.value, "tries": 0, "due_ms": now, "done_ms": None}
        mine = (DELIVERIES.c.id == id_, DELIVERIES.c.webhook == webhook.id)
        with self.engine.begin() as connection:
            connection.execute(update(DELIVERIES).where(*mine).values(**changes))
        return self.get(webhook, id_)

    def get(self, webhook: Webhook, id_: str) -> Delivery | None:
        """A delivery of a webhook."""
        query = select(DELIVERIES).where(DELIVERIES.c.id == id_, DELIVERIES.c.webhook == webhook.id)
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else delivery_of(row)

    def log(
        self, webhook: Webhook, state: DeliveryState | None, before: tuple[int, str] | None, limit: int
    ) -> list[Delivery]:
        """The deliveries of a webhook, newest first, from a place in that order on."""
        query = select(DELIVERIES).where(DELIVERIES.c.webhook == webhook.id)
        if state is not None:
            query = query.where(DELIVERIES.c.state == state.value)
        if before is not None:
            made, key = before
            older = DELIVERIES.c.created_ms < made
            query = query.where(older | ((DELIVERIES.c.created_ms == made) & (DELIVERIES.c.id < key)))
        query = query.order_by(DELIVERIES.c.created_ms.desc(), DELIVERIES.c.id.desc()).limit(limit)
        with self.engine.connect() as connection:
            return [delivery_of(row) for row in connection.execute(query)]

    def attempts(self, id_: str) -> list[Attempt]:
        """What became of each attempt of a delivery, in order."""
        query = select(DELIVERY_ATTEMPTS).where(DELIVERY_ATTEMPTS.c.delivery == id_)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(DELIVERY_ATTEMPTS.c.number)).all()
        return [Attempt(row.at_ms, row.status, row.cause, row.took_ms) for row in rows]

    def waiting(self) -> int:
        """How many are due or will be tried again."""
        query = select(func.count()).where(DELIVERIES.c.state == DeliveryState.WAITING.value)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def forget(self, before: int) -> None:
        """Forget deliveries that were done before a time (ms), with their attempts."""
        old = select(DELIVERIES.c.id).where(DELIVERIES.c.done_ms < before)
        with self.engine.begin() as connection:
            connection.execute(delete(DELIVERY_ATTEMPTS).where(DELIVERY_ATTEMPTS.c.delivery.in_(old)))
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.done_ms < before))

    def _lease(self, id_: str, now: int) -> bool:
        free = (DELIVERIES.c.id == id_, DELIVERIES.c.leased_ms <= now)
        waiting = DELIVERIES.c.state == DeliveryState.WAITING.value
        with self.engine.begin() as connection:
            taken = update(DELIVERIES).where(*free, waiting).values(leased_ms=now + LEASE_MS)
            return connection.execute(taken).rowcount == 1

    def _health(self, attempt: Attempt, failing_since: int | None) -> dict[str, Any]:
        if attempt.succeeded:
            return {"failing_since_ms": None}
        if attempt.status == GONE:
            return {"state": State.DISABLED.value, "cause": "the receiver answered 410 Gone"}
        since = attempt.at if failing_since is None else failing_since
        if attempt.at - since >= self.give_up_ms:
            return {"state": State.DISABLED.value, "cause": "every attempt failed for too long"}
        return {"failing_since_ms": since}


def message_id(webhook: str, block_hash: bytes, position: int) -> str:
    """The identifier of what a webhook is told of an event: the same however often it is queued or sent."""
    told = f"{webhook} {block_hash.hex()} {position}"
    return f"msg_{sha256(told.encode()).hex()[:32]}"


def delivery_of(row: Row[Any]) -> Delivery:
    """A delivery from its row."""
    state = DeliveryState(row.state)
    place = (row.id, row.webhook, row.event, row.block, row.body, row.created_ms)
    return Delivery(*place, state, row.attempts, row.tries, row.due_ms, row.done_ms)


def _row(webhook: str, message: Queued, now: int) -> dict[str, object]:
    block, position = message.place if message.place is not None else (None, None)
    return {
        "id": message.id,
        "webhook": webhook,
        "event": message.event,
        "block": block,
        "position": position,
        "body": message.body,
        "created_ms": now,
        "state": DeliveryState.WAITING.value,
        "attempts": 0,
        "tries": 0,
        "due_ms": now,
        "leased_ms": 0,
    }
