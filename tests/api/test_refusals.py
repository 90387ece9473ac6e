"""The service's own refusals: who may not read them, what breaks the log, then what is in it."""

import json
from dataclasses import replace

import pytest

from api.refusals import LogBroken, Refused, check
from ledger_node.canonical_json import dumps
from ledger_node.hexvalues import read_data
from ledger_node.keys import LocalSigner
from tests.api.app_kit import NAMES, Api
from tests.api.contents import CANARY, issue_request
from tests.api.seed import BANK, KEEPER, OWNER, REGULATOR

PATH = "/v1/refused-steps"


@pytest.fixture
def refused(api: Api) -> Api:
    """An issue of pledged goods, refused by name; a forged consent; a draft by a stranger."""
    again = api.sign(api.draft(OWNER, issue_request(OWNER, KEEPER)), OWNER, KEEPER)
    assert api.submit(OWNER, again).status_code == 409
    assert api.post(BANK, "/v1/drafts", issue_request(OWNER, KEEPER)).status_code == 403
    path = f"/v1/drafts/{api.draft(OWNER, issue_request(OWNER, KEEPER))['id']}/consents"
    assert api.post(KEEPER, path, {"signature": "0x" + "00" * 64}).status_code == 422
    return api


def entries(api: Api) -> tuple[bytes, list[Refused]]:
    told = api.get(REGULATOR, PATH).json()
    log = [
        Refused(
            each["entry"]["number"],
            dumps(each["entry"]),
            read_data("head", each["head"], 32),
            read_data("signature", each["signature"], 64),
        )
        for each in told["items"]
    ]
    return read_data("key", told["key"], 20), log


def test_only_the_regulator_reads_them(refused: Api):
    for entity in (BANK, OWNER):
        assert refused.get(entity, PATH).status_code == 403


def test_the_log_has_no_document_name_or_signature(refused: Api):
    text = refused.get(REGULATOR, PATH).text
    for secret in (CANARY, NAMES[OWNER][0], "00" * 64):
        assert secret not in text


def test_a_log_that_was_changed_shortened_or_signed_by_another_does_not_hold(refused: Api):
    key, log = entries(refused)
    other = dumps({**json.loads(log[1].entry), "entity": 9})
    for broken in (log[1:], [log[0], log[2]], [log[0], replace(log[1], entry=other), log[2]], log[::-1]):
        with pytest.raises(LogBroken):
            check(broken, key)
    with pytest.raises(LogBroken, match="another key"):
        check(log, LocalSigner(b"\x01" * 32).address)


def test_what_was_refused_is_told_by_step_code_and_cause_and_the_log_holds(refused: Api):
    key, log = entries(refused)
    check(log, key)
    check(log[2:], key, before=log[1].head, first=2)
    told = [json.loads(each.entry) for each in log]
    assert [(each["step"], each["code"], each["cause"], each["entity"]) for each in told] == [
        ("send", "act-refused", "GoodsAlreadyClaimed", OWNER),
        ("draft", "forbidden", None, BANK),
        ("consent", "consent-refused", None, KEEPER),
    ]


def test_they_are_paged_oldest_first(refused: Api):
    first = refused.get(REGULATOR, f"{PATH}?limit=2").json()
    rest = refused.get(REGULATOR, f"{PATH}?limit=2&cursor={first['next']}").json()
    assert [each["entry"]["number"] for each in first["items"] + rest["items"]] == [0, 1, 2]
    assert rest["next"] is None
