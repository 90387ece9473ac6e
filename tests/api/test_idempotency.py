"""Writes with a key have one effect and one answer."""

from api.idempotency import Answers
from tests.api.app_kit import Api, start
from tests.api.contents import CANARY, issue_request
from tests.api.seed import KEEPER, OWNER


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


def test_a_restart_frees_keys_that_were_left_unfinished(api: Api):
    assert answers_of(api).begin("client:x", "left-over", "hash", api.clock.now_ms()) is None
    again = start(api.folder, api.chain)
    assert answers_of(again).begin("client:x", "left-over", "hash", api.clock.now_ms()) is None
    again.outboxes.stop()


def test_a_kept_answer_is_not_readable_in_the_database(api: Api):
    first = send(api, "first-key", issue_request(OWNER, KEEPER))
    with api.services.engine.connect() as connection:
        [body] = connection.exec_driver_sql("SELECT body FROM answers WHERE key = 'first-key'").scalars()
    assert first.json()["id"].encode() not in body
    assert CANARY.encode() not in body
