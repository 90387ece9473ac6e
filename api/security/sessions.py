"""Sessions of the console: a random identifier in a signed cookie, kept hashed in the database so it can be ended."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer
from sqlalchemy import Engine, delete, insert, select

from api.security.secret import derive
from api.store.tables import SESSIONS
from ledger_node.hashing import sha256

COOKIE = "cangdan_session"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Begins, finds and ends sessions. `lifetime` is in seconds; times are milliseconds since 1970."""

    engine: Engine
    secret: bytes
    lifetime: int

    def begin(self, login: str, now_ms: int) -> str:
        """A new session of a user who has just proved who they are; returns the cookie's value."""
        token = secrets.token_urlsafe(32)
        with self.engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_ms <= now_ms))
            connection.execute(
                insert(SESSIONS).values(
                    id_hash=_key(token),
                    login=login,
                    created_ms=now_ms,
                    expires_ms=now_ms + self.lifetime * 1000,
                )
            )
        return self._signer().sign(token).decode()

    def find(self, cookie: str, now_ms: int) -> tuple[str, str] | None:
        """The session's identifier and the user's login, while the cookie is genuine and the session lasts."""
        token = self._token(cookie)
        if token is None:
            return None
        query = select(SESSIONS.c.login).where(SESSIONS.c.id_hash == _key(token), SESSIONS.c.expires_ms > now_ms)
        with self.engine.connect() as connection:
            login = connection.scalar(query)
        return None if login is None else (token, login)

    def end(self, cookie: str) -> None:
        """Forget the session of a cookie, if there is one."""
        token = self._token(cookie)
        if token is not None:
            with self.engine.begin() as connection:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.id_hash == _key(token)))

    def form_token(self, session: str) -> str:
        """The value that each form of this session carries, against forged forms."""
        return hmac.digest(derive(self.secret, "forms"), session.encode(), "sha256").hex()

    def form_token_matches(self, session: str, given: str) -> bool:
        """Whether a form carries this session's value; compared in constant time."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _signer(self) -> Signer:
        return Signer(derive(self.secret, "sessions"), digest_method=hashlib.sha256, sep=".")

    def _token(self, cookie: str) -> str | None:
        try:
            return self._signer().unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None


def _key(token: str) -> str:
    return sha256(token.encode()).hex()
