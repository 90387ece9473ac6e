"""Errors of the HTTP interface as problem documents (RFC 9457): a stable type, a code, and pointers to what is wrong.

`KINDS` is the published catalogue; the pages under /problems are made from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue: its code (the end of the type), HTTP status, title, and what mends it."""

    code: str
    status: int
    title: str
    mend: str


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a request: a JSON pointer into the body, or the name of a parameter, and the rule it breaks."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The member of `errors` in a problem document."""
        place: dict[str, JsonValue] = {}
        if self.pointer is not None:
            place["pointer"] = self.pointer
        if self.parameter is not None:
            place["parameter"] = self.parameter
        return {**place, "detail": self.detail}


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind("invalid-request", 422, "The request breaks a rule", "Mend each field named in errors and send it again."),
        Kind("malformed-request", 400, "The request cannot be read", "Send well-formed JSON or form data."),
        Kind("unauthenticated", 401, "No valid credentials", "Fetch a token at /oauth2/token, or sign in."),
        Kind("forbidden", 403, "Not allowed for this member", "Act as a member that is a party, or ask for the scope."),
        Kind("insufficient-scope", 403, "The token lacks a scope", "Ask for the scope named in WWW-Authenticate."),
        Kind("cross-site", 403, "The form was not sent from its own page", "Open the page again and send the form."),
        Kind("not-found", 404, "Nothing here", "Check the identifier; what belongs to others is not shown."),
        Kind("method-not-allowed", 405, "This method is not offered here", "Use a method named in Allow."),
        Kind("conflict", 409, "The state does not allow it", "Read the resource again; detail names the reason."),
        Kind("idempotency-in-progress", 409, "The first request still runs", "Wait for Retry-After and send it again."),
        Kind("idempotency-mismatch", 422, "The key was used for another request", "Use a new Idempotency-Key."),
        Kind("idempotency-key-missing", 400, "A write needs an Idempotency-Key", "Send a fresh unique key a request."),
        Kind("precondition-failed", 412, "The resource has changed", "Read it again and send its new ETag."),
        Kind("precondition-required", 428, "If-Match is needed", "Send the ETag of the state you decided on."),
        Kind("too-large", 413, "The request is too large", "Send less in one request."),
        Kind("unsupported-media-type", 415, "This content type is not taken", "Send application/json."),
        Kind("rate-limited", 429, "Too many requests", "Wait for Retry-After seconds."),
        Kind("invalid-client", 401, "The client could not be authenticated", "Check key, audience and times."),
        Kind("unsupported-grant-type", 400, "This grant is not offered", "Use client_credentials."),
        Kind("invalid-scope", 400, "The scope is not this client's", "Ask only for scopes that the role has."),
        Kind("consent-refused", 422, "The consent does not hold", "Sign the draft's digest with an active account."),
        Kind("second-person-needed", 409, "Two people must agree", "Let a second user of the member sign."),
        Kind("act-refused", 409, "The contracts refuse the act", "Read cause; draft it again on the present state."),
        Kind("block-unknown", 404, "The index has not that block", "Ask for a block up to the head."),
        Kind("ledger-unavailable", 503, "The ledger does not answer", "Nothing was changed; try again shortly."),
        Kind("signer-unavailable", 503, "The member's signer does not sign", "Mend the signer and send it again."),
        Kind("index-unavailable", 503, "The index is not ready", "Nothing was changed; try again shortly."),
        Kind("oracles-unavailable", 503, "No oracle answers", "Nothing was changed; try again shortly."),
        Kind("not-granted", 404, "Not among what the member may read", "Be a reader of the covenant."),
        Kind("internal", 500, "A fault of this service", "Report the request id to the operator."),
    )
}


class ProblemError(Exception):
    """A refusal that is sent as a problem document; `code` is a key of KINDS."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def kind(self) -> Kind:
        """The catalogue's entry."""
        return KINDS[self.code]


def document(problem: ProblemError, instance: str, request_id: str | None) -> dict[str, JsonValue]:
    """The problem document; `instance` is the path asked for."""
    kind = problem.kind
    result: dict[str, JsonValue] = {
        "type": f"/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": instance,
        "code": kind.code,
        "requestId": request_id,
        **problem.extra,
    }
    if problem.errors:
        result["errors"] = [each.as_json() for each in problem.errors]
    return result


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer as a URI fragment (RFC 6901, section 6)."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
