"""A member's program at the public HTTP API: its token, its drafts, its consents, its operations."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from api.founding.enrolment import Seat
from api.keyring import open_member_key
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.signing import Signer, TypedData

Body = dict[str, Any]
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SETTLED = ("final", "refused")
_RENEW_SECONDS = 30
_BUSY = (429, 502, 503, 504)
_STILL_RUNS = "idempotency-in-progress"


class ApiRefused(Exception):
    """The API refuses a request: its problem document, in one line."""

    def __init__(self, what: str, response: httpx.Response) -> None:
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        detail = problem.get("detail") or problem.get("title") or response.text[:200]
        errors = "; ".join(f"{e.get('pointer', '')} {e.get('detail', '')}".strip() for e in problem.get("errors", []))
        super().__init__(f"{what}: {response.status_code} {detail}" + (f" ({errors})" if errors else ""))
        self.status = response.status_code
        self.code = str(problem.get("code", ""))
        self.cause = problem.get("cause")


class StillWaiting(Exception):
    """Something that should have happened by now has not; the message says what."""


def pauses() -> Iterator[float]:
    """Seconds to wait before each further look: short at first, then a quarter of a second."""
    pause = 0.02
    while True:
        yield pause
        pause = min(1.5 * pause, 0.25)


@dataclass
class Session:
    """One member's program. `seat` has its keys; requests go to `client`, whose base address is the API's."""

    seat: Seat
    client: httpx.Client
    issuer: str
    patience_seconds: float = 90.0
    _token: str = ""
    _until: float = 0.0

    def __post_init__(self) -> None:
        self.signer: Signer = open_member_key(self.seat.key)

    def get(self, path: str, **query: str | int) -> Body:
        """The JSON of a GET. Raises ApiRefused."""
        return self._json("GET", path, params=query or None)

    def download(self, path: str, **query: str | int) -> bytes:
        """The bytes of a GET. Raises ApiRefused."""
        return self._request("GET", path, params=query or None).content

    def pages(self, path: str, **query: str | int) -> list[Body]:
        """All items of a list, page after page."""
        items: list[Body] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return items

    def draft(self, body: Body) -> Body:
        """A new draft. Raises ApiRefused."""
        return self._json("POST", "/v1/drafts", json=body)

    def consent(self, draft: Body, signer: Signer | None = None) -> Body:
        """Hand in this member's signature of a draft."""
        return self._json("POST", f"/v1/drafts/{draft['id']}/consents", json={"signature": self.sign(draft, signer)})

    def sign(self, draft: Body, signer: Signer | None = None) -> str:
        """The signature of a draft, by this member's key unless another is given. Raises SignerError."""
        to_sign = TypedData(read_data("id", draft["id"], 32), lambda: dict(draft["typedData"]))
        return data_hex((signer or self.signer).sign_typed(to_sign))

    def submit(self, draft: Body) -> Body:
        """Send a complete draft and wait until it is final or refused. Raises ApiRefused, StillWaiting."""
        return self.settled(self.send(draft))

    def send(self, draft: Body) -> Body:
        """Send a complete draft and wait until it is in a block; its operation. Raises ApiRefused, StillWaiting."""
        try:
            operation = self._json("POST", f"/v1/drafts/{draft['id']}/submit", json={})
        except ApiRefused as refused:
            # The draft was sent, and the answer that said so ended with the process that would have kept it.
            sent = self.get(f"/v1/drafts/{draft['id']}")["operation"] if refused.code == "conflict" else None
            if sent is None:
                raise
            operation = self.get(f"/v1/operations/{sent}")
        return self._when(operation, (*_SETTLED, "included"))

    def settled(self, operation: Body) -> Body:
        """The operation once it is final or refused. Raises ApiRefused, StillWaiting."""
        return self._when(operation, _SETTLED)

    def _when(self, operation: Body, states: Collection[str]) -> Body:
        deadline = time.monotonic() + self.patience_seconds
        for pause in pauses():
            if operation["state"] in states:
                break
            if time.monotonic() > deadline:
                raise StillWaiting(f"operation {operation['id']} is still {operation['state']}")
            time.sleep(pause)
            operation = self.get(f"/v1/operations/{operation['id']}")
        return operation

    def _json(self, method: str, path: str, **rest: Any) -> Body:
        answer = self._request(method, path, **rest).json()
        assert isinstance(answer, dict)
        return answer

    def _request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = {"idempotency-key": secrets.token_hex(16)} if method == "POST" else {}
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                bearer = {"authorization": f"Bearer {self._bearer()}"}
                response = self.client.request(method, path, headers=headers | bearer, **rest)
                if response.is_success:
                    return response
                raise ApiRefused(f"{method} {path.split('?')[0]}", response)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise StillWaiting(f"the API does not answer: {type(error).__name__}") from error
            except ApiRefused as refused:
                busy = refused.status in _BUSY or refused.code == _STILL_RUNS
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(0.25)

    def _bearer(self) -> str:
        if time.time() < self._until - _RENEW_SECONDS:
            return self._token
        now = int(time.time())
        claims = {
            "iss": self.seat.client_id,
            "sub": self.seat.client_id,
            "aud": f"{self.issuer}/oauth2/token",
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(16),
        }
        key = ECKey.import_key(json.loads(self.seat.client_key.read_text()))
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": jwt.encode({"alg": "ES256"}, claims, key),
        }
        response = self.client.post("/oauth2/token", data=form)
        if not response.is_success:
            raise ApiRefused("POST /oauth2/token", response)
        answer = response.json()
        self._token, self._until = str(answer["access_token"]), now + int(answer["expires_in"])
        return self._token
