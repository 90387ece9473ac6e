"""What the API says of being ready, who reads its figures, and that the page of figures has all that are exposed."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import create_engine
from starlette.applications import Starlette

from api.app import create_app
from ledger_node.embedded.launch import prepare, start
from ledger_node.monitoring import Monitor, Readiness, Scrapers
from oracle.app import Status
from oracle.database import Database
from oracle.log import Log
from oracle.peers import Peer
from oracle.refusals import Quarantine
from oracle.slots import SlotKeeper
from oracle.store import FaultSeen, Store
from oracle.telling import figures_of
from registry.index.indexer import Progress
from registry.index.queries import Index
from registry.index.run import Status as IndexStatus
from registry.index.run import _application as indexer_application
from registry.index.tables import metadata
from registry.index.writer import Position
from tests.api.app_kit import BASE, Api
from tests.api.seed import BANK, REGULATOR
from tests.api.story import Story
from tests.api.test_network import repay
from tests.oracle.intake_kit import Oracle, open_oracle

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "metrics.md"
HERE, ELSEWHERE = ("127.0.0.1", 50_000), ("192.0.2.7", 50_000)
LOCAL = "http://127.0.0.1:8450"


def names(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The families of a text: type and names of labels."""
    return {
        family.name: (family.type, frozenset().union(*(each.labels for each in family.samples)) - {"le"})
        for family in text_string_to_metric_families(text)
    }


def scraped(app: Starlette) -> str:
    answer = TestClient(app, base_url=LOCAL, client=HERE).get("/metrics")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("entity", [BANK, REGULATOR])
def test_a_token_of_the_interface_opens_no_figures(api: Api, entity: int):
    http = TestClient(create_app(api.services), base_url=BASE, client=ELSEWHERE)
    assert http.get("/metrics", headers={"Authorization": f"Bearer {api.token(entity)}"}).status_code == 403


def test_behind_a_public_address_figures_need_the_token(api: Api):
    app = create_app(api.services, allowed=Scrapers(b"x" * 32))
    http = TestClient(app, base_url=LOCAL, client=HERE)
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", headers={"Authorization": "Bearer " + "x" * 32}).status_code == 200


def test_an_api_whose_index_cannot_be_read_lives_and_says_why_it_is_not_ready(api: Api, tmp_path: Path):
    empty = create_engine(f"sqlite:///{tmp_path}/empty.db")
    http = TestClient(create_app(replace(api.services, index=Index(empty))))
    answer = http.get("/ready")
    assert (answer.status_code, answer.json()["cause"]) == (503, "the index's database cannot be read")
    metadata.create_all(empty)
    assert http.get("/ready").json()["cause"] == "the index has no block yet"
    assert http.get("/live").status_code == 200
    assert api.http.get("/ready").json() == {"ready": True, "cause": None, "block": api.services.index.head().number}


def test_an_indexer_says_how_far_it_is_and_why_it_waits():
    status = IndexStatus()
    http = TestClient(indexer_application(status))
    polls = {"heads": "polling"}
    assert http.get("/ready").json() == {"ready": False, "cause": "has not begun", "block": None, "head": None, **polls}
    status.hear(Progress(Position(10, b""), 100))
    answer = http.get("/ready")
    assert answer.json() == {
        "ready": False, "cause": "more than 5 blocks behind the node", "block": 10, "head": 100, **polls,
        "percent": 10, "blocksPerSecond": None, "secondsLeft": None,
    }  # fmt: skip
    status.hear(Progress(Position(100, b""), 100))
    assert (status.reorgs, status.deepest) == (0, 0)
    status.hear(Progress(Position(97, b""), 101))
    status.hear(Progress(Position(101, b""), 101))
    assert (status.reorgs, status.deepest) == (1, 3)
    assert http.get("/ready").status_code == 200
    assert "cangdan_index_lag_blocks 0.0" in scraped(indexer_application(status))


def test_no_figure_names_a_person_a_member_or_a_record(api: Api):
    app = create_app(api.services)
    http = TestClient(app, base_url=LOCAL, client=HERE)
    for path in ("/v1/receipts/canary", "/sign-in?next=canary", "/static/canary.css", "/canary"):
        http.get(path, headers={"Authorization": f"Bearer {api.token(BANK)}"})
    text = http.get("/metrics").text
    assert "canary" not in text
    assert 'route="/v1/receipts/{receipt_id}"' in text
    for path in ("/metrics", "/live", "/ready"):
        assert f'route="{path}"' not in text


@dataclass
class Watched:
    """The parts of an oracle that its figures are read of."""

    database: Database
    log: Log
    store: Store
    quarantine: Quarantine
    clock: object
    peers: list[Peer]
    rounds: Any
    slots: SlotKeeper

    def status(self) -> Status:
        return Status(self.log.size(), 0, 0, 0, 1, idle=True)


def oracle_text(oracle: Oracle) -> str:
    store = Store(oracle.database, oracle.log)
    rounds = SimpleNamespace(schemas={})
    slots = SlotKeeper(oracle.database, oracle.log, lambda _: 0, store, b"o" * 20)
    watched = Watched(oracle.database, oracle.log, store, oracle.quarantine, oracle.clock, [], rounds, slots)
    store.add_fault(FaultSeen(b"p" * 20, b"s" * 32, 0, 0, "EQUIVOCATION", b"1" * 32, b"2" * 32, 1000))
    oracle.database.rows("INSERT INTO peers VALUES (?, 3, ?, 'note', 1000, NULL, NULL)", (b"p" * 20, b""))
    monitor = Monitor(lambda: Readiness(True), lambda: figures_of(watched))
    monitor.requests.labels("GET", "/v1/status", "200").inc()
    monitor.seconds.labels("GET", "/v1/status").observe(0.1)
    return scraped(Starlette(routes=monitor.routes()))


def ledger_text(directory: Path) -> str:
    prepare(directory)
    ledger = start(directory)
    try:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        assert httpx.post(ledger.http, json=ask, timeout=30).status_code == 200
        return httpx.get(f"{ledger.http}/metrics", timeout=30).text
    finally:
        ledger.stop()


def test_the_page_has_each_figure_of_each_process_with_its_type_and_labels(api: Api, story: Story, tmp_path: Path):
    status = IndexStatus()
    status.hear(Progress(Position(1, b""), 1))
    app = create_app(api.services)
    TestClient(app, base_url=LOCAL).get("/v1/receipts")
    repay(api, story)
    texts = [scraped(app), scraped(indexer_application(status)), ledger_text(tmp_path / "ledger")]
    texts.append(oracle_text(open_oracle(tmp_path)))
    found = {name: of for text in texts for name, of in names(text).items()}
    told = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| (cangdan_\w+) \| (\w+) \| ([\w, ]*)\|", line)
        if row:
            told[row[1]] = (row[2], frozenset(filter(None, row[3].strip().split(", "))))
        elif line.startswith("| process_"):
            own = line.split("|")[1].split(",")
            assert {each.strip() for each in own} == {name for name in found if name.startswith("process_")}
    assert told == {name: of for name, of in found.items() if name.startswith("cangdan_")}
