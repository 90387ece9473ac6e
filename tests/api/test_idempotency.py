"""Writes with a key have one effect and one answer."""

from pathlib import Path

import pytest

from api.idempotency import LEASE_MS, Answers
from api.problems import ProblemError
from tests.api.app_kit import Api, start
from tests.api.contents import CANARY, issue_request
from tests.api.seed import KEEPER, OWNER
from tests.api.story import Story


def headers(api: Api, key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token(OWNER)}", "Idempotency-Key": key}


def send(api: Api, key: str, body: object):
    return api.http.post("/v1/drafts", json=body, headers=headers(api, key))


def answers_of(api: Api) -> Answers:
    return Answers(api.services.engine, api.services.answer_key)


def drafts(api: Api) -> int:
    return len(api.get(OWNER, "/v1/drafts").json()["items"])


def test_a_write_without_a_key_is_refused(api: Api):
    only_token = {"Authorization": f"Bearer {api.token(OWNER)}"}
    answer = api.http.post("/v1/drafts", json=issue_request(OWNER, KEEPER), headers=only_token)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


def test_the_same_key_with_another_body_is_refused(api: Api):
    before = drafts(api)
    assert send(api, "first-key", issue_request(OWNER, KEEPER)).status_code == 201
    answer = send(api, "first-key", {**issue_request(OWNER, KEEPER), "profile": 2})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-mismatch")
    assert drafts(api) == before + 1


def test_the_same_key_while_the_first_runs_is_a_conflict(api: Api):
    body = issue_request(OWNER, KEEPER)
    sent = send(api, "first-key", body)
    api.services.engine.dispose()
    with api.services.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE answers SET status = NULL")
    answer = send(api, "first-key", body)
    assert sent.status_code == 201
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        409,
        "idempotency-in-progress",
        "1",
    )


def test_the_first_answer_is_given_again(api: Api):
    body, before = issue_request(OWNER, KEEPER), drafts(api)
    first, second = send(api, "first-key", body), send(api, "first-key", body)
    assert (second.status_code, second.content, second.headers["location"]) == (
        first.status_code,
        first.content,
        first.headers["location"],
    )
    assert second.headers["idempotent-replayed"] == "true"
    assert drafts(api) == before + 1


def test_keys_of_two_clients_do_not_meet(api: Api):
    body = issue_request(OWNER, KEEPER)
    assert send(api, "first-key", body).status_code == 201
    other = {"Authorization": f"Bearer {api.token(OWNER, 'second')}", "Idempotency-Key": "first-key"}
    assert "idempotent-replayed" not in api.http.post("/v1/drafts", json=body, headers=other).headers


def test_a_refused_request_leaves_its_key_free(api: Api):
    assert send(api, "first-key", {"act": "issue"}).status_code == 422
    assert send(api, "first-key", issue_request(OWNER, KEEPER)).status_code == 201


def test_a_process_that_starts_leaves_the_keys_that_others_run_with(api: Api):
    assert answers_of(api).begin("client:x", "running", "hash", api.clock.now_ms()) is None
    beside = start(api.folder, api.chain)
    with pytest.raises(ProblemError, match="still runs"):
        answers_of(beside).begin("client:x", "running", "hash", api.clock.now_ms())
    beside.outboxes.stop()


def test_a_key_whose_process_died_beside_others_is_free_when_its_lease_has_ended(api: Api):
    answers, now_ms = answers_of(api), api.clock.now_ms()
    assert answers.begin("client:x", "left-over", "hash", now_ms) is None
    with pytest.raises(ProblemError, match="still runs"):
        answers.begin("client:x", "left-over", "hash", now_ms + LEASE_MS)
    assert answers.begin("client:x", "left-over", "hash", now_ms + LEASE_MS + 1) is None


def test_a_restart_frees_keys_that_were_left_unfinished(api: Api):
    assert answers_of(api).begin("client:x", "left-over", "hash", api.clock.now_ms()) is None
    api.services.presence.close()
    again = start(api.folder, api.chain)
    assert answers_of(again).begin("client:x", "left-over", "hash", api.clock.now_ms()) is None
    again.outboxes.stop()


def test_as_many_writes_as_a_minute_admits_are_taken_and_no_more(story: Story, tmp_path: Path):
    few = story.copy(tmp_path, writes_per_minute=3)
    bearer, body = {"Authorization": f"Bearer {few.token(OWNER)}"}, issue_request(OWNER, KEEPER)
    keys = [{**bearer, "Idempotency-Key": f"key-number-{number}"} for number in range(4)]
    sent = [few.http.post("/v1/drafts", json=body, headers=each) for each in keys]
    few.close()
    assert [each.status_code for each in sent] == [201, 201, 201, 429]
    assert sent[3].json()["code"] == "rate-limited"


def test_a_kept_answer_is_not_readable_in_the_database(api: Api):
    first = send(api, "first-key", issue_request(OWNER, KEEPER))
    with api.services.engine.connect() as connection:
        [body] = connection.exec_driver_sql("SELECT body FROM answers WHERE key = 'first-key'").scalars()
    assert first.json()["id"].encode() not in body
    assert CANARY.encode() not in body
