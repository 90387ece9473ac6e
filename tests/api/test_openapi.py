"""What the interface's description promises of every operation."""

import pytest

from tests.api.app_kit import Api
from tests.api.seed import BANK

PROOFS = ("state", "history", "derived", "none")
OPEN = {"/oauth2/token", "/.well-known/oauth-authorization-server"}


@pytest.fixture
def operations(api: Api) -> list[tuple[str, str, dict]]:
    document = api.http.get("/openapi.json").json()
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
