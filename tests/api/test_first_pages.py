"""What each role meets first, how pages name things, and both languages: refusals first, then the answers in words."""

import re
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from api.console.seals import seal_words
from api.records.papers import Papers
from ledger_node.consensus.qbft import Extra
from ledger_node.hexvalues import data_hex
from ledger_node.signing import Signer
from registry.evidence.gather import EvidenceMissing
from tests.api.app_kit import Api
from tests.api.contents import facility_request
from tests.api.measured import DEVICE, CannedOracles, CannedReader
from tests.api.seed import BANK, INSPECTOR, INSURER, KEEPER, OTHER_BANK, OWNER, REGULATOR, signer
from tests.api.story import Story
from tests.api.test_console import Browser, heading

ENGLISH_NAME = re.compile(r"<dt[^>]*>[a-z]+[A-Z]\w*")


def test_only_the_regulator_starts_a_replay(api: Api):
    answer = Browser(api, BANK).send("/replay")
    assert answer.status_code == 403
    assert "only the regulator replays here" in answer.text


def test_a_replay_says_at_which_block_all_was_equal(api: Api):
    browser = Browser(api, REGULATOR)
    assert "Not replayed since this service started." in browser.page("/")
    browser.send("/replay")
    deadline = time.monotonic() + 120
    while "The replay runs" in browser.page("/") and time.monotonic() < deadline:
        time.sleep(0.1)
    number = api.services.index.as_of().block.number
    assert re.search(rf"Block {number}: \d+ events rebuild all \d+ storage slots", browser.page("/"))


def test_a_bank_is_told_what_is_held_how_much_since_when_and_until_when_to_decide(api: Api, story: Story):
    page = Browser(api, BANK).page("/")
    row = re.search(r"<tr><th[^>]*>.*?Rule 1 holds: Credit to Eastern Coil Works.*?</tr>", page, re.S)[0]
    assert "CNY 400,000.19" in row
    for words in ("Since", "block", "Decide by", "See the evidence"):
        assert words in row
    assert len(re.findall(r'class="button"', row)) == 1
    assert f'href="/facilities/{story.facility}#action-' in row


def figure(page: str, label: str) -> str:
    return re.search(rf"<dt>{label}</dt><dd>(.*?)</dd>", page)[1]


def test_what_was_not_drawn_yet_is_nothing_and_what_was_not_told_is_not_known(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    facility = api.act({**facility_request(OTHER_BANK, OWNER), "panel": 2}, OTHER_BANK, OWNER)
    browser = Browser(api, OTHER_BANK)
    assert figure(browser.page(f"/facilities/{facility}"), "Drawn") == "CNY 0.00"
    assert figure(browser.page("/"), "Outstanding") == "CNY 0.00"
    assert figure(browser.page("/"), "Can still be drawn") == "CNY 913,572.13"
    amount = {"minor": 10_000_013, "currency": "CNY"}
    api.act({"act": "drawdown", "facility": facility, "amount": amount}, OTHER_BANK, OWNER)
    assert figure(browser.page("/"), "Can still be drawn") == "CNY 813,572.00"
    monkeypatch.setattr(Papers, "amount", lambda self, commitment: None)
    assert figure(browser.page("/"), "Can still be drawn") == "not given to you"
    assert figure(browser.page(f"/facilities/{facility}"), "Drawn") == "not given to you"


class Fleet(CannedOracles):
    """Oracles that tell the keeper of its own devices, and let it read none."""

    def as_member(self, account: Signer, patience: float = 10.0) -> Any:
        if account.address != signer(KEEPER).address:
            return super().as_member(account, patience)
        return SimpleNamespace(silent=CannedReader().silent, covenant=missing, device=missing)


def missing(_: bytes) -> Any:
    raise EvidenceMissing("not granted")


@pytest.mark.parametrize(("entity", "name"), [(BANK, "mass-1"), (KEEPER, data_hex(DEVICE))])
def test_lender_and_keeper_are_told_of_a_silent_device(api: Api, entity: int, name: str):
    watched = replace(api, services=replace(api.services, oracles=Fleet()))
    row = re.search(r"<tr><th[^>]*>(?:(?!<tr>).)*?1 device is silent.*?</tr>", Browser(watched, entity).page("/"), re.S)
    assert row is not None
    assert name in row[0]
    assert "silent" in Browser(watched, entity).page("/devices")


def test_an_insurer_is_told_the_sum_and_whether_the_evidence_is_complete(api: Api):
    page = Browser(api, INSURER).page("/")
    assert "Claim 1: observed on" in page
    assert "CNY 1,200,000.00" in page
    assert "complete: rule, observations and the cover's terms" in page


def test_a_borrower_is_told_why_what_ends_it_and_what_still_works(api: Api):
    page = Browser(api, OWNER).page("/")
    assert "Instalment 2 is due on 2026-10-31 instead of" in page
    assert "You agreed in clause 7.2: Goods move without an order" in page
    assert "They can end the hold on an inspection that is taken after" in page
    assert "You can repay, add goods and have pledged goods released. You cannot draw money." in page


def test_a_warehouse_searches_on_its_first_page(api: Api):
    page = Browser(api, KEEPER).page("/")
    assert re.search(r'<form[^>]*action="/receipts"[^>]*role="search"', page)


def test_a_regulator_sees_double_pledges_by_name_and_lenders_side_by_side(api: Api):
    page = Browser(api, REGULATOR).page("/")
    assert "1 double use of goods refused" in page
    assert "the receipt is pledged already" in page
    assert "AlreadyPledged" in page
    exposure = page[page.index('id="exposure"') :]
    assert re.search(r"First Consortium Bank</th>(<td[^>]*>\d+</td>){6}", exposure)


def test_an_inspector_finds_what_it_signed(api: Api):
    assert heading(Browser(api, INSPECTOR).page("/")) == "Nothing waits for you"


@pytest.mark.parametrize("kind", ["receipt", "facility", "pledge"])
def test_what_is_signed_has_no_field_name_in_english_on_a_chinese_page(api: Api, story: Story, kind: str):
    page = Browser(api, OWNER).page(f"/drafts/{getattr(story, kind)}?lang=zh-Hans")
    assert ENGLISH_NAME.search(page) is None
    assert "起草时间" in page


def test_a_pledge_names_its_receipt_and_a_receipt_its_facility_before_any_hash(api: Api, story: Story):
    draft = Browser(api, BANK).page(f"/drafts/{story.pledge}")
    link = rf'<a class="record" href="/receipts/{story.receipt}">24.56 t [^<]*</a>'
    assert re.search(rf'{link} <details class="digest">', draft)
    receipt = Browser(api, BANK).page(f"/receipts/{story.receipt}")
    assert f'<a class="record" href="/facilities/{story.facility}">Credit to Eastern Coil Works</a>' in receipt


def test_a_problem_is_told_in_the_reader_s_language(api: Api):
    page = Browser(api, BANK).page("/receipts/0x" + "00" * 32 + "?lang=zh-Hans", 404)
    assert heading(page) == "此处无内容"
    assert "您可查看的记录中没有此项。" in page


def test_a_refused_act_is_told_in_the_reader_s_language_with_the_error_s_name(api: Api, story: Story):
    request = {"act": "drawdown", "facility": story.facility, "amount": {"minor": 100, "currency": "CNY"}}
    draft = api.sign(api.draft(BANK, request), BANK, OWNER)
    browser = Browser(api, BANK)
    browser.page("/?lang=zh-Hans")
    answer = browser.send(f"/drafts/{draft['id']}/send")
    assert "授信已冻结 (FacilityHeld)" in answer.text


def test_a_seal_is_told_as_the_header_has_it_and_never_called_checked(api: Api):
    header, seal = api.services.index.header(api.services.index.as_of().block.number)
    extra = Extra(bytes(32), tuple(bytes([each]) * 20 for each in range(1, 5)), None, 0, (bytes(65),) * 3)
    qbft, clique = replace(header, extra_data=extra.encoded()), replace(header, extra_data=bytes(97), difficulty=2)
    assert seal_words(header, seal, str) == "sealed by the ledger's sealer"
    assert seal_words(qbft, None, str) == "header carries 3 seals and lists 4 validators, not checked here"
    assert seal_words(clique, None, str) == "header carries one signer's seal, not checked here"
    assert seal_words(replace(header, extra_data=b""), None, str).startswith("header carries no seal")
