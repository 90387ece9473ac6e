"""The token endpoint and its metadata (RFC 6749, 7523, 8414)."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request

from api.security.roles import Scope
from api.security.tokens import ALGORITHMS
from api.services import services_of

router = APIRouter(tags=["access"])


@router.post("/oauth2/token", summary="Fetch an access token", openapi_extra={"x-proof": "none: a credential"})
def token(
    request: Request,
    grant_type: Annotated[str, Form()] = "",
    client_assertion_type: Annotated[str, Form()] = "",
    client_assertion: Annotated[str, Form(max_length=8192)] = "",
    scope: Annotated[str, Form(max_length=400)] = "",
) -> dict[str, str | int]:
    """Client credentials with a signed assertion (private_key_jwt); the token lives for minutes."""
    services = services_of(request)
    address = request.client.host if request.client else "unknown"
    services.limits.hit("tokens", address, services.section.writes_per_minute)
    form = {
        "grant_type": grant_type,
        "client_assertion_type": client_assertion_type,
        "client_assertion": client_assertion,
        "scope": scope,
    }
    return services.tokens.exchange(form, services.clock.now_ms() // 1000)


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="What the token endpoint offers",
    openapi_extra={"x-proof": "none: settings of this service"},
)
def metadata(request: Request) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414)."""
    tokens = services_of(request).tokens
    return {
        "issuer": tokens.issuer,
        "token_endpoint": tokens.endpoint,
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [scope.value for scope in Scope],
    }
