"""From a request to the principal behind it: a bearer token, or the session of the console."""

from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.datastructures import URL

from api.problems import ProblemError
from api.security.roles import SCOPES, Principal, Scope
from api.security.sessions import COOKIE
from api.security.tokens import require
from api.services import Services, services_of
from ledger_node.hashing import sha256

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PRINCIPAL = "principal"


def bearer_or_session(request: Request) -> Principal:
    """Who asks the API now, counted again. A session of the console may read; a write needs a token.

    Raises ProblemError.
    """
    services = services_of(request)
    services.limits.hit("requests", _address(request), services.section.reads_per_minute * 4)
    header = request.headers.get("authorization")
    if header is not None:
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise _challenge("Authorization must be a bearer token")
        principal = services.tokens.read(token, services.clock.now_ms() // 1000)
    elif request.method in SAFE_METHODS and (found := session_principal(request)):
        principal = found
    else:
        raise _challenge("send a bearer token from /oauth2/token")
    _count(request, services, principal)
    return principal


def caller(request: Request) -> Principal:
    """Who asks the API, found and counted once a request, however many of its parts ask. Raises ProblemError."""
    state = request.scope.setdefault("state", {})
    if _PRINCIPAL not in state:
        state[_PRINCIPAL] = bearer_or_session(request)
    return cast("Principal", state[_PRINCIPAL])


def session_principal(request: Request) -> Principal | None:
    """The person whose session the cookie names, if it holds."""
    services = services_of(request)
    cookie = request.cookies.get(COOKIE)
    found = services.sessions.find(cookie, services.clock.now_ms()) if cookie else None
    if found is None:
        return None
    session, login = found
    entry = services.members().users.get(login)
    if entry is None:
        return None
    member, user = entry
    principal = Principal(
        entity=member.entity,
        role=member.kind,
        actor=f"user:{member.entity}:{sha256(login.encode()).hex()[:16]}",
        display_name=user.name,
        scopes=SCOPES[member.kind],
        session=session,
    )
    request.scope.setdefault("state", {})["actor"] = principal.actor
    return principal


def refuse_other_sites(request: Request) -> None:
    """Raises ProblemError when a browser says that a form comes from another site (Fetch Metadata, Origin)."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = {f"{request.url.scheme}://{request.url.netloc}", _origin(services_of(request).section.public_url)}
    if site not in (None, "same-origin", "none") or (origin is not None and origin not in own):
        raise ProblemError("cross-site", "the form must be sent from a page of this console")


def scoped(scope: Scope) -> object:
    """A dependency that demands a scope and gives the principal."""

    def demand(principal: "Caller") -> Principal:
        require(principal, scope)
        return principal

    return Depends(demand)


def _count(request: Request, services: Services, principal: Principal) -> None:
    request.scope.setdefault("state", {})["actor"] = principal.actor
    reading = request.method in SAFE_METHODS
    limit = services.section.reads_per_minute if reading else services.section.writes_per_minute
    services.limits.hit("reads" if reading else "writes", principal.actor, limit)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _origin(address: str) -> str:
    url = URL(address)
    return f"{url.scheme}://{url.netloc}"


def _challenge(detail: str) -> ProblemError:
    return ProblemError("unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


Caller = Annotated[Principal, Depends(caller)]
