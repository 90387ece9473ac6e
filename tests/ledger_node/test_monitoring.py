"""Who may read a process' figures, and what it says of being alive and ready."""

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from ledger_node.figures import Kind
from ledger_node.monitoring import NEARBY, Counted, MetricsError, MetricsSection, Monitor, Readiness, Scrapers, scrapers

TOKEN = "a-token-of-thirty-two-characters!"
HERE = ("127.0.0.1", 50_000)
DEPTH = Kind("test_depth", "How deep it is.", ("place",))


def monitor(allowed: Scrapers | None = None, cause: str | None = None) -> Monitor:
    return Monitor(
        lambda: Readiness(cause is None, cause, {"block": 7}), lambda: [DEPTH.is_(3, "sea")], allowed or NEARBY
    )


def served(watched: Monitor, client: tuple[str, int] = HERE, base: str = "http://127.0.0.1:8450") -> TestClient:
    def named(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["name"])

    def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError(request.url.path)

    files = Mount("/files", Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("file"))]))
    routes = [*watched.routes(), Route("/v1/devices/{name}/last", named), Route("/broken", broken), files]
    app = Starlette(routes=routes, middleware=[Middleware(Counted, monitor=watched)])
    return TestClient(app, base_url=base, client=client, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("client", "base", "headers"),
    [
        (("192.0.2.7", 50_000), "http://127.0.0.1:8450", {}),
        (HERE, "http://console.example", {}),
        (HERE, "http://127.0.0.1:8450", {"X-Forwarded-For": "192.0.2.7"}),
        (HERE, "http://127.0.0.1:8450", {"Forwarded": "for=192.0.2.7"}),
        (HERE, "http://127.0.0.1:8450", {"Host": "[::1"}),
        (HERE, "http://127.0.0.1:8450", {"Host": ""}),
    ],
)
def test_without_a_token_nobody_but_this_machine_reads_figures(client, base, headers) -> None:
    assert served(monitor(), client, base).get("/metrics", headers=headers).status_code == 403


def test_a_process_that_others_reach_shows_nothing_without_a_token() -> None:
    allowed = scrapers(MetricsSection(), "https://console.example")
    assert served(monitor(allowed)).get("/metrics").status_code == 403


@pytest.mark.parametrize("sent", [None, "", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", "Bearer ", f"Bearer {TOKEN} "])
def test_with_a_token_file_each_scrape_needs_the_token(tmp_path: Path, sent: str | None) -> None:
    allowed = Scrapers(TOKEN.encode())
    headers = {} if sent is None else {"Authorization": sent}
    if sent is not None and sent.endswith(" ") and TOKEN in sent:
        headers = {"Authorization": sent.strip() + "x"}
    answer = served(monitor(allowed)).get("/metrics", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("text", ["", "short", "x" * 31, f"two words {TOKEN}", "ключ" * 10])
def test_a_token_file_that_cannot_be_used_is_refused_by_field_and_its_text_not_repeated(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(MetricsError, match="metrics.token_file: ") as refused:
        scrapers(MetricsSection(token_file=file), "http://127.0.0.1:1")
    assert not text or text not in str(refused.value)


def test_a_token_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MetricsError, match="metrics.token_file: No such file"):
        scrapers(MetricsSection(token_file=tmp_path / "none"), "http://127.0.0.1:1")


def test_the_token_of_the_file_opens_the_figures_from_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="ascii")
    allowed = scrapers(MetricsSection(token_file=file), "https://console.example")
    client = served(monitor(allowed), ("192.0.2.7", 1), "https://console.example")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert TOKEN not in repr(allowed)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8450", "http://localhost:8450", "http://[::1]:8450"])
def test_this_machine_reads_figures_as_openmetrics(base: str) -> None:
    answer = served(monitor(), base=base).get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = {each.name: each for each in text_string_to_metric_families(answer.text)}
    assert [(each.labels, each.value) for each in found["cangdan_test_depth"].samples] == [({"place": "sea"}, 3.0)]
    assert found["cangdan_ready"].samples[0].value == 1.0
    assert "process_resident_memory_bytes" in found


def test_one_that_is_not_ready_says_the_cause_and_lives() -> None:
    client = served(monitor(cause="the node does not answer"))
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "cause": "the node does not answer", "block": 7}
    assert client.get("/live").json() == {"live": True}
    assert "cangdan_ready 0.0" in client.get("/metrics").text


def test_requests_are_counted_by_the_pattern_of_their_path_and_never_by_what_they_name() -> None:
    watched = monitor()
    client = served(watched)
    for path in ("/v1/devices/canary/last", "/v1/devices/v1/last", "/nowhere/canary", "/files/canary/a", "/broken"):
        client.get(path)
    client.request("CANARY", "/nowhere")
    client.get("/live")
    text = client.get("/metrics").text
    assert "canary" not in text.lower()
    counted = {
        (each.labels["method"], each.labels["route"], each.labels["status"]): each.value
        for family in text_string_to_metric_families(text)
        if family.name == "cangdan_http_requests"
        for each in family.samples
        if each.name.endswith("_total")
    }
    assert counted == {
        ("GET", "/v1/devices/{name}/last", "200"): 2,
        ("GET", "-", "404"): 1,
        ("other", "-", "404"): 1,
        ("GET", "/files", "200"): 1,
        ("GET", "/broken", "500"): 1,
    }
