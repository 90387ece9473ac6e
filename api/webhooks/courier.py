"""The loop that tells: looks through final blocks for each webhook, queues what its member may see, sends what is due.

Any number of processes may run it on one database: a cursor moves once, a delivery is taken up by one of them at a
time. What a killed process had taken up is sent again under the same identifier.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.exc import OperationalError

from api.fault_words import fault_words
from api.members import Members, MembersError
from api.records.news import news_of
from api.security.roles import SCOPES, Principal
from api.services import Services
from api.times import rfc3339
from api.webhooks.deliveries import Attempt, Deliveries, Delivery, Queued, message_id
from api.webhooks.endpoints import Endpoints, Webhook
from api.webhooks.posting import Message, Post, trusted
from oracle.clock import Clock
from registry.index.queries import Index, NoticeRow, UnknownBlock

LOG = logging.getLogger("cangdan.api.webhooks")
AT_ONCE = 8
"""Deliveries that are on their way at a time."""
LOOKED_AT = 100
"""Notices that one look covers."""
_PAUSE_SECONDS = 60.0
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


@dataclass(slots=True)
class Courier:
    """Tells the webhooks of one database. `finality` is how many blocks must stand on a block until it is final."""

    endpoints: Endpoints
    deliveries: Deliveries
    index: Index
    finality: int
    members: Callable[[], Members]
    post: Post
    clock: Clock
    zone: ZoneInfo
    poll_seconds: float
    keep_days: int
    _swept: int = field(default=0)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Tell while the context lasts. A fault that nobody foresaw is logged, and a minute later it goes on."""
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []

        def begin() -> None:
            tasks[:] = [loop.create_task(self.run())]
            tasks[0].add_done_callback(fallen)

        def fallen(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and (fault := task.exception()) is not None:
                LOG.error("stopped for a minute: %s", fault_words(fault))
                loop.call_later(_PAUSE_SECONDS, begin)

        begin()
        yield
        tasks[0].cancel()

    async def run(self) -> None:
        """Tell until cancelled; what is on its way then is left to the next run."""
        while True:
            self._wake.clear()
            try:
                await self.step()
            except (OperationalError, MembersError, UnknownBlock) as error:
                LOG.warning("waits: %s", fault_words(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll_seconds):
                    await self._wake.wait()

    async def step(self) -> None:
        """Queue what is new, and begin to send what is due."""
        await asyncio.to_thread(self.queue)
        free = AT_ONCE - len(self._sending)
        if free <= 0:
            return
        for delivery in await asyncio.to_thread(self.deliveries.claim, self.clock.now_ms(), [*self._sending], free):
            task = asyncio.create_task(self._send(delivery))
            self._sending[delivery.webhook] = task
            task.add_done_callback(partial(self._sent, delivery.webhook))

    async def idle(self) -> None:
        """Wait until nothing is on its way."""
        await asyncio.gather(*self._sending.values())

    def _sent(self, webhook: str, _: "asyncio.Task[None]") -> None:
        self._sending.pop(webhook, None)
        self._wake.set()

    def queue(self) -> None:
        """Queue for each webhook what has become final and is its member's to see; forget what is old."""
        running = self.endpoints.running()
        final = self.index.final(self.finality)
        for webhook in running:
            while self._look(webhook, final):
                again = self.endpoints.get(webhook.id)
                if again is None:
                    break
                webhook = again
        now = self.clock.now_ms()
        if now - self._swept >= _HOUR_MS:
            self._swept = now
            self.deliveries.forget(now - self.keep_days * _DAY_MS)

    def _look(self, webhook: Webhook, upto: int) -> bool:
        """Look through the next notices for a webhook; whether there may be more."""
        principal = self._principal(webhook)
        if principal is None:
            return False
        rows = self.index.notices(webhook.cursor, upto, LOOKED_AT)
        if not rows:
            return False
        wanted = [row for row in rows if webhook.wants(row.event)]
        found = [each for row in wanted if (each := self._message(webhook, row, principal)) is not None]
        last = rows[-1]
        moved = self.deliveries.queue(webhook, found, (last.at.block, last.position), self.clock.now_ms())
        return moved and len(rows) == LOOKED_AT

    def _message(self, webhook: Webhook, row: NoticeRow, principal: Principal) -> Queued | None:
        news = news_of(self.index, row, principal)
        if news is None:
            return None
        at = rfc3339(row.at.time * 1000, self.zone)
        body = envelope(row.event, at, news.body(final=True))
        id_ = message_id(webhook.id, news.block.hash, row.position)
        return Queued(id_, row.event, (row.at.block, row.position), body)

    def _principal(self, webhook: Webhook) -> Principal | None:
        """Through whose eyes a webhook looks; None for a member that this process no longer serves."""
        member = self.members().by_entity.get(webhook.entity)
        if member is None:
            return None
        actor = f"webhook:{webhook.id}"
        return Principal(webhook.entity, member.kind, actor, actor, SCOPES[member.kind])

    async def _send(self, delivery: Delivery) -> None:
        webhook = await asyncio.to_thread(self.endpoints.get, delivery.webhook)
        if webhook is None:
            return
        now = self.clock.now_ms()
        message = Message(delivery.id, delivery.body, self.endpoints.signing_secrets(webhook, now))
        attempt = await self.post.send(webhook.url, message, now)
        self._tell(delivery, attempt)
        try:
            await asyncio.to_thread(self.deliveries.finish, delivery, attempt)
        except OperationalError:
            LOG.warning("%s is sent again later: what became of it could not be kept", delivery.id)

    def _tell(self, delivery: Delivery, attempt: Attempt) -> None:
        """One line, without the address: it may hold what only sender and receiver know."""
        line = {"webhook": delivery.webhook, "delivery": delivery.id, "event": delivery.event}
        LOG.info(json.dumps({**line, "status": attempt.status, "cause": attempt.cause or None, "ms": attempt.took}))


def envelope(event: str, timestamp: str, data: object) -> str:
    """The body of a message as Standard Webhooks has it."""
    return json.dumps({"type": event, "timestamp": timestamp, "data": data}, separators=(",", ":"), ensure_ascii=False)


def courier_of(services: Services) -> Courier:
    """The loop that tells the webhooks of these services. Raises OSError for an authority file that is not there."""
    section = services.section.webhooks
    hooks = services.webhooks
    return Courier(
        hooks.endpoints,
        hooks.deliveries,
        services.index,
        services.finality,
        services.members,
        Post(hooks.policy, section.timeout_seconds, trusted(section.authority_file)),
        services.clock,
        services.zone,
        section.poll_seconds,
        section.keep_days,
    )
