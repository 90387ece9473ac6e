"""Webhooks over HTTP: refusals first."""

import secrets

import pytest

from tests.api.app_kit import Api
from tests.api.seed import BANK, OTHER_BANK, OWNER, REGULATOR

PATH = "/v1/webhooks"
BODY = {"url": "https://hooks.bank.example/in", "events": ["facility.hold", "receipt.pledge"], "description": "desk"}


def made(api: Api, **changes: object) -> str:
    answer = api.post(BANK, PATH, {**BODY, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()["webhook"]["id"]


def changing(api: Api, tag: str | None, entity: int = BANK) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token(entity)}", **({} if tag is None else {"If-Match": tag})}


def tag_of(api: Api, id_: str) -> str:
    return api.get(BANK, f"{PATH}/{id_}").headers["etag"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://hooks.bank.example/in"}, "#/url"),
        ({"url": "https://10.0.0.1/"}, "#/url"),
        ({"url": "https://169.254.169.254/latest"}, "#/url"),
        ({"events": ["facility.hold", "facility.burn"]}, "#/events/1"),
        ({"events": []}, "#/events"),
        ({"secret": "mine"}, "#/secret"),
    ],
)
def test_a_webhook_that_breaks_a_rule_is_refused_by_its_field(api: Api, changes: dict[str, object], pointer: str):
    answer = api.post(BANK, PATH, {**BODY, **changes})
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])
    assert api.get(BANK, PATH).json()["items"] == []


def test_a_program_that_may_not_read_records_is_not_told_of_them(api: Api):
    token = api.token(BANK, scope="webhooks:write")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(8)}
    answer = api.http.post(PATH, json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


def test_others_neither_see_nor_change_a_webhook(api: Api):
    id_ = made(api)
    tag = tag_of(api, id_)
    assert api.get(OTHER_BANK, PATH).json()["items"] == []
    for path in (f"{PATH}/{id_}", f"{PATH}/{id_}/deliveries"):
        assert api.get(OTHER_BANK, path).status_code == 404
    assert api.http.delete(f"{PATH}/{id_}", headers=changing(api, tag, OTHER_BANK)).status_code == 404
    for path in (f"{PATH}/{id_}/test", f"{PATH}/{id_}/secret", f"{PATH}/{id_}/deliveries/msg_1/redeliver"):
        assert api.post(OTHER_BANK, path, {}).status_code == 404


def test_a_change_names_the_state_that_it_rests_on(api: Api):
    id_ = made(api)
    old = tag_of(api, id_)
    path, body = f"{PATH}/{id_}", {"description": "night desk"}
    missing = api.http.patch(path, json=body, headers=changing(api, None))
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition-required")
    assert api.http.patch(path, json=body, headers=changing(api, old)).status_code == 200
    late = api.http.patch(path, json={"state": "paused"}, headers=changing(api, old))
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    for method, end in (("DELETE", ""), ("POST", "/secret")):
        headers = {**api.headers(BANK), "If-Match": old}
        assert api.http.request(method, path + end, headers=headers).status_code == 412
    assert api.get(BANK, path).json()["state"] == "on"


def test_a_member_has_only_so_many(hooked: Api):
    for _ in range(2):
        made(hooked)
    answer = hooked.post(BANK, PATH, BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert hooked.post(OWNER, PATH, BODY).status_code == 201


def test_a_null_that_means_nothing_is_refused(api: Api):
    id_ = made(api)
    answer = api.http.patch(f"{PATH}/{id_}", json={"url": None}, headers=changing(api, tag_of(api, id_)))
    assert answer.json()["errors"][0]["pointer"] == "#/url"


def test_the_secret_is_shown_once(api: Api):
    headers = api.headers(BANK)
    first = api.http.post(PATH, json=BODY, headers=headers)
    assert first.json()["secret"].startswith("whsec_")
    assert first.headers["etag"] == tag_of(api, first.json()["webhook"]["id"])
    assert api.http.post(PATH, json=BODY, headers=headers).json() == first.json()
    assert "whsec_" not in api.get(BANK, PATH).text
    assert "whsec_" not in api.get(BANK, first.headers["location"]).text


def test_a_removed_webhook_is_gone_with_its_log(api: Api):
    id_ = made(api)
    assert api.post(BANK, f"{PATH}/{id_}/test", {}).status_code == 202
    answer = api.http.delete(f"{PATH}/{id_}", headers=changing(api, tag_of(api, id_)))
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(BANK, f"{PATH}/{id_}").status_code == 404


def test_a_test_is_queued_listed_and_sent_again_under_its_identifier(api: Api):
    id_ = made(api)
    queued = api.post(BANK, f"{PATH}/{id_}/test", {})
    told = api.get(BANK, queued.headers["location"]).json()
    assert (told["event"], told["state"], told["body"]["data"]) == ("webhook.test", "waiting", {"webhook": id_})
    again = api.post(BANK, f"{PATH}/{id_}/deliveries/{told['id']}/redeliver", {})
    assert (again.status_code, again.json()["id"]) == (202, told["id"])
    assert len(api.get(BANK, f"{PATH}/{id_}/deliveries").json()["items"]) == 1


def test_deliveries_are_paged_newest_first_and_found_by_state(api: Api):
    id_ = made(api)
    sent = []
    for _ in range(3):
        api.clock.forward(1)
        sent.append(api.post(BANK, f"{PATH}/{id_}/test", {}).json()["id"])
    first = api.get(BANK, f"{PATH}/{id_}/deliveries?limit=2").json()
    rest = api.get(BANK, f"{PATH}/{id_}/deliveries?limit=2&cursor={first['next']}").json()
    assert [each["id"] for each in first["items"] + rest["items"]] == sent[::-1]
    assert api.get(BANK, f"{PATH}/{id_}/deliveries?state=failed").json()["items"] == []


def test_the_regulator_may_be_told_too_and_every_member_reads_the_catalogue(api: Api):
    assert api.post(REGULATOR, PATH, BODY).status_code == 201
    names = [each["name"] for each in api.get(OWNER, "/v1/events").json()["items"]]
    assert "facility.hold" in names
