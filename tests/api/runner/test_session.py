"""A member's program at an API that is killed and comes back, or takes long."""

import json
import time
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from api.founding.enrolment import Seat
from api.runner import session as module
from api.runner.session import ApiRefused, Session
from tests.api.app_kit import BASE, Api, client_key
from tests.api.contents import other_issue_request
from tests.api.seed import KEEPER, OWNER

Send = Callable[[httpx.Request], httpx.Response]


class Way(httpx.BaseTransport):
    """The way to an application, on which a test meets each request."""

    def __init__(self, api: Api, meet: Callable[[httpx.Request, Send], httpx.Response]) -> None:
        self._api, self._meet = api, meet

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._meet(request, self._api.http._transport.handle_request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())


@pytest.fixture
def at_its_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's clock is that of the chain."""
    clock = SimpleNamespace(time=lambda: api.clock.now_ms() / 1000, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(module, "time", clock)


def session(api: Api, meet: Callable[[httpx.Request, Send], httpx.Response]) -> Session:
    """The owner's program."""
    jwk = api.folder / "client.jwk"
    jwk.write_text(json.dumps(client_key(f"client-{OWNER}").as_dict(private=True)))
    seat = Seat(OWNER, api.folder / "keys" / f"{OWNER}.json", f"client-{OWNER}", jwk)
    return Session(seat, httpx.Client(transport=Way(api, meet), base_url=BASE), BASE, patience_seconds=30)


def test_what_another_sending_refuses_for_good_is_refused(api: Api, at_its_time: None) -> None:
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    with pytest.raises(ApiRefused, match=r"409 2 more must consent"):
        session(api, lambda request, send: send(request)).send(draft)


def test_a_sending_whose_answer_ended_with_the_process_is_found_and_not_refused(api: Api, at_its_time: None) -> None:
    draft = api.sign(api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9")), OWNER, KEEPER)
    cut: list[str] = []

    def meet(request: httpx.Request, send: Send) -> httpx.Response:
        answer = send(request)
        if request.url.path.endswith("/submit") and not cut:
            cut.append(json.loads(answer.read())["id"])
            with api.services.engine.begin() as connection:  # as the next process leaves a key that was in use
                connection.exec_driver_sql("DELETE FROM answers")
            raise httpx.ReadError("killed", request=request)
        return answer

    operation = session(api, meet).send(draft)
    assert (operation["id"], operation["state"]) == (cut[0], "final")


@pytest.mark.parametrize("path", ["/oauth2/token", "/v1/receipts"])
@pytest.mark.parametrize("status", [None, 503])
def test_an_api_that_is_away_for_a_moment_is_asked_again(
    api: Api, at_its_time: None, path: str, status: int | None
) -> None:
    away = [path]

    def meet(request: httpx.Request, send: Send) -> httpx.Response:
        if request.url.path not in away:
            return send(request)
        away.clear()
        if status is None:
            raise httpx.ConnectError("away", request=request)
        return httpx.Response(status)

    assert "items" in session(api, meet).get("/v1/receipts")


def test_a_write_that_takes_long_is_waited_for(api: Api, at_its_time: None) -> None:
    keys: list[str] = []

    def meet(request: httpx.Request, send: Send) -> httpx.Response:
        if request.url.path != "/v1/drafts":
            return send(request)
        keys.append(request.headers["idempotency-key"])
        if len(keys) > 1:
            with api.services.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE answers SET status = ?", (201 if len(keys) > 2 else None,))
            return send(request)
        send(request)
        raise httpx.ReadTimeout("slow", request=request)

    made = session(api, meet).draft(other_issue_request(OWNER, KEEPER, "BAY-9"))
    assert (len(keys), len(set(keys))) == (3, 1)
    assert made["act"] == "issue"
