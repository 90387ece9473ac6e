"""Sending drafts: refusals first."""

from api.problems import ProblemError
from ledger_node.abi import RevertCause
from ledger_node.outbox import Status
from tests.api.app_kit import Api
from tests.api.contents import issue_request, pledge_terms
from tests.api.seed import (
    BANK,
    FACILITY,
    INSPECTOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OWNER,
    RECEIPT,
    REVIEW,
)

RECEIPT_ID, FACILITY_ID, REVIEW_ID = ("0x" + each.hex() for each in (RECEIPT, FACILITY, REVIEW))


def complete(api: Api, request: dict, *parties: int) -> str:
    made = api.post(parties[0], "/v1/drafts", request)
    assert made.status_code == 201, made.text
    path = f"/v1/drafts/{made.json()['id']}"
    for entity in parties:
        answer = api.post(entity, f"{path}/consents", {"sign": True})
        if answer.json()["parties"][0]["state"] == "second-person" or answer.json()["state"] == "gathering":
            api.post(entity, f"{path}/consents", {"sign": True}, client="second")
    return path


def issued(api: Api) -> str:
    return complete(api, issue_request(OWNER, KEEPER), OWNER, KEEPER)


def test_a_draft_that_lacks_a_consent_is_not_sent(api: Api):
    made = api.post(OWNER, "/v1/drafts", issue_request(OWNER, KEEPER)).json()
    answer = api.post(OWNER, f"/v1/drafts/{made['id']}/submit", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert str(KEEPER) in answer.json()["detail"]
    assert api.sending.calls == []


def test_a_stranger_neither_sends_a_draft_nor_sees_its_operation(api: Api):
    path = issued(api)
    assert api.post(OTHER_BANK, f"{path}/submit", {}).status_code == 404
    operation = api.post(OWNER, f"{path}/submit", {}).json()
    assert api.get(OTHER_BANK, f"/v1/operations/{operation['id']}").status_code == 404


def test_an_act_that_would_be_refused_is_not_sent_and_its_cause_is_named(api: Api):
    path = issued(api)
    api.sending.refusal = ProblemError(
        "act-refused", "the contracts refuse it", extra={"cause": {"name": "QuantityMissing", "args": {}}}
    )
    answer = api.post(OWNER, f"{path}/submit", {})
    assert (answer.status_code, answer.json()["cause"]["name"]) == (409, "QuantityMissing")


def test_with_fixed_gas_it_is_sent_whatever_it_will_do(api: Api):
    path = issued(api)
    api.sending.refusal = ProblemError("act-refused", "the contracts refuse it")
    assert api.post(OWNER, f"{path}/submit", {"fixedGas": 500_000}).status_code == 202
    assert api.sending.calls[0][2] == 500_000


def test_a_draft_is_sent_once(api: Api):
    path = issued(api)
    assert api.post(OWNER, f"{path}/submit", {}).status_code == 202
    answer = api.post(KEEPER, f"{path}/submit", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len(api.sending.calls) == 1


def test_a_replay_with_fixed_gas_is_a_second_operation(api: Api):
    path = issued(api)
    first = api.post(OWNER, f"{path}/submit", {"fixedGas": 500_000}).json()
    second = api.post(OWNER, f"{path}/submit", {"fixedGas": 500_000}).json()
    assert first["id"] != second["id"]
    assert len(api.sending.calls) == 2


def test_a_refused_draft_may_be_sent_again(api: Api):
    path = issued(api)
    first = api.post(OWNER, f"{path}/submit", {}).json()
    api.sending.settle(first["id"], Status.REFUSED, RevertCause("GoodsAlreadyClaimed", (("key", b"\x01" * 32),)))
    told = api.get(KEEPER, f"/v1/operations/{first['id']}").json()
    assert (told["state"], told["cause"]) == (
        "refused",
        {"name": "GoodsAlreadyClaimed", "args": {"key": "0x" + "01" * 32}},
    )
    assert api.post(OWNER, f"{path}/submit", {}).status_code == 202


def test_an_operation_tells_how_far_it_is(api: Api):
    path = issued(api)
    answer = api.post(OWNER, f"{path}/submit", {})
    operation = answer.json()
    assert (answer.status_code, operation["state"]) == (202, "submitted")
    assert answer.headers["location"] == f"/v1/operations/{operation['id']}"
    api.sending.settle(operation["id"], Status.FINAL)
    told = api.get(OWNER, answer.headers["location"]).json()
    assert (told["state"], told["block"], told["gasUsed"]) == ("final", 12, "90000")
    assert api.get(OWNER, path).json()["state"] == "sent"


def test_a_pledge_is_pinned_to_the_receipt_as_it_is(api: Api):
    request = {"act": "pledge", "receipt": RECEIPT_ID, "pledgee": BANK, "facility": FACILITY_ID}
    path = complete(api, {**request, "terms": pledge_terms()}, OWNER, KEEPER, BANK)
    assert api.post(BANK, f"{path}/submit", {}).status_code == 202
    consent = api.sending.calls[0][1].arguments[0]
    assert (consent.seq, consent.pledgor, consent.keeper, consent.pledgee) == (1, OWNER, KEEPER, BANK)


def test_a_drawdown_is_pinned_to_the_count_of_draws(api: Api):
    request = {"act": "drawdown", "facility": FACILITY_ID, "amount": {"minor": 40_000_019, "currency": "CNY"}}
    path = complete(api, request, BANK, OWNER)
    assert api.post(BANK, f"{path}/submit", {}).json()["state"] == "submitted"
    assert api.sending.calls[0][1].arguments[0].draw == 1


def inspected(api: Api) -> str:
    result = {
        "schema": "cangdan/inspection/1",
        "subject": FACILITY_ID,
        "inspector": "Independent Stock Inspection",
        "takenAt": "2026-09-22T10:00:00+08:00",
        "method": "recount",
        "finding": "3 coils, 24,558 kg",
    }
    return complete(api, {"act": "inspection", "subject": FACILITY_ID, "result": result}, INSPECTOR)


def test_only_an_inspector_inspects(api: Api):
    answer = api.post(BANK, "/v1/drafts", {"act": "inspection", "subject": FACILITY_ID, "result": {}})
    assert answer.status_code == 403


def test_an_inspection_has_its_effect_with_a_decision_only(api: Api):
    path = inspected(api)
    answer = api.post(INSPECTOR, f"{path}/submit", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_decision_needs_the_panel_s_quorum_and_carries_the_inspection(api: Api):
    inspection = inspected(api).rsplit("/", 1)[1]
    request = {
        "act": "decision",
        "review": REVIEW_ID,
        "verdict": "clear",
        "reason": {"code": "RECOUNTED", "text": "The coils are back."},
        "inspection": inspection,
    }
    path = complete(api, request, INSURER)
    assert "1 more must consent" in api.post(INSURER, f"{path}/submit", {}).json()["detail"]
    for client in ("client", "second"):
        api.post(BANK, f"{path}/consents", {"sign": True}, client=client)
    assert api.post(BANK, f"{path}/submit", {}).status_code == 202
    call = api.sending.calls[0][1]
    assert (call.function, call.arguments[5]) == ("decide", BANK | INSURER << 32)
    assert call.arguments[3].inspector == INSPECTOR
    assert len(call.arguments[4]) == 64
