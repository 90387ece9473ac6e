"""Writes that may be sent twice: the first answer is kept under its Idempotency-Key and given again.

A second request with the same key while the first runs is a conflict; with another body or address it is refused.
A crash between the effect and the kept answer leaves the key free again, when the only process of the database starts
or else after ten minutes: drafts, consents and operations are themselves made so that a repeat has no second effect.
Kept answers are encrypted: they may hold documents and secrets.
"""

import json
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from api.problems import ProblemError
from api.security.access import caller
from api.services import services_of
from api.store.tables import ANSWERS
from ledger_node.hashing import sha256

HEADER = "Idempotency-Key"
KEPT_MS = 24 * 3600 * 1000
LEASE_MS = 600_000
"""For how long a request that has not ended holds its key: no request runs as long."""
_NONCE = 12
_KEPT_HEADERS = frozenset({"content-type", "location", "etag"})


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a write."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """The kept answers of one database, under a key of 32 bytes."""

    engine: Engine
    sealing: bytes

    def begin(self, actor: str, key: str, request_hash: str, now_ms: int) -> KeptAnswer | None:
        """Take the key for a new request (None), or give the first answer. Raises ProblemError."""
        try:
            with self.engine.begin() as connection:
                connection.execute(delete(ANSWERS).where(ANSWERS.c.created_ms < now_ms - KEPT_MS))
                unfinished, since = ANSWERS.c.status.is_(None), ANSWERS.c.created_ms
                connection.execute(delete(ANSWERS).where(unfinished, since < now_ms - LEASE_MS))
                connection.execute(
                    insert(ANSWERS).values(actor=actor, key=key, request_hash=request_hash, created_ms=now_ms)
                )
            return None
        except IntegrityError:
            return self._first(actor, key, request_hash)

    def finish(self, actor: str, key: str, answer: KeptAnswer) -> None:
        """Keep the answer of the request that took the key."""
        nonce = secrets.token_bytes(_NONCE)
        body = nonce + AESGCM(self.sealing).encrypt(nonce, answer.body, _about(actor, key))
        values = {"status": answer.status, "headers": json.dumps(answer.headers), "body": body}
        with self.engine.begin() as connection:
            connection.execute(update(ANSWERS).where(*_of(actor, key)).values(**values))

    def abandon(self, actor: str, key: str) -> None:
        """Free a key whose request failed within the service."""
        with self.engine.begin() as connection:
            connection.execute(delete(ANSWERS).where(*_of(actor, key)))

    def forget_unfinished(self) -> None:
        """Free the keys that were left unfinished; only for who knows that no other process serves this database."""
        with self.engine.begin() as connection:
            connection.execute(delete(ANSWERS).where(ANSWERS.c.status.is_(None)))

    def _first(self, actor: str, key: str, request_hash: str) -> KeptAnswer:
        with self.engine.connect() as connection:
            row = connection.execute(select(ANSWERS).where(*_of(actor, key))).one_or_none()
        if row is None or (row.status is None and row.request_hash == request_hash):
            raise ProblemError(
                "idempotency-in-progress", "the first request with this key still runs", headers={"Retry-After": "1"}
            )
        if row.request_hash != request_hash:
            raise ProblemError("idempotency-mismatch", f"{HEADER} was sent with another request")
        body = AESGCM(self.sealing).decrypt(row.body[:_NONCE], row.body[_NONCE:], _about(actor, key))
        return KeptAnswer(row.status, json.loads(row.headers), body)


class IdempotentRoute(APIRoute):
    """A route whose writes are answered once a key and actor."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the key in front of it for POST."""
        handler = super().get_route_handler()

        async def once(request: Request) -> Response:
            if request.method != "POST":
                return await handler(request)
            return await _once(request, handler)

        return once


async def _once(request: Request, handler: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    services = services_of(request)
    principal = await run_in_threadpool(caller, request)
    key = request.headers.get(HEADER, "")
    if not 8 <= len(key) <= 200 or not key.isascii():
        raise ProblemError("idempotency-key-missing", f"{HEADER} must have 8 to 200 ASCII characters")
    body = await request.body()
    request_hash = sha256(f"{request.method} {request.url.path}\n".encode() + body).hex()
    answers = Answers(services.engine, services.answer_key)
    kept = await run_in_threadpool(answers.begin, principal.actor, key, request_hash, services.clock.now_ms())
    if kept is not None:
        return Response(kept.body, kept.status, {**kept.headers, "Idempotent-Replayed": "true"})
    try:
        response = await handler(request)
    except BaseException:
        await run_in_threadpool(answers.abandon, principal.actor, key)
        raise
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    answer = KeptAnswer(response.status_code, headers, bytes(response.body))
    await run_in_threadpool(answers.finish, principal.actor, key, answer)
    return response


def _about(actor: str, key: str) -> bytes:
    return json.dumps([actor, key]).encode()


def _of(actor: str, key: str) -> tuple[Any, Any]:
    return ANSWERS.c.actor == actor, ANSWERS.c.key == key
