"""How the network does: who may not see it, what each may see, and that the page says what the JSON says."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.records.oracles import OracleGlance
from ledger_node.hexvalues import address_hex
from ledger_node.sending_status import EndpointStatus
from tests.api.app_kit import BASE, Api
from tests.api.measured import CannedOracles
from tests.api.seed import BANK, INSPECTOR, INSURER, KEEPER, OTHER_BANK, OWNER, REGULATOR, signer
from tests.api.story import Story
from tests.api.test_console import Browser, heading


@pytest.mark.parametrize("entity", [KEEPER, INSURER, OWNER, INSPECTOR])
def test_who_neither_lends_nor_supervises_sees_nothing_of_it(api: Api, entity: int):
    answer = api.get(entity, "/v1/network")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    browser = Browser(api, entity)
    assert "Nodes of this service" not in browser.page("/network", 403)
    assert 'href="/network"' not in browser.page("/")


def test_a_token_without_the_scope_sees_nothing_of_it(api: Api):
    token = api.token(BANK, scope="records:read")
    assert api.http.get("/v1/network", headers={"Authorization": f"Bearer {token}"}).status_code == 403


def test_a_bank_sees_no_other_member_s_outbox_and_nobody_a_node_s_address(api: Api, story: Story):
    repay(api, story)
    assert [each["entity"] for each in api.get(BANK, "/v1/network").json()["outboxes"]] == [BANK]
    assert [each["entity"] for each in api.get(OTHER_BANK, "/v1/network").json()["outboxes"]] == [OTHER_BANK]
    told = api.get(REGULATOR, "/v1/network")
    assert address_hex(signer(BANK).address) in [each["address"] for each in told.json()["outboxes"]]
    pages = [Browser(api, entity).page("/network") for entity in (BANK, OTHER_BANK, REGULATOR)]
    assert address_hex(signer(BANK).address) not in pages[1]
    for text in (told.text, *pages):
        assert "http://local" not in text


def test_what_was_final_is_told_as_final_when_fewer_blocks_stand_on_it(api: Api, monkeypatch: pytest.MonkeyPatch):
    """The index called its last block final, though this service would ask for three blocks on top of it."""
    head = api.services.index.head().number
    monkeypatch.setattr(api.http.app.state, "services", replace(api.services, finality=3))
    assert api.get(BANK, "/v1/network").json()["finality"]["finalBlock"] == head
    assert api.get(BANK, "/v1/blocks/head").json()["block"]["final"]


def test_the_network_is_told_as_it_is(api: Api, story: Story):
    told = api.get(BANK, "/v1/network").json()
    head = api.services.index.head()
    assert told["block"]["number"] == told["finality"]["finalBlock"] == head.number
    assert told["index"] == {"block": head.number, "nodeBlock": head.number, "lag": 0}
    (sealer,) = told["sealing"]["sealers"]
    run = told["sealing"]["to"] - told["sealing"]["from"] + 1
    assert told["sealing"]["consensus"] == "embedded"
    assert (sealer["blocks"], sealer["last"], sealer["missed"]) == (run, head.number, 0)
    assert [(each["answers"], each["behind"]) for each in told["oracles"]] == [
        (True, 0), (True, 0), (True, 40), (False, None),
    ]  # fmt: skip
    assert told["oracles"][3]["heard"] is not None
    assert told["nodes"][0]["healthy"]


def test_a_sick_node_and_an_index_that_lags_are_headed(api: Api):
    head = api.services.index.head().number
    client = Lagging(api.services.client, head + 9)
    page = page_of(replace(api.services, client=client))
    assert heading(page) == "3 things need attention"
    assert "9 blocks" in page
    assert "left out" in page


class Lagging:
    """A client whose second node is left out, and that is ahead of the index."""

    def __init__(self, client: Any, head: int) -> None:
        self._client, self._head = client, head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def block_number(self) -> int:
        return self._head

    def endpoints(self) -> tuple[EndpointStatus, ...]:
        return (
            EndpointStatus("http://one", True, True, self._head, 0, "", 7, 0),
            EndpointStatus("http://two", False, False, None, 0, "timed out", 3, 3),
        )


def page_of(services: Any) -> str:
    http = TestClient(create_app(services), base_url=BASE)
    http.post("/sign-in", data={"login": f"ada-{REGULATOR}", "password": "correct horse battery"})
    return http.get("/network").text


def repay(api: Api, story: Story) -> None:
    request = {"act": "repayment", "facility": story.facility, "instalment": 0}
    api.act({**request, "amount": {"minor": 1_204_319, "currency": "CNY"}}, BANK)


class Watching(CannedOracles):
    """Oracles of which one keeps two contradictions, and another hears a device no more."""

    def glances(self) -> tuple[OracleGlance, ...]:
        first, second, *others = super().glances()
        return (replace(first, faults=2), replace(second, silent_devices=1), *others)


def test_contradictions_and_silent_devices_are_headed_on_the_page_and_in_the_json(api: Api):
    services = replace(api.services, oracles=Watching())
    page = page_of(services)
    assert heading(page) == "3 things need attention"
    assert "keeps contradictions" in page
    assert "hears not all" in page
    headers = {"Authorization": f"Bearer {api.token(REGULATOR)}"}
    told = TestClient(create_app(services), base_url=BASE).get("/v1/network", headers=headers).json()["oracles"]
    assert [(each["silentDevices"], each["faults"]) for each in told] == [(0, 2), (1, 0), (0, 0), (None, None)]


@pytest.mark.parametrize(
    ("entity", "words"), [(BANK, "Oracles contradicted themselves 2 times"), (REGULATOR, "see Network")]
)
def test_a_contradiction_of_an_oracle_is_on_the_first_page_of_who_watches_the_network(
    api: Api, entity: int, words: str
):
    assert words in Browser(replace(api, services=replace(api.services, oracles=Watching())), entity).page("/")
    assert words not in Browser(api, entity).page("/")
