"""What the interface's description promises of every operation."""

import re
import secrets
import shlex

import pytest

from api.problems import KINDS
from api.v1.description import BODIES, OWN
from ledger_node.hexvalues import data_hex
from tests.api.app_kit import Api
from tests.api.measured import SCHEMA
from tests.api.seed import BANK
from tests.api.story import Story

PROOFS = ("state", "history", "derived", "none")
OPEN = {"/oauth2/token", "/.well-known/oauth-authorization-server"}


@pytest.fixture
def operations(api: Api) -> list[tuple[str, str, dict]]:
    document = api.http.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def test_each_get_says_how_it_is_proved(operations):
    for path, method, operation in operations:
        if method == "get":
            kind, _, reason = operation.get("x-proof", "").partition(": ")
            assert kind in PROOFS, path
            assert reason, path


def test_nothing_is_read_or_written_without_credentials(api: Api, operations):
    for path, method, _ in operations:
        if path in OPEN:
            continue
        concrete = path.replace("{number}", "1").replace("{seq}", "1").replace("{claim}", "0")
        answer = api.http.request(method, concrete, json={})
        assert answer.status_code == 401, (method, path, answer.status_code)


def test_each_operation_has_a_summary_and_a_description(operations):
    for path, _, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path


def test_every_path_is_versioned(operations):
    assert all(path.startswith("/v1/") or path in OPEN for path, _, _ in operations)


def test_a_scope_is_asked_for_by_name(api: Api):
    token = api.token(BANK, scope="drafts:write")
    answer = api.http.get("/v1/receipts", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert 'scope="records:read"' in answer.headers["www-authenticate"]


def test_too_many_requests_are_told_when_to_come_back(story, tmp_path):
    api = story.copy(tmp_path, reads_per_minute=3)
    token = api.token(BANK)
    answers = [api.http.get("/v1/entities", headers={"Authorization": f"Bearer {token}"}) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
    api.close()


def test_each_operation_lists_its_errors_as_problems(operations):
    for path, method, operation in operations:
        answers = {int(status): each for status, each in operation["responses"].items()}
        for status in (401, 403, 429) if path.startswith("/v1/") else ():
            assert "application/problem+json" in answers[status]["content"], (method, path)
        named = {code for each in answers.values() for code in re.findall(r"`([a-z-]+)`: ", each["description"])}
        assert named <= set(KINDS), (method, path)
        assert {KINDS[code].status for code in named} == {status for status in answers if status >= 400}


def test_the_list_of_own_errors_names_operations_that_there_are(operations):
    known = {(method, path) for path, method, _ in operations}
    assert set(OWN) <= known
    assert set(BODIES) <= known


def test_each_curl_line_runs_and_is_answered_as_described(api: Api, story: Story, operations):
    values = {
        "receipt_id": story.receipt, "facility_id": story.facility, "pledge_id": story.pledge, "cover_id": story.cover,
        "draft_id": story.receipt, "number": "1", "seq": "999", "schema": data_hex(SCHEMA.id),
        "from": "2026-09-21T08:00:00%2B08:00", "to": "2026-09-21T08:01:00%2B08:00",
    }  # fmt: skip
    for path, method, operation in operations:
        if not path.startswith("/v1/") or path == "/v1/live":
            continue
        line = re.search(r"```sh\n(.*)\n```", operation["description"], re.S)[1]
        for name, value in {**values, "base": "", "token": api.token(BANK), "etag": '"none"'}.items():
            line = re.sub(rf"\${name.upper()}(?![A-Z_])", value, line)
        words = [word for word in shlex.split(line.replace("$(uuidgen)", secrets.token_hex(8))) if word.strip()]
        headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
        body = words[words.index("-d") + 1] if "-d" in words else None
        address = next(word for word in words if word.startswith("/v1/"))
        assert (words[words.index("-X") + 1] if "-X" in words else "GET") == method.upper()
        answer = api.http.request(method, address, headers=headers, content=body)
        assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
        assert answer.status_code not in (400, 401, 405, 415), (method, path, answer.text)
