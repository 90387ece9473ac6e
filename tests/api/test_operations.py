"""Sending drafts to a real chain: refusals first."""

import pytest
from msgspec.structs import replace

from api.sending import Outboxes
from api.times import rfc3339
from tests.api.app_kit import Api, start
from tests.api.contents import inspection_request, issue_request, other_issue_request
from tests.api.seed import BANK, INSPECTOR, INSURER, KEEPER, OTHER_BANK, OWNER
from tests.api.story import Story


def complete(api: Api, bin_: str = "BAY-9") -> dict:
    return api.sign(api.draft(OWNER, other_issue_request(OWNER, KEEPER, bin_)), OWNER, KEEPER)


def test_a_draft_that_lacks_a_consent_is_not_sent(api: Api):
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    answer = api.submit(OWNER, draft)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert f"of the entities {OWNER}, {KEEPER}" in answer.json()["detail"]


def test_a_stranger_neither_sends_a_draft_nor_sees_its_operation(api: Api):
    draft = complete(api)
    assert api.submit(OTHER_BANK, draft).status_code == 404
    operation = api.submit(OWNER, draft).json()
    assert api.get(OTHER_BANK, f"/v1/operations/{operation['id']}").status_code == 404


def test_an_act_that_would_be_refused_is_not_sent_and_its_cause_is_named(api: Api):
    again = api.sign(api.draft(OWNER, issue_request(OWNER, KEEPER)), OWNER, KEEPER)
    answer = api.submit(OWNER, again)
    assert (answer.status_code, answer.json()["code"]) == (409, "act-refused")
    assert answer.json()["cause"]["name"] == "GoodsAlreadyClaimed"
    assert api.get(OWNER, f"/v1/drafts/{again['id']}").json()["operation"] is None


def test_with_fixed_gas_it_is_mined_as_refused_and_listed_by_name(api: Api):
    again = api.sign(api.draft(OWNER, issue_request(OWNER, KEEPER)), OWNER, KEEPER)
    location = api.submit(OWNER, again, fixed_gas=2_000_000).headers["location"]
    told = api.get(OWNER, location).json()
    assert (told["state"], told["cause"]["name"]) == ("refused", "GoodsAlreadyClaimed")
    assert api.get(OWNER, "/v1/refusals").json()["items"][0]["transaction"] == told["transaction"]


def test_a_draft_is_sent_once(api: Api):
    draft = complete(api)
    assert api.submit(OWNER, draft).status_code == 202
    answer = api.submit(KEEPER, draft)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_draft_whose_refusal_is_not_final_is_not_sent_beside_it(api: Api, monkeypatch: pytest.MonkeyPatch):
    again = api.sign(api.draft(OWNER, issue_request(OWNER, KEEPER)), OWNER, KEEPER)
    api.get(OWNER, api.submit(OWNER, again, fixed_gas=2_000_000).headers["location"])
    found = Outboxes.find
    monkeypatch.setattr(Outboxes, "find", lambda *args: replace(found(*args), settled=False))
    answer = api.submit(OWNER, again)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "was refused, which is not final yet" in answer.json()["detail"]


def test_a_replay_with_fixed_gas_is_a_second_operation_that_the_contracts_refuse(api: Api):
    draft = complete(api)
    first = api.submit(OWNER, draft, fixed_gas=2_000_000)
    second = api.submit(OWNER, draft, fixed_gas=2_000_000)
    states = [api.get(OWNER, each.headers["location"]).json()["state"] for each in (first, second)]
    assert states == ["final", "refused"]


def test_an_operation_tells_how_far_it_is(api: Api):
    draft = complete(api)
    answer = api.submit(OWNER, draft)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/operations/{answer.json()['id']}"
    told = api.get(KEEPER, answer.headers["location"]).json()
    assert (told["state"], told["cause"]) == ("final", None)
    assert told["block"] == api.get(OWNER, f"/v1/receipts/{draft['id']}/summary").json()["issued"]["block"]
    assert api.get(OWNER, f"/v1/drafts/{draft['id']}").json()["state"] == "sent"


def test_an_operation_is_known_after_a_restart(api: Api):
    location = api.submit(OWNER, complete(api)).headers["location"]
    api.outboxes.stop()
    again = start(api.folder, api.chain)
    assert again.get(OWNER, location).json()["state"] == "final"
    again.outboxes.stop()


def test_a_held_facility_pays_nothing_out(api: Api, story: Story):
    request = {"act": "drawdown", "facility": story.facility, "amount": {"minor": 10_000_007, "currency": "CNY"}}
    answer = api.submit(BANK, api.sign(api.draft(BANK, request), BANK, OWNER))
    assert answer.json()["cause"]["name"] == "FacilityHeld"


def test_a_held_facility_still_takes_repayments(api: Api, story: Story):
    request = {"act": "repayment", "facility": story.facility, "instalment": 0}
    api.act({**request, "amount": {"minor": 1_204_319, "currency": "CNY"}}, BANK)
    facility = api.get(OWNER, f"/v1/facilities/{story.facility}/summary").json()
    assert facility["instalments"][0]["state"] == "paid"
    assert facility["repaid"] == {"minor": 1_204_319, "currency": "CNY"}


def decision(api: Api, story: Story) -> dict:
    """The panel's decision to clear the hold, on an inspection taken after it."""
    api.clock.forward(60)
    taken_at = rfc3339(api.clock.now_ms(), api.services.zone)
    inspection = api.sign(api.draft(INSPECTOR, inspection_request(story.facility, taken_at)), INSPECTOR)
    review = api.get(INSURER, f"/v1/reviews?facility={story.facility}").json()["items"][0]
    return {
        "act": "decision",
        "review": review["id"],
        "verdict": "clear",
        "reason": {"code": "RECOUNTED", "text": "The coils are back."},
        "inspection": inspection["id"],
    }


def test_only_an_inspector_inspects(api: Api, story: Story):
    request = inspection_request(story.facility, "2026-09-22T10:00:00+08:00")
    assert api.post(BANK, "/v1/drafts", request).status_code == 403


def test_an_inspection_has_its_effect_with_a_decision_only(api: Api, story: Story):
    request = inspection_request(story.facility, "2026-09-22T10:00:00+08:00")
    answer = api.submit(INSPECTOR, api.sign(api.draft(INSPECTOR, request), INSPECTOR))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_decision_needs_the_panel_s_quorum(api: Api, story: Story):
    draft = api.sign(api.draft(INSURER, decision(api, story)), INSURER)
    assert "1 more must consent" in api.submit(INSURER, draft).json()["detail"]


def test_a_decision_on_a_new_inspection_clears_the_hold(api: Api, story: Story):
    api.act(decision(api, story), INSURER, BANK)
    facility = api.get(BANK, f"/v1/facilities/{story.facility}/summary").json()
    assert (facility["held"], facility["holds"]) == (False, [])
    review = api.get(OWNER, f"/v1/reviews?facility={story.facility}").json()["items"][0]
    assert (review["verdict"], review["reason"]["text"]) == ("clear", "The coils are back.")


def test_goods_leave_after_the_release(api: Api, story: Story):
    api.act({"act": "release", "pledge": story.pledge}, BANK)
    order = {
        "schema": "cangdan/delivery-order/1",
        "orderNo": "DO-2002",
        "receipt": story.receipt,
        "deliverTo": "Eastern Coil Works",
        "quantity": 24_560,
        "unit": "KGM",
        "charges": {"minor": 1200, "currency": "CNY"},
        "chargesPaid": True,
    }
    api.act({"act": "delivery", "receipt": story.receipt, "order": order}, OWNER, KEEPER)
    assert api.get(KEEPER, f"/v1/receipts/{story.receipt}/summary").json()["status"] == "delivered"


def test_an_insurer_accepts_a_claim(api: Api, story: Story):
    reason = {"code": "EVIDENCE", "text": "The readings show it."}
    request = {"act": "claim-decision", "cover": story.cover, "claim": 0, "verdict": "accept", "reason": reason}
    api.act(request, INSURER)
    claim = api.get(BANK, "/v1/claims").json()["items"][0]
    assert (claim["state"], claim["reason"]["code"]) == ("accepted", "EVIDENCE")


def test_a_fleet_goes_one_epoch_on(api: Api):
    root = "0x" + "11" * 32
    request = {"act": "fleet", "devices": 2, "fleetRoot": root, "revocationRoot": "0x" + "00" * 32}
    api.act(request, KEEPER)
    api.act({**request, "devices": 3}, KEEPER)
    fleet = next(each for each in api.get(KEEPER, "/v1/devices").json()["items"] if each["entity"]["entity"] == KEEPER)
    assert (fleet["epoch"], fleet["devices"], fleet["fleetRoot"]) == (2, 3, root)
