"""Drafts and consents over HTTP: refusals first."""

import json

import pytest

from ledger_node.hexvalues import data_hex
from ledger_node.secp256k1 import recover
from registry.consents import digest
from registry.structs import Release
from tests.api.app_kit import Api, start
from tests.api.contents import (
    CANARY,
    cover_request,
    facility_request,
    issue_request,
    other_issue_request,
    pledge_terms,
    rule,
)
from tests.api.seed import BANK, INSURER, KEEPER, OTHER_BANK, OTHER_KEEPER, OWNER, REGULATOR, signer
from tests.api.story import Story
from tests.api.test_console import Browser
from tests.registry.consortium import key_of


def drafted(api: Api, entity: int = OWNER) -> dict:
    answer = api.post(entity, "/v1/drafts", issue_request(OWNER, KEEPER))
    assert answer.status_code == 201, answer.text
    return answer.json()


def pointers(answer) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


def test_no_draft_without_a_token(api: Api):
    answer = api.http.post("/v1/drafts", json=issue_request(OWNER, KEEPER), headers={"Idempotency-Key": "12345678"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_no_draft_for_a_role_that_may_not_write(api: Api):
    answer = api.post(REGULATOR, "/v1/drafts", issue_request(OWNER, KEEPER))
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


def test_no_draft_for_a_member_that_is_no_party(api: Api):
    answer = api.post(BANK, "/v1/drafts", issue_request(OWNER, KEEPER))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_unknown_field_is_named_by_a_pointer(api: Api):
    answer = api.post(OWNER, "/v1/drafts", {**issue_request(OWNER, KEEPER), "quantity": 1})
    assert (answer.status_code, pointers(answer)) == (422, ["#/quantity"])


def test_a_missing_field_of_the_receipt_is_named_by_a_pointer(api: Api):
    request = issue_request(OWNER, KEEPER)
    del request["content"]["goods"]["grade"]
    answer = api.post(OWNER, "/v1/drafts", request)
    assert pointers(answer) == ["#/content/goods/grade"]
    assert "is missing" in answer.json()["errors"][0]["detail"]


def test_a_body_that_is_no_json_is_refused(api: Api):
    headers = {**api.headers(OWNER), "Content-Type": "application/json"}
    answer = api.http.post("/v1/drafts", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")


def test_an_error_never_repeats_a_value(api: Api):
    request = issue_request(OWNER, KEEPER)
    request["content"]["quantity"] = CANARY
    assert CANARY not in api.post(OWNER, "/v1/drafts", request).text


def test_a_pledge_of_an_unknown_receipt_points_at_it(api: Api):
    request = {"act": "pledge", "receipt": "0x" + "ee" * 32, "pledgee": BANK, "terms": {}}
    assert pointers(api.post(OWNER, "/v1/drafts", request)) == ["#/receipt"]


def test_a_cover_names_only_rules_that_its_facility_has(api: Api, story: Story):
    request = {**cover_request(INSURER, OWNER, story.facility), "rules": [2, 3]}
    assert pointers(api.post(INSURER, "/v1/drafts", request)) == ["#/rules"]


def test_a_cover_asks_for_the_lenders_consent_also_when_the_borrower_is_insured(api: Api, story: Story):
    made = api.draft(INSURER, cover_request(INSURER, OWNER, story.facility))
    assert [each["entity"] for each in made["parties"]] == [INSURER, BANK, OWNER]


def test_a_hold_on_one_kind_of_evidence_is_refused_by_its_rule(api: Api):
    request = facility_request(BANK, OWNER)
    request["rules"] = [rule(conditions=rule()["conditions"][:1])]
    answer = api.post(BANK, "/v1/drafts", request)
    assert pointers(answer) == ["#/rules/0/conditions"]
    assert "two kinds" in answer.json()["errors"][0]["detail"]


def test_others_do_not_see_a_draft(api: Api):
    made = drafted(api)
    for stranger in (OTHER_KEEPER, OTHER_BANK, INSURER):
        answer = api.get(stranger, f"/v1/drafts/{made['id']}")
        assert answer.status_code == 404
        assert CANARY not in answer.text
        assert made["id"] not in api.get(stranger, "/v1/drafts").text


@pytest.mark.parametrize(
    ("change", "rule_"),
    [
        (lambda s: s[:-1], "64 bytes"),
        (lambda s: bytes(64), "signature refused"),
        (lambda s: s[:32] + bytes([s[32] ^ 0x80]) + s[33:], "live account"),
    ],
)
def test_a_broken_signature_is_refused_by_its_rule(api: Api, change, rule_):
    made = drafted(api)
    signature = change(signer(OWNER).sign_digest(bytes.fromhex(made["id"][2:])))
    answer = api.post(OWNER, f"/v1/drafts/{made['id']}/consents", {"signature": data_hex(signature)})
    assert (answer.status_code, answer.json()["code"]) == (422, "consent-refused")
    assert rule_ in answer.json()["detail"]


def test_a_signature_of_another_member_s_key_is_refused(api: Api):
    made = drafted(api)
    forged = signer(BANK).sign_digest(bytes.fromhex(made["id"][2:]))
    answer = api.post(KEEPER, f"/v1/drafts/{made['id']}/consents", {"signature": data_hex(forged)})
    assert answer.json()["code"] == "consent-refused"


def test_nobody_consents_for_another_member(api: Api):
    made = drafted(api)
    signature = data_hex(signer(KEEPER).sign_digest(bytes.fromhex(made["id"][2:])))
    body = {"entity": KEEPER, "signature": signature}
    assert api.post(OWNER, f"/v1/drafts/{made['id']}/consents", body).status_code == 403


def test_a_consent_is_a_signature_or_a_wish_to_sign_not_both(api: Api):
    made = drafted(api)
    body = {"sign": True, "signature": "0x" + "00" * 64}
    assert api.post(OWNER, f"/v1/drafts/{made['id']}/consents", body).status_code == 422


def test_a_drafted_receipt_commits_to_its_content_and_names_both_parties(api: Api):
    made = drafted(api)
    message = made["typedData"]["message"]
    assert message["contentHash"] == made["documents"]["content"]["commitment"]
    assert made["documents"]["content"]["content"]["goods"]["name"] == CANARY
    assert [(party["entity"], party["state"]) for party in made["parties"]] == [
        (OWNER, "waiting"),
        (KEEPER, "waiting"),
    ]
    assert made["state"] == "gathering"


def test_a_draft_is_complete_when_each_party_has_signed(api: Api):
    made = drafted(api)
    path = f"/v1/drafts/{made['id']}/consents"
    assert api.post(OWNER, path, {"sign": True}).json()["state"] == "gathering"
    signature = signer(KEEPER).sign_digest(bytes.fromhex(made["id"][2:]))
    done = api.post(KEEPER, path, {"entity": KEEPER, "signature": data_hex(signature)}).json()
    assert (done["state"], [party["state"] for party in done["parties"]]) == ("complete", ["signed", "signed"])


def test_a_draft_survives_a_restart(api: Api):
    made = drafted(api)
    again = start(api.folder, api.chain)
    assert again.get(KEEPER, f"/v1/drafts/{made['id']}").json()["typedData"] == made["typedData"]


def test_the_id_is_the_digest_that_the_key_signed(api: Api):
    made = drafted(api)
    api.post(OWNER, f"/v1/drafts/{made['id']}/consents", {"sign": True})
    id_ = bytes.fromhex(made["id"][2:])
    kept = api.services.drafting.drafts.get(id_)
    assert digest(kept.consent, api.services.drafting.deployment) == id_
    assert recover(id_, kept.signatures[OWNER].signature) == signer(OWNER).address


def test_a_program_may_make_and_not_check(api: Api, story: Story):
    made = api.draft(BANK, {"act": "release", "pledge": story.pledge})
    path = f"/v1/drafts/{made['id']}/consents"
    first = api.post(BANK, path, {"sign": True}).json()
    assert (first["state"], first["parties"][0]["state"]) == ("gathering", "second-person")
    assert api.post(BANK, path, {"sign": True}).json()["state"] == "gathering"
    refused = api.post(BANK, path, {"sign": True}, client="second")
    assert (refused.status_code, refused.json()["code"]) == (409, "second-person-needed")
    assert api.get(BANK, f"/v1/drafts/{made['id']}").json()["state"] == "gathering"


def test_a_person_s_check_of_what_a_program_made_signs_a_release(api: Api, story: Story):
    made = api.draft(BANK, {"act": "release", "pledge": story.pledge})
    api.post(BANK, f"/v1/drafts/{made['id']}/consents", {"sign": True})
    assert Browser(api, BANK).send(f"/drafts/{made['id']}/sign", checked="yes").status_code == 200
    signed = api.get(BANK, f"/v1/drafts/{made['id']}").json()
    assert (signed["state"], signed["parties"][0]["state"]) == ("complete", "signed")
    assert isinstance(api.services.drafting.drafts.get(bytes.fromhex(made["id"][2:])).consent, Release)


def test_one_person_twice_is_no_second_person(api: Api, story: Story):
    made = api.draft(BANK, {"act": "release", "pledge": story.pledge})
    for _ in range(2):
        Browser(api, BANK).send(f"/drafts/{made['id']}/sign", checked="yes")
    assert api.get(BANK, f"/v1/drafts/{made['id']}").json()["state"] == "gathering"


def test_a_facility_hides_its_rules_behind_a_root_and_keeps_them_for_its_parties(api: Api):
    made = api.post(BANK, "/v1/drafts", facility_request(BANK, OWNER)).json()
    message = made["typedData"]["message"]
    assert (message["rules"], message["instalments"]) == ("3", "3")
    assert len(made["extras"]["rules"][0]["salt"]) == 66
    clauses = [made["documents"][f"clause/{at}"]["commitment"] for at in range(3)]
    assert made["documents"]["terms"]["content"]["covenants"] == clauses


def test_a_pledge_hands_the_receipt_s_content_to_the_pledgee(api: Api):
    made = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    commitment = bytes.fromhex(made["documents"]["content"]["commitment"][2:])
    shelves = api.services.drafting.shelves
    assert shelves.opening(BANK, commitment) is None
    api.submit(OWNER, api.sign(made, OWNER, KEEPER))
    api.draft(OWNER, {"act": "pledge", "receipt": made["id"], "pledgee": BANK, "terms": pledge_terms()})
    assert shelves.document(BANK, commitment).goods.name == CANARY
    assert shelves.opening(OTHER_BANK, commitment) is None


def test_drafts_are_paged_newest_first(api: Api):
    made = []
    for _ in range(3):
        api.clock.forward(1)
        made.append(drafted(api)["id"])
    first = api.get(OWNER, "/v1/drafts?limit=2")
    assert [each["id"] for each in first.json()["items"]] == made[:0:-1]
    rest = api.get(OWNER, first.headers["link"].split(">")[0][1:])
    assert rest.json()["items"][0]["id"] == made[0]


def test_a_text_that_is_no_cursor_is_refused(api: Api):
    answer = api.get(OWNER, "/v1/drafts?cursor=abc")
    assert answer.json()["errors"] == [{"parameter": "cursor", "detail": "is not a cursor of this list"}]


def test_nothing_personal_or_secret_reaches_the_log(api: Api, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    token = api.token(OWNER)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "key-of-this-test"}
    made = api.http.post("/v1/drafts", json=issue_request(OWNER, KEEPER), headers=headers).json()
    other_key = {**headers, "Idempotency-Key": "another-key-of-it"}
    api.http.post(f"/v1/drafts/{made['id']}/consents", json={"sign": True}, headers=other_key)
    signature = api.services.drafting.drafts.get(bytes.fromhex(made["id"][2:])).signatures[OWNER].signature
    private_key = key_of(f"entity {OWNER}").hex()
    for secret in (token, CANARY, signature.hex(), "key-of-this-test", private_key):
        assert secret not in caplog.text
    lines = [json.loads(record.message) for record in caplog.records if record.name == "cangdan.api.access"]
    assert lines[-1]["actor"] == f"client:client-{OWNER}"
