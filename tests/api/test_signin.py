"""Signing in to the console: what is refused first."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.security.sessions import COOKIE
from tests.api.app_kit import BASE, PASSWORD, Api
from tests.api.seed import BANK, REGULATOR
from tests.api.story import Story


def browser(api: Api) -> TestClient:
    return TestClient(create_app(api.services), base_url=BASE, follow_redirects=False)


def sign_in(http: TestClient, login: str = f"ada-{BANK}", password: str = PASSWORD, **more: str):
    return http.post("/sign-in", data={"login": login, "password": password, **more})


@pytest.mark.parametrize(("login", "password"), [("nobody", PASSWORD), (f"ada-{BANK}", "wrong password"), ("", "")])
def test_a_wrong_login_and_a_wrong_password_are_told_in_the_same_words(api: Api, login, password):
    answer = sign_in(browser(api), login, password)
    assert answer.status_code == 422
    assert "Login or password is wrong." in answer.text
    assert COOKIE not in answer.cookies
    assert password == "" or password not in answer.text


def test_guessing_is_slowed_down(story: Story, tmp_path: Path):
    api = story.copy(tmp_path, sign_ins_per_minute=2)
    http = browser(api)
    answers = [sign_in(http, password=f"guess number {at}").status_code for at in range(3)]
    assert answers == [422, 422, 429]


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}])
def test_a_form_of_another_site_is_refused(api: Api, header):
    form = {"login": f"ada-{BANK}", "password": PASSWORD}
    assert browser(api).post("/sign-in", data=form, headers=header).status_code == 403


def test_a_forged_cookie_opens_no_session(api: Api):
    http = browser(api)
    sign_in(http)
    value = http.cookies[COOKIE]
    http.cookies.clear()
    http.cookies.set(COOKIE, value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
    assert http.get("/v1/drafts").status_code == 401


def test_a_session_ends_by_itself(api: Api):
    http = browser(api)
    sign_in(http)
    assert http.get("/v1/drafts").status_code == 200
    api.clock.forward(api.services.section.session_seconds + 1)
    assert http.get("/v1/drafts").status_code == 401


def test_a_session_reads_but_never_writes_the_interface(api: Api):
    http = browser(api)
    sign_in(http)
    answer = http.post("/v1/drafts", json={}, headers={"Idempotency-Key": "12345678"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_signing_out_needs_the_form_of_the_session(api: Api):
    http = browser(api)
    sign_in(http)
    assert http.post("/sign-out", data={"form_token": "0" * 64}).status_code == 403
    assert http.get("/v1/drafts").status_code == 200


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(api: Api):
    http = browser(api)
    sign_in(http)
    cookie = http.cookies[COOKIE]
    session, _ = api.services.sessions.find(cookie, api.clock.now_ms())
    assert http.post("/sign-out", data={"form_token": api.services.sessions.form_token(session)}).status_code == 303
    http.cookies.clear()
    http.cookies.set(COOKIE, cookie)
    assert http.get("/v1/drafts").status_code == 401


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_no_link_leads_to_another_site_after_signing_in(api: Api, target):
    assert sign_in(browser(api), next=target).headers["location"] == "/"


def test_the_cookie_is_kept_from_scripts_and_other_sites(api: Api):
    header = sign_in(browser(api)).headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=strict" in header


def test_who_is_not_signed_in_is_asked_to(api: Api):
    answer = browser(api).get("/receipts")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/receipts")


def test_the_page_speaks_the_language_that_was_chosen(api: Api):
    http = browser(api)
    assert 'lang="zh-Hans"' in http.get("/sign-in?lang=zh-Hans").text
    assert 'lang="zh-Hans"' in http.get("/sign-in").text
    assert 'lang="en"' in http.get("/sign-in?lang=en").text


def test_every_kind_of_error_has_its_entry(api: Api):
    http = browser(api)
    assert http.get("/problems/rate-limited").headers["location"] == "/problems#rate-limited"
    assert 'id="rate-limited"' in http.get("/problems").text


def test_the_regulator_signs_in_like_everyone(api: Api):
    assert sign_in(browser(api), f"bo-{REGULATOR}").status_code == 303
