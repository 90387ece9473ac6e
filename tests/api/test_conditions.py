"""Conditional writes, traces, and when to come back."""

import json

import pytest

from api.security.middleware import MAX_BODY
from api.security.trace import read_trace
from registry.index.queries import Index
from tests.api.app_kit import Api
from tests.api.contents import other_issue_request
from tests.api.seed import BANK, KEEPER, OWNER
from tests.api.story import Story

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "header",
    [None, "", "00", PARENT.upper(), PARENT.replace("00-", "ff-", 1), PARENT + "-more", PARENT.replace("0af", "0ag"),
     f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01"],
)  # fmt: skip
def test_what_is_no_trace_is_passed_over(header: str | None):
    assert read_trace(header) is None


def test_a_trace_is_answered_and_logged(api: Api, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    answer = api.get(BANK, "/v1/entities", traceparent=PARENT)
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", PARENT[3:35], "01")
    assert span != PARENT[36:52]
    line = [json.loads(each.message) for each in caplog.records if each.name == "cangdan.api.access"][-1]
    assert (line["traceId"], line["spanId"]) == (trace, span)
    assert "traceparent" not in api.get(BANK, "/v1/entities").headers


def test_a_consent_and_a_sending_on_a_state_that_is_no_more_are_refused(api: Api):
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    path = f"/v1/drafts/{draft['id']}"
    old = api.get(OWNER, path).headers["etag"]
    api.sign(draft, KEEPER)
    for end, body in (("/consents", {"sign": True}), ("/submit", {})):
        answer = api.http.post(path + end, json=body, headers={**api.headers(OWNER), "If-Match": old})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition-failed")
    fresh = {**api.headers(OWNER), "If-Match": api.get(OWNER, path).headers["etag"]}
    signed = api.http.post(path + "/consents", json={"sign": True}, headers=fresh)
    assert (signed.status_code, signed.headers["etag"]) == (200, api.get(OWNER, path).headers["etag"])


def test_whatever_stands_there_is_not_sent_to_who_has_any_of_it(api: Api, story: Story):
    assert api.get(BANK, f"/v1/receipts/{story.receipt}", **{"If-None-Match": "*"}).status_code == 304


def test_what_time_mends_says_when_to_come_back(api: Api, monkeypatch: pytest.MonkeyPatch):
    span = "from=2026-09-21T08:00:00%2B08:00&to=2026-09-21T08:10:00%2B08:00"
    answer = api.get(KEEPER, f"/v1/observations?schema=0x{'00' * 32}&{span}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.setattr(Index, "head", lambda self: None)
    answer = api.get(BANK, "/v1/receipts")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(api: Api, chunked: bool):
    body = b'{"act": "' + b"a" * MAX_BODY + b'"}'
    content = iter([body[: MAX_BODY // 2], body[MAX_BODY // 2 :]]) if chunked else body
    headers = {**api.headers(OWNER), "Content-Type": "application/json"}
    answer = api.http.post("/v1/drafts", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
