"""The interface's description (OpenAPI 3.1): to what handlers say of themselves it adds every error and a curl line."""

from typing import Any

from fastapi import FastAPI

from api.problems import KINDS, MEDIA_TYPE

Json = dict[str, Any]
PATH = "/v1/openapi.json"
_TOKEN = ("invalid-request", "invalid-client", "unsupported-grant-type", "invalid-scope", "rate-limited", "internal")
_ALWAYS = ("unauthenticated", "insufficient-scope", "rate-limited", "internal")
_WRITTEN = ("malformed-request", "idempotency-key-missing", "idempotency-in-progress", "idempotency-mismatch")
_READERS = ("oracles-unavailable", "not-granted", "conflict", "signer-unavailable")
_HOOK = "/v1/webhooks/{webhook_id}"
OWN: dict[tuple[str, str], tuple[str, ...]] = {
    ("post", "/v1/drafts"): ("forbidden", "conflict", "index-unavailable"),
    ("post", "/v1/drafts/{draft_id}/consents"): (
        "consent-refused", "forbidden", "conflict", "second-person-needed", "precondition-failed", "index-unavailable",
        "signer-unavailable",
    ),
    ("post", "/v1/drafts/{draft_id}/submit"): (
        "act-refused", "conflict", "precondition-failed", "ledger-unavailable", "index-unavailable",
        "signer-unavailable",
    ),
    ("get", "/v1/receipts/{receipt_id}/proof"): ("ledger-unavailable",),
    ("get", "/v1/facilities/{facility_id}/proof"): ("ledger-unavailable",),
    ("get", "/v1/facilities/{facility_id}/actions/{seq}/proof"): ("ledger-unavailable", *_READERS),
    ("get", "/v1/facilities/{facility_id}/covenant"): _READERS,
    ("get", "/v1/observations"): _READERS,
    ("get", "/v1/devices/{device_id}"): _READERS,
    ("get", "/v1/network"): ("index-unavailable",),
    ("post", "/v1/webhooks"): ("conflict",),
    ("patch", _HOOK): ("malformed-request", "precondition-required", "precondition-failed"),
    ("delete", _HOOK): ("precondition-required", "precondition-failed"),
    ("post", f"{_HOOK}/secret"): ("precondition-required", "precondition-failed"),
}  # fmt: skip
"""What an operation refuses beside what all of its form do."""
BODIES = {
    ("post", "/v1/drafts"): (
        '{"act": "drawdown", "facility": "$FACILITY_ID", "amount": {"minor": 100, "currency": "CNY"}}'
    ),
    ("post", "/v1/drafts/{draft_id}/consents"): '{"sign": true}',
    ("post", "/v1/drafts/{draft_id}/submit"): "{}",
    ("post", "/v1/webhooks"): '{"url": "https://hooks.example.com/cangdan", "events": ["facility.hold"]}',
    ("patch", _HOOK): '{"state": "paused"}',
}
QUERIES = {"/v1/observations": "?schema=$SCHEMA&from=$FROM&to=$TO"}
_PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457. `errors` point into the body (RFC 6901) or name a parameter; values are never repeated.",
    "required": ["type", "title", "status", "detail", "instance", "code", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "enum": list(KINDS)},
        "requestId": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": {"type": "object", "required": ["detail"]}},
    },
}


def install(app: FastAPI) -> None:
    """Let the application describe itself in full, once."""
    plain = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _whole(plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def codes_of(method: str, path: str, operation: Json) -> list[str]:
    """The codes of all errors that an operation may give."""
    if path == "/oauth2/token":
        return list(_TOKEN)
    if not path.startswith("/v1/"):
        return ["internal"]
    codes = [*_ALWAYS, *OWN.get((method, path), ())]
    parameters = {each["name"] for each in operation.get("parameters", [])}
    if parameters or "requestBody" in operation:
        codes.append("invalid-request")
    if "{" in path:
        codes.append("not-found")
    if "as_of_block" in parameters:
        codes += ["block-unknown", "index-unavailable"]
    if "requestBody" in operation:
        codes.append("too-large")
    return codes + list(_WRITTEN if method == "post" else ())


def curl(method: str, path: str) -> str:
    """A line that runs in a shell where BASE, TOKEN and what the path names in capitals are set."""
    named = "/".join(f"${each[1:-1].upper()}" if each.startswith("{") else each for each in path.split("/"))
    parts = [f'curl -s "$BASE{named}{QUERIES.get(path, "")}"', '-H "Authorization: Bearer $TOKEN"']
    if path == "/v1/live":
        parts[0] = parts[0].replace("curl -s", "curl -sN")
    if method != "get":
        parts.insert(0, parts.pop(0).replace("curl -s", f"curl -s -X {method.upper()}"))
    if method == "post":
        parts.append('-H "Idempotency-Key: $(uuidgen)"')
    if "precondition-required" in OWN.get((method, path), ()):
        parts.append('-H "If-Match: $ETAG"')
    if (method, path) in BODIES:
        body = BODIES[(method, path)].replace('"', '\\"')
        parts.append(f'-H "Content-Type: application/json" -d "{body}"')
    return " \\\n  ".join(parts)


def _whole(document: Json) -> Json:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for left_over in ("HTTPValidationError", "ValidationError"):
        schemas.pop(left_over, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(method, path, operation)
    return document


def _complete(method: str, path: str, operation: Json) -> None:
    operation["responses"].pop("422", None)
    by_status: dict[int, list[str]] = {}
    for code in codes_of(method, path, operation):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        told = " ".join(f"`{code}`: {KINDS[code].title}. {KINDS[code].mend}" for code in codes)
        schema = {"$ref": "#/components/schemas/Problem"}
        operation["responses"][str(status)] = {"description": told, "content": {MEDIA_TYPE: {"schema": schema}}}
    if path.startswith("/v1/"):
        operation["security"] = [{"token": []}]
        operation["description"] += f"\n\n```sh\n{curl(method, path)}\n```"
