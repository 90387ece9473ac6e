"""Access tokens for programs: OAuth 2.0 client credentials, the client known by a signed assertion (RFC 7523).

Tokens are JWTs (RFC 9068) that this process signs with a key of its own; they live for minutes and cannot be renewed.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from api.members import Client, Member, Members
from api.problems import ProblemError
from api.security.roles import Principal, Scope
from api.security.secret import derive
from api.store.tables import ASSERTIONS
from ledger_node.hashing import sha256

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "EdDSA", "PS256")
LONGEST_ASSERTION = 300
SKEW = 10


@dataclass(frozen=True, slots=True)
class Tokens:
    """Gives and reads access tokens. `issuer` is the public address; `lifetime` is in seconds."""

    engine: Engine
    members: Callable[[], Members]
    secret: bytes
    issuer: str
    lifetime: int

    @property
    def endpoint(self) -> str:
        """The address of the token endpoint, which an assertion may name as its audience."""
        return f"{self.issuer}/oauth2/token"

    def exchange(self, form: Mapping[str, str], now: int) -> dict[str, str | int]:
        """The token answer for a client-credentials request at second `now`. Raises ProblemError."""
        if form.get("grant_type") != "client_credentials":
            raise ProblemError("unsupported-grant-type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ProblemError("invalid-client", f"client_assertion_type must be {ASSERTION_TYPE}")
        member, client = self._authenticate(form.get("client_assertion", ""), now)
        scopes = _scopes(form.get("scope", ""), member.scopes_of(client))
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(16),
        }
        token = jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, self._key(), algorithms=["HS256"])
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": " ".join(sorted(scopes)),
        }

    def read(self, token: str, now: int) -> Principal:
        """Whose token it is. Raises ProblemError unauthenticated; the text never holds the token."""
        try:
            decoded = jwt.decode(token, self._key(), algorithms=["HS256"])
            _claims(now, iss=self.issuer, aud=(self.issuer,)).validate(decoded.claims)
        except (JoseError, ValueError):
            raise _unauthenticated("the token is not valid or no longer valid") from None
        found = self.members().clients.get(str(decoded.claims["sub"]))
        if decoded.header.get("typ") != "at+jwt" or found is None:
            raise _unauthenticated("the token is not valid or no longer valid")
        member, client = found
        granted = frozenset(Scope(each) for each in str(decoded.claims["scope"]).split())
        return Principal(
            entity=member.entity,
            role=member.kind,
            actor=f"client:{client.client_id}",
            display_name=client.client_id,
            scopes=granted & member.scopes_of(client),
        )

    def _authenticate(self, assertion: str, now: int) -> tuple[Member, Client]:
        client_id = _subject(assertion)
        found = self.members().clients.get(client_id)
        if found is None:
            raise ProblemError("invalid-client", "the client is unknown or its assertion does not hold")
        try:
            keys = KeySet.import_key_set({"keys": [dict(key) for key in found[1].jwks]})
            token = jwt.decode(assertion, keys, algorithms=list(ALGORITHMS))
            _claims(now, iss=client_id, aud=(self.issuer, self.endpoint)).validate(token.claims)
        except (JoseError, ValueError):
            raise ProblemError("invalid-client", "the client is unknown or its assertion does not hold") from None
        self._use_once(client_id, token.claims, now)
        return found

    def _use_once(self, client_id: str, claims: Mapping[str, object], now: int) -> None:
        expires, jti = claims.get("exp"), claims.get("jti")
        if not isinstance(expires, int) or expires > now + LONGEST_ASSERTION + SKEW:
            raise ProblemError("invalid-client", f"exp must lie at most {LONGEST_ASSERTION} s ahead")
        if not isinstance(jti, str) or not jti:
            raise ProblemError("invalid-client", "jti is missing")
        key = sha256(json.dumps([client_id, jti]).encode()).hex()
        try:
            with self.engine.begin() as connection:
                connection.execute(delete(ASSERTIONS).where(ASSERTIONS.c.expires_ms < (now - SKEW) * 1000))
                connection.execute(insert(ASSERTIONS).values(jti_hash=key, expires_ms=expires * 1000))
        except IntegrityError:
            raise ProblemError("invalid-client", "the assertion was used before") from None

    def _key(self) -> OctKey:
        return OctKey.import_key(derive(self.secret, "access tokens"))


def require(principal: Principal, scope: Scope) -> None:
    """Raises ProblemError insufficient-scope when the principal lacks the scope."""
    if scope not in principal.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{scope.value}"'
        raise ProblemError("insufficient-scope", f"needs {scope.value}", headers={"WWW-Authenticate": challenge})


def _claims(now: int, iss: str, aud: tuple[str, ...]) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=now,
        leeway=SKEW,
        iss={"essential": True, "value": iss},
        sub={"essential": True},
        aud={"essential": True, "values": list(aud)},
        exp={"essential": True},
    )


def _subject(assertion: str) -> str:
    """The client that an assertion speaks of, before its signature is checked."""
    try:
        payload = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"])
    except (IndexError, ValueError, KeyError, TypeError):
        raise ProblemError("invalid-client", "client_assertion is not a signed JWT with a subject") from None


def _scopes(asked: str, allowed: frozenset[Scope]) -> frozenset[Scope]:
    if not asked:
        return allowed
    known = {scope.value: scope for scope in allowed}
    for each in asked.split():
        if each not in known:
            raise ProblemError("invalid-scope", "scope names one that this client may not have")
    return frozenset(known[each] for each in asked.split())


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError("unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
