"""Every page in a real browser: wide, 390 and 320 px, both languages; accessible, within its width, quiet console.

SCREENSHOTS names a folder for pictures of each page.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from api.app import create_app
from ledger_node.hexvalues import data_hex
from tests.api.app_kit import PASSWORD, Api
from tests.api.contents import other_issue_request
from tests.api.measured import DEVICE
from tests.api.seed import BANK, INSPECTOR, INSURER, KEEPER, OWNER, REGULATOR
from tests.api.story import Story

ROOT = Path(__file__).parents[3]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
WIDTHS = {"wide": 1280, "phone": 390, "narrow": 320}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Only what is wrong is worked out in full and sent over; that is a quarter of the time of the whole report.
FAULTS = """async rules => {
  const others = {include: document, exclude: ['#swagger-ui']};
  const found = await axe.run(others, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']});
  return found.violations.flatMap(each => each.nodes.map(node => `${each.id}: ${node.html.slice(0, 160)}`));
}"""


@dataclass
class Site:
    """The running console and the story that it shows."""

    api: Api
    story: Story
    address: str
    draft: str
    review: str

    def paths(self, entity: int) -> dict[str, str]:
        common = {"home": "/", "receipts": "/receipts", "facilities": "/facilities", "alerts": "/alerts"}
        receipt, facility = f"/receipts/{self.story.receipt}", f"/facilities/{self.story.facility}"
        own = {
            BANK: {
                "receipt": receipt,
                "facility": facility,
                "past": f"/facilities/{self.story.facility}?as_of_block={self.story.before_hold}",
                "reviews": "/reviews",
                "review": f"/reviews/{self.review}",
                "devices": "/devices",
                "device": f"/devices/{data_hex(DEVICE)}",
                "problems": "/problems",
                "docs": "/docs",
                "missing": "/nowhere",
                "network": "/network",
            },
            OWNER: {"drafts": "/drafts", "draft": f"/drafts/{self.draft}", "facility": facility},
            INSURER: {"claim": f"/claims/{self.story.cover}/0", "facility": facility},
            REGULATOR: {"refusals": "/refusals", "receipt": receipt, "network": "/network"},
            INSPECTOR: {"drafts": "/drafts"},
        }  # fmt: skip
        return {**common, **own.get(entity, {})}


@pytest.fixture(scope="module")
def site(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    api = story.copy(tmp_path_factory.mktemp("browser"), reads_per_minute=100_000, sign_ins_per_minute=1000)
    draft = api.draft(OWNER, other_issue_request(OWNER, KEEPER, "BAY-9"))["id"]
    review = api.get(BANK, "/v1/reviews").json()["items"][0]["id"]
    server = uvicorn.Server(uvicorn.Config(create_app(api.services), host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(api, story, f"http://127.0.0.1:{port}", draft, review)
    server.should_exit = True
    thread.join()
    api.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield started
        started.close()


def signed_in(browser: Browser, site: Site, entity: int, language: str) -> BrowserContext:
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    page.goto(f"/sign-in?lang={language}")
    page.fill("#login", f"ada-{entity}")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{site.address}/")
    page.close()
    return context


def faults_of(page: Page) -> list[str]:
    """What axe finds wrong; it runs outside the page's policy, as a browser's own tools do."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    return page.evaluate(FAULTS, RULES)


def wider_than_the_window(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
@pytest.mark.parametrize("entity", [BANK, KEEPER, OWNER, INSURER, INSPECTOR, REGULATOR])
def test_the_pages_of_a_role_are_sound(browser: Browser, site: Site, entity: int, language: str):
    context = signed_in(browser, site, entity, language)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    wrong: list[str] = []
    for name, path in site.paths(entity).items():
        said.clear()
        page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
        page.goto(path)
        for width, pixels in WIDTHS.items():
            page.set_viewport_size({"width": pixels, "height": 900})
            picture(page, f"{entity}-{name}-{language}-{width}")
            faults = faults_of(page)
            if (over := wider_than_the_window(page)) > 0 and name != "docs":
                faults.append(f"wider than the window by {over} px")
            wrong += [f"{name} {width}: {fault}" for fault in faults]
        wrong += [f"{name}: {text}" for text in said if "404" not in text]
    context.close()
    assert wrong == []


def test_signing_in_wrongly_puts_the_focus_on_the_error(browser: Browser, site: Site):
    page = browser.new_page(base_url=site.address)
    page.goto("/sign-in?lang=en")
    page.fill("#login", "nobody")
    page.fill("#password", "wrong password")
    page.click("main button")
    expect(page.locator("#errors")).to_be_focused(timeout=30_000)
    assert faults_of(page) == []
    page.close()


def test_the_pages_work_without_scripts(browser: Browser, site: Site):
    context = browser.new_context(java_script_enabled=False, base_url=site.address)
    page = context.new_page()
    page.goto("/sign-in?lang=en")
    page.fill("#login", f"ada-{BANK}")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.get_by_text("1 facility needs a decision").first).to_be_visible(timeout=30_000)
    page.click("summary >> text=view a past date")
    page.fill("#as-of-time", "2020-01-01T00:00")
    page.click("text=Show")
    expect(page.get_by_text("no block of the index is that old").first).to_be_visible(timeout=30_000)
    context.close()
