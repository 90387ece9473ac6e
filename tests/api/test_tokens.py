"""Access tokens: what is refused first, then what is given."""

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.api.app_kit import BASE, Api
from tests.api.seed import BANK, REGULATOR


def refused(response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/problems/{body['code']}"
    assert body["requestId"]
    return body["code"]


def test_an_unknown_client_gets_no_token(api: Api):
    assert refused(api.ask_token(api.assertion(BANK, sub="client-99", iss="client-99"))) == "invalid-client"


def test_an_assertion_signed_by_another_key_gets_no_token(api: Api):
    claims = {"iss": "client-1", "sub": "client-1", "aud": BASE, "exp": api.clock.now_ms() // 1000 + 60, "jti": "x"}
    forged = jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"), algorithms=["ES256"])
    assert refused(api.ask_token(forged)) == "invalid-client"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"iss": "client-2"},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"jti": ""},
    ],
)
def test_an_assertion_that_breaks_a_rule_gets_no_token(api: Api, changes):
    assert refused(api.ask_token(api.assertion(BANK, **changes))) == "invalid-client"


def test_an_assertion_serves_once(api: Api):
    assertion = api.assertion(BANK)
    assert api.ask_token(assertion).status_code == 200
    assert refused(api.ask_token(assertion)) == "invalid-client"


def test_text_that_is_no_assertion_is_refused_by_name(api: Api):
    assert refused(api.ask_token("not.a-token")) == "invalid-client"


def test_another_grant_is_refused(api: Api):
    assert refused(api.ask_token(api.assertion(BANK), grant_type="password")) == "unsupported-grant-type"


def test_a_scope_beyond_the_role_is_refused(api: Api):
    assert refused(api.ask_token(api.assertion(REGULATOR), scope="drafts:write")) == "invalid-scope"


def test_a_token_holds_what_was_asked_for_and_no_more(api: Api):
    answer = api.ask_token(api.assertion(BANK), scope="records:read").json()
    assert answer["scope"] == "records:read"
    assert answer["token_type"] == "Bearer"
    principal = api.services.tokens.read(answer["access_token"], api.clock.now_ms() // 1000)
    assert (principal.entity, {scope.value for scope in principal.scopes}) == (BANK, {"records:read"})


def test_metadata_names_the_token_endpoint(api: Api):
    assert api.http.get("/.well-known/oauth-authorization-server").json()["token_endpoint"] == f"{BASE}/oauth2/token"


def test_every_answer_carries_the_headers_of_safety(api: Api):
    headers = api.http.get("/.well-known/oauth-authorization-server").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]
