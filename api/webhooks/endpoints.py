"""Webhooks at rest: where a member wants to be told, of what, and how far the index was looked through for it."""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select, update

from api.security.secret import derive
from api.store.tables import DELIVERIES, DELIVERY_ATTEMPTS, WEBHOOKS

OLD_SECRET_MS = 24 * 3600 * 1000
"""How long messages are signed with the secret before the last one, too."""


class State(StrEnum):
    """Whether a webhook is told: on; paused by its member; disabled by this service, with its cause."""

    ON = "on"
    PAUSED = "paused"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. `events` None means all; `cursor` is the place of the last notice looked at; times are in ms."""

    id: str
    entity: int
    url: str
    events: tuple[str, ...] | None
    description: str
    state: State
    cause: str
    secret_number: int
    old_secret_until: int
    created: int
    version: int
    cursor: tuple[int, int]
    failing_since: int | None

    def wants(self, event: str) -> bool:
        """Whether it is told of an event of this name."""
        return self.events is None or event in self.events


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The webhooks of one database. Their secrets are derived from the process's own and stored nowhere."""

    engine: Engine
    secret: bytes

    def add(self, entity: int, url: str, events: tuple[str, ...] | None, description: str, at: int, now_ms: int) -> str:
        """A new webhook, told of what is final after block `at`; its identifier."""
        id_ = f"wh_{secrets.token_hex(12)}"
        row = {
            "id": id_,
            "entity": entity,
            "url": url,
            "events": _names(events),
            "description": description,
            "state": State.ON.value,
            "cause": "",
            "secret_number": 1,
            "old_secret_until_ms": 0,
            "created_ms": now_ms,
            "version": 1,
            "cursor_block": at,
            "cursor_position": 1 << 40,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(WEBHOOKS).values(**row))
        return id_

    def get(self, id_: str) -> Webhook | None:
        """The webhook of an identifier."""
        with self.engine.connect() as connection:
            row = connection.execute(select(WEBHOOKS).where(WEBHOOKS.c.id == id_)).one_or_none()
        return None if row is None else webhook_of(row)

    def of_member(self, entity: int) -> list[Webhook]:
        """The webhooks of a member, oldest first."""
        query = select(WEBHOOKS).where(WEBHOOKS.c.entity == entity).order_by(WEBHOOKS.c.created_ms, WEBHOOKS.c.id)
        with self.engine.connect() as connection:
            return [webhook_of(row) for row in connection.execute(query)]

    def running(self) -> list[Webhook]:
        """The webhooks that are told."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(WEBHOOKS).where(WEBHOOKS.c.state == State.ON.value))
            return [webhook_of(row) for row in rows]

    def change(self, webhook: Webhook, changes: Mapping[str, object]) -> bool:
        """Change columns of a webhook; False when it is no longer as it was read."""
        values = {**changes, "version": webhook.version + 1}
        if "events" in values:
            values["events"] = _names(values["events"])
        with self.engine.begin() as connection:
            made = connection.execute(update(WEBHOOKS).where(*_as_read(webhook)).values(**values))
        return made.rowcount == 1

    def renew_secret(self, webhook: Webhook, now_ms: int) -> bool:
        """Begin a new secret; the one before signs along for a day. False when the webhook has changed meanwhile."""
        return self.change(
            webhook, {"secret_number": webhook.secret_number + 1, "old_secret_until_ms": now_ms + OLD_SECRET_MS}
        )

    def remove(self, webhook: Webhook) -> bool:
        """Remove a webhook with its log; False when it has changed meanwhile."""
        with self.engine.begin() as connection:
            mine = select(DELIVERIES.c.id).where(DELIVERIES.c.webhook == webhook.id)
            as_read = connection.execute(update(WEBHOOKS).where(*_as_read(webhook)).values(version=webhook.version))
            if as_read.rowcount != 1:
                return False
            connection.execute(delete(DELIVERY_ATTEMPTS).where(DELIVERY_ATTEMPTS.c.delivery.in_(mine)))
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.webhook == webhook.id))
            connection.execute(delete(WEBHOOKS).where(WEBHOOKS.c.id == webhook.id))
        return True

    def signing_secret(self, webhook: Webhook) -> str:
        """The secret in force, as its member is shown it once."""
        return self._secret(webhook.id, webhook.secret_number)

    def signing_secrets(self, webhook: Webhook, now_ms: int) -> list[str]:
        """The secrets that sign a message now, the newest first."""
        number = webhook.secret_number
        numbers = [number, number - 1] if now_ms < webhook.old_secret_until else [number]
        return [self._secret(webhook.id, each) for each in numbers]

    def _secret(self, id_: str, number: int) -> str:
        return "whsec_" + b64encode(derive(self.secret, f"webhook {id_} {number}")).decode()


def webhook_of(row: Row[Any]) -> Webhook:
    """A webhook from its row."""
    return Webhook(
        row.id,
        row.entity,
        row.url,
        None if row.events is None else tuple(json.loads(row.events)),
        row.description,
        State(row.state),
        row.cause,
        row.secret_number,
        row.old_secret_until_ms,
        row.created_ms,
        row.version,
        (row.cursor_block, row.cursor_position),
        row.failing_since_ms,
    )


def _names(events: object) -> str | None:
    return None if events is None else json.dumps(events)


def _as_read(webhook: Webhook) -> tuple[Any, Any]:
    return WEBHOOKS.c.id == webhook.id, WEBHOOKS.c.version == webhook.version
