"""The strip of a page, live, in a real browser."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect, sync_playwright

from api.app import create_app
from tests.api.app_kit import PASSWORD, Api
from tests.api.browser.test_pages import FLAGS
from tests.api.seed import BANK
from tests.api.story import Story


@pytest.fixture
def page(api: Api, tmp_path: Path) -> Iterator[tuple[Page, Callable[[], None]]]:
    """A page of a member, and what ends its server: nobody answers any more then."""
    app = create_app(api.services)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)

    def end() -> None:
        server.should_exit = server.force_exit = True
        thread.join(60)
        assert not thread.is_alive()

    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        made = browser.new_page(base_url=address)
        made.clock.install()
        made.goto("/sign-in?lang=en")
        made.fill("#login", f"ada-{BANK}")
        made.fill("#password", PASSWORD)
        made.click("main button")
        made.wait_for_url(f"{address}/")
        yield made, end
        app.state.streams.stopping = server.should_exit = True
        browser.close()
    thread.join()


def test_the_strip_moves_on_until_something_happens_and_says_since_when_it_is_dead(
    api: Api, story: Story, page: tuple[Page, Callable[[], None]]
):
    shown, end = page
    number, told = shown.locator("[data-strip=number]"), shown.locator("[data-live]")
    before = int(number.inner_text())
    api.chain.consortium.act("operator", "ReviewBoard", "setPanel", 9, 1, [BANK])
    api.catch_up()
    expect(number).to_have_text(str(before + 1), timeout=30_000)
    expect(told).to_be_empty()
    rows = shown.locator("main").inner_html()
    request = {"act": "repayment", "facility": story.facility, "instalment": 0}
    api.act({**request, "amount": {"minor": 1_204_319, "currency": "CNY"}}, BANK)
    expect(told).to_have_text("1 new event, refresh", timeout=30_000)
    assert int(number.inner_text()) == before + 1
    assert shown.locator("main").inner_html() == rows
    end()
    shown.clock.fast_forward(120_000)
    expect(told).to_have_text(re.compile(r"not live since \d\d:\d\d"), timeout=30_000)
    assert shown.locator("[data-live] a").get_attribute("href") == "/"
