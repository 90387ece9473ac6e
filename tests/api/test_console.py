"""The console's pages: what must not be shown first, then what each role sees and can do."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.members import load, save
from api.times import rfc3339
from ledger_node.hexvalues import data_hex
from tests.api.app_kit import BASE, NAMES, PASSWORD, Api
from tests.api.contents import CANARY, inspection_request, other_issue_request
from tests.api.measured import DEVICE, START
from tests.api.seed import BANK, ENTITIES, INSPECTOR, INSURER, KEEPER, OTHER_BANK, OTHER_KEEPER, OWNER, REGULATOR
from tests.api.story import Story

LISTS = (
    "/", "/receipts", "/facilities", "/devices", "/reviews", "/drafts", "/alerts", "/refusals", "/problems", "/docs",
)  # fmt: skip


class Browser:
    """A person at the console: pages, forms with the session's token."""

    def __init__(self, api: Api, entity: int, who: str = "ada") -> None:
        self.http = TestClient(create_app(api.services), base_url=BASE)
        answer = self.http.post("/sign-in", data={"login": f"{who}-{entity}", "password": PASSWORD})
        assert answer.status_code == 200, answer.text

    def page(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[-500:])
        return unescape(answer.text)

    def send(self, path: str, **fields: str):
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', self.http.get("/").text)[1]
        return self.http.post(path, data={"form_token": token, **fields})


def heading(page: str) -> str:
    return re.search(r"<h1>(.*?)</h1>", page, re.S)[1]


def records(story: Story) -> list[str]:
    return [f"/receipts/{story.receipt}", f"/facilities/{story.facility}"]


@pytest.mark.parametrize("stranger", [OTHER_BANK, OTHER_KEEPER])
def test_a_stranger_finds_no_page_of_others_records(api: Api, story: Story, stranger: int):
    browser = Browser(api, stranger)
    for path in records(story):
        browser.page(path, 404)
    for path in ("/", "/receipts", "/facilities", "/reviews"):
        assert NAMES[OWNER][0] not in browser.page(path)


@pytest.mark.parametrize("stranger", [OTHER_KEEPER, REGULATOR, INSPECTOR])
def test_goods_stay_with_those_who_were_given_them(api: Api, story: Story, stranger: int):
    browser = Browser(api, stranger)
    for path in LISTS:
        assert CANARY not in browser.page(path)


def test_a_form_without_the_session_s_token_changes_nothing(api: Api):
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    browser = Browser(api, OWNER)
    answer = browser.http.post(f"/drafts/{draft['id']}/sign", data={"checked": "yes"})
    assert answer.status_code == 403
    assert api.get(OWNER, f"/v1/drafts/{draft['id']}").json()["parties"][0]["state"] == "waiting"


def test_nothing_is_signed_unchecked(api: Api):
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    answer = Browser(api, OWNER).send(f"/drafts/{draft['id']}/sign")
    assert answer.status_code == 422
    assert "Confirm that you have checked" in answer.text


def test_a_missing_page_is_told_in_words(api: Api):
    assert "Nothing here" in Browser(api, BANK).page("/nowhere", 404)


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("entity", ENTITIES)
def test_every_page_opens_for_every_role_in_both_languages(api: Api, story: Story, entity: int, language: str):
    browser = Browser(api, entity)
    for path in LISTS:
        page = browser.page(f"{path}?lang={language}")
        assert f'lang="{language}"' in page
        assert "style=" not in page
        assert "<script>" not in page
    if entity in (BANK, KEEPER, OWNER, REGULATOR):
        browser.page(records(story)[0])
    if entity in (BANK, KEEPER, OWNER, REGULATOR, INSURER):
        browser.page(records(story)[1])


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (BANK, "1 facility needs a decision"),
        (INSURER, "2 decisions wait for you"),
        (KEEPER, "1 thing waits for you"),
        (OWNER, "Instalment 2 is deferred to 2026-10-31"),
        (INSPECTOR, "Nothing waits for you"),
        (REGULATOR, "4 abnormal events in the last hour"),
    ],
)
def test_the_first_page_answers_in_a_sentence(api: Api, entity: int, words: str):
    assert heading(Browser(api, entity).page("/")) == words


def test_a_receipt_s_page_is_proved_and_whole(api: Api, story: Story):
    page = Browser(api, BANK).page(f"/receipts/{story.receipt}")
    assert heading(page) == f"24.56 t {CANARY}: pledged"
    assert "2 events, none missing" in page
    assert 'class="tag good">verified' in page
    assert re.search(r"cangdan verify receipt-\w+-\d+\.bundle\.json --trust trust\.json", page)


def test_a_facility_s_page_explains_the_hold(api: Api, story: Story):
    page = Browser(api, OWNER).page(f"/facilities/{story.facility}")
    assert heading(page) == "Credit to Eastern Coil Works is held; instalment 2 deferred to 2026-10-31"
    assert "It would not have fired with 23,999 instead of 24,000" in page
    assert "CNY 400,000.19" in page


def test_a_past_date_is_shown_as_past(api: Api, story: Story):
    page = Browser(api, BANK).page(f"/facilities/{story.facility}?as_of_block={story.before_hold}")
    assert heading(page) == "Credit to Eastern Coil Works is open"
    assert "You are looking at the past." in page
    assert 'class="tag past">stale' in page


def test_the_keeper_finds_goods_by_their_label(api: Api, story: Story):
    browser = Browser(api, KEEPER)
    assert story.receipt in browser.page("/receipts?q=e28011606000020f1a7b3c02")
    assert story.receipt not in browser.page("/receipts?q=E28011606000020F1A7B3C99")


def test_a_receipt_is_signed_and_sent_from_the_console(api: Api):
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))
    path = f"/drafts/{draft['id']}"
    for entity in (OWNER, KEEPER):
        browser = Browser(api, entity)
        assert "Sign for your organisation" in browser.page(path)
        assert browser.send(f"{path}/sign", checked="yes").status_code == 200
    sent = Browser(api, OWNER).send(f"{path}/send")
    assert 'class="tag good">final' in sent.text
    api.catch_up()
    assert api.get(KEEPER, f"/v1/receipts/{draft['id']}").json()["data"]["status"] == "ACTIVE"


def test_two_people_decide_a_review_from_the_console(api: Api, story: Story):
    api.clock.forward(60)
    taken_at = rfc3339(api.clock.now_ms(), api.services.zone)
    api.sign(inspection := api.draft(INSPECTOR, inspection_request(story.facility, taken_at)), INSPECTOR)
    review = api.get(INSURER, "/v1/reviews").json()["items"][0]["id"]
    fields = {"verdict": "clear", "code": "RECOUNTED", "text": "The coils are back.", "inspection": inspection["id"]}
    drafted = Browser(api, INSURER).send(f"/reviews/{review}", **fields)
    path = drafted.url.path
    assert path.startswith("/drafts/"), drafted.text
    for entity in (INSURER, BANK):
        first = Browser(api, entity).send(f"{path}/sign", checked="yes")
        assert "A second person of your organisation must agree" in first.text
        assert Browser(api, entity, "bo").send(f"{path}/sign", checked="yes").status_code == 200
    assert "final" in Browser(api, BANK).send(f"{path}/send").text
    api.catch_up()
    assert api.get(BANK, f"/v1/facilities/{story.facility}").json()["data"]["held"] is False


def test_one_person_stays_one_when_the_members_file_is_put_in_another_order(api: Api, story: Story):
    made = api.draft(BANK, {"act": "release", "pledge": story.pledge})
    Browser(api, BANK).send(f"/drafts/{made['id']}/sign", checked="yes")
    path = api.folder / "members.json"
    file = load(path).file
    turned = [each.model_copy(update={"users": each.users[::-1]}) for each in file.members]
    save(path, file.model_copy(update={"members": tuple(turned)}))
    Browser(api, BANK).send(f"/drafts/{made['id']}/sign", checked="yes")
    assert api.get(BANK, f"/v1/drafts/{made['id']}").json()["state"] == "gathering"


def test_a_decision_without_reason_is_told_beside_the_field_and_kept(api: Api):
    review = api.get(INSURER, "/v1/reviews").json()["items"][0]["id"]
    answer = Browser(api, INSURER).send(f"/reviews/{review}", verdict="uphold", code="lower case", text="")
    assert answer.status_code == 422
    assert 'id="code-error"' in answer.text
    assert 'value="lower case"' in answer.text
    assert 'value="uphold" checked' in answer.text


@pytest.mark.parametrize(
    "wrong", [{"code": "A", "text": "why"}, {"code": "É1", "text": "why"}, {"code": "RECOUNTED", "inspection": "zz"}]
)
def test_a_decision_that_breaks_the_form_of_its_fields_is_refused(api: Api, wrong: dict[str, str]):
    review = api.get(INSURER, "/v1/reviews").json()["items"][0]["id"]
    fields = {"verdict": "uphold", "text": "why", **wrong}
    assert Browser(api, INSURER).send(f"/reviews/{review}", **fields).status_code in (400, 422)


def test_who_sits_on_no_panel_gets_no_form(api: Api):
    review = api.get(OWNER, "/v1/reviews").json()["items"][0]["id"]
    assert "Your decision" not in Browser(api, OWNER).page(f"/reviews/{review}")


def test_an_insurer_decides_a_claim_from_the_console(api: Api, story: Story):
    path = f"/claims/{story.cover}/0"
    assert "observed" in Browser(api, INSURER).page(path)
    drafted = Browser(api, INSURER).send(path, verdict="accept", code="EVIDENCE", text="The readings show it.")
    assert drafted.url.path.startswith("/drafts/")


def test_a_refused_act_is_told_by_its_name(api: Api, story: Story):
    request = {"act": "drawdown", "facility": story.facility, "amount": {"minor": 100, "currency": "CNY"}}
    draft = api.sign(api.draft(BANK, request), BANK, OWNER)
    answer = Browser(api, BANK).send(f"/drafts/{draft['id']}/send")
    assert answer.status_code == 422
    assert "FacilityHeld" in answer.text


def test_beside_a_refused_act_stands_what_its_block_proves_and_what_is_a_node_s_word(api: Api):
    words = "what it was, who sent it and why is as this member's node shows it"
    for path in ("/refusals", "/alerts"):
        assert words in Browser(api, REGULATOR).page(path)
        assert words not in Browser(api, BANK).page(path)


def test_who_reads_no_covenant_sees_no_device(api: Api):
    page = Browser(api, INSURER).page("/devices")
    assert data_hex(DEVICE) not in page
    assert "No oracle answers now" in page
    Browser(api, INSURER).page(f"/devices/{data_hex(DEVICE)}", 503)


def test_a_device_s_page_shows_plot_strip_and_abnormal_stretches(api: Api):
    browser = Browser(api, BANK)
    assert data_hex(DEVICE) in browser.page("/devices")
    page = browser.page(f"/devices/{data_hex(DEVICE)}")
    assert page.count('<svg class="plot"') == 1
    assert page.count('<svg class="strip"') == 1
    assert "rule 1: below 24,000" in page
    assert "3 abnormal stretches" in page
    assert "400 earlier values are in the file." in page


def test_the_values_of_a_figure_are_a_file(api: Api):
    browser = Browser(api, OWNER)
    path = re.search(r'href="(/devices/[^"]+\.csv)[?"]', browser.page(f"/devices/{data_hex(DEVICE)}"))[1]
    lines = browser.page(path).splitlines()
    assert lines[0] == "slot,value,exp10,flag,readings,sources"
    assert len(lines) == 601
    assert ",,-1,missing," in lines[201]


def test_a_span_narrows_the_figure(api: Api):
    day = rfc3339(START, api.services.zone)[:10]
    page = Browser(api, BANK).page(f"/devices/{data_hex(DEVICE)}?since={day}T08:00&until={day}T08:30")
    assert "earlier values" not in page
    assert page.count("data-time=") == 30
