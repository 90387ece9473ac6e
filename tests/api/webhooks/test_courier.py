"""What webhooks are told: what they must not be first, then once each, signed, and again until it is taken."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook as Signature
from standardwebhooks.webhooks import WebhookVerificationError

from api.app import create_app
from api.founding.certificates import certify
from api.members import Members, MembersFile
from api.records.events import EVENTS
from api.webhooks import courier as couriers
from api.webhooks.courier import Courier, courier_of
from api.webhooks.deliveries import LEASE_MS
from api.webhooks.posting import Message, Post, trusted
from api.webhooks.schedule import WAITS, next_wait
from api.webhooks.targets import Policy
from ledger_node import abi
from oracle.clock import SystemClock
from oracle.settings import OracleSection, TlsSection
from registry.state import RECORDS
from tests.api.app_kit import NAMES, Api, start
from tests.api.contents import CANARY, CANARY_AMOUNT
from tests.api.seed import BANK, INSURER, KEEPER, OTHER_BANK, OTHER_KEEPER, OWNER, REGULATOR
from tests.api.story import Story
from tests.api.webhooks.receiver import Receiver, receiving


def register(api: Api, entity: int, receiver: Receiver, **more: object) -> tuple[str, str]:
    answer = api.post(entity, "/v1/webhooks", {"url": receiver.url, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["webhook"]["id"], answer.json()["secret"]


def repay(api: Api, story: Story) -> None:
    request = {"act": "repayment", "facility": story.facility, "instalment": 0}
    api.act({**request, "amount": {"minor": 1_204_319, "currency": "CNY"}}, BANK)


def tell(api: Api, courier: Courier | None = None) -> None:
    """Look, queue, send all that is due, wait for the answers."""
    made = courier or courier_of(api.services)

    async def work() -> None:
        for _ in range(4):
            await made.step()
            await made.idle()

    asyncio.run(work())


def log(api: Api, entity: int, webhook: str) -> list[dict]:
    return api.get(entity, f"/v1/webhooks/{webhook}/deliveries").json()["items"]


def test_who_does_not_see_a_record_is_told_nothing_of_it(hooked: Api, story: Story, receiver: Receiver):
    made = {each: register(hooked, each, receiver)[0] for each in (BANK, OWNER, INSURER, KEEPER, OTHER_BANK, REGULATOR)}
    repay(hooked, story)
    courier_of(hooked.services).queue()
    told = {entity for entity, id_ in made.items() if log(hooked, entity, id_)}
    assert told == {BANK, OWNER, INSURER, KEEPER, REGULATOR}


def test_nothing_is_told_before_its_block_is_final(hooked: Api, story: Story, receiver: Receiver):
    id_, _ = register(hooked, BANK, receiver)
    courier = courier_of(hooked.services)
    courier.finality = hooked.indexer._finality = 1
    repay(hooked, story)
    tell(hooked, courier)
    assert (receiver.got, log(hooked, BANK, id_)) == ([], [])
    repay_block = hooked.services.index.head().number
    hooked.chain.consortium.act("operator", "ReviewBoard", "setPanel", 9, 1, [BANK])
    hooked.catch_up()
    tell(hooked, courier)
    assert [json.loads(body)["data"]["block"]["number"] for _, body in receiver.got] == [repay_block]


def test_what_was_final_is_told_when_fewer_blocks_stand_on_it(hooked: Api, story: Story, receiver: Receiver):
    register(hooked, BANK, receiver)
    repay(hooked, story)
    courier = courier_of(hooked.services)
    courier.finality = 1
    tell(hooked, courier)
    assert len(receiver.got) == 1


def test_a_message_has_neither_names_nor_amounts_nor_documents(hooked: Api, story: Story, receiver: Receiver):
    register(hooked, BANK, receiver)
    repay(hooked, story)
    tell(hooked)
    [(_, body)] = receiver.got
    for secret in (CANARY, str(CANARY_AMOUNT), "1204319", NAMES[OWNER][0], NAMES[BANK][0]):
        assert secret not in body


def test_no_secret_is_in_the_database_or_the_log(
    hooked: Api, story: Story, receiver: Receiver, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("DEBUG")
    _, secret = register(hooked, BANK, receiver)
    repay(hooked, story)
    tell(hooked)
    assert receiver.got
    hooked.services.engine.dispose()
    kept = b"".join(path.read_bytes() for path in (hooked.folder / "api").glob("api.db*"))
    assert secret.encode() not in kept
    assert secret not in caplog.text
    assert "canary-in-url" not in caplog.text


def test_what_happened_is_told_once_signed_and_leads_to_the_record(hooked: Api, story: Story, receiver: Receiver):
    id_, secret = register(hooked, BANK, receiver)
    repay(hooked, story)
    tell(hooked)
    tell(hooked)
    [(headers, body)] = receiver.got
    message = json.loads(body)
    assert (message["type"], message["data"]["record"]) == (
        "facility.repay",
        {"kind": "facility", "id": story.facility},
    )
    assert hooked.get(BANK, message["data"]["link"]).status_code == 200
    assert message["data"]["block"]["final"] is True
    [delivery] = log(hooked, BANK, id_)
    assert (delivery["id"], delivery["state"], delivery["attempts"]) == (headers["webhook-id"], "delivered", 1)
    with pytest.raises(WebhookVerificationError, match="too old|too new"):
        Signature(secret).verify(body, headers)


def test_a_receiver_verifies_with_the_standard_library(receiver: Receiver):
    secret, other = "whsec_" + "A" * 43 + "=", "whsec_" + "B" * 43 + "="
    post = Post(Policy(loopback_http=True), 30, trusted(None))
    sent = asyncio.run(post.send(receiver.url, Message("msg_1", '{"a":"仓"}', [secret]), SystemClock().now_ms()))
    [(headers, body)] = receiver.got
    assert sent.succeeded
    assert Signature(secret).verify(body, headers) == {"a": "仓"}
    for changed in ({**headers, "webhook-id": "msg_2"}, {**headers, "webhook-timestamp": "1"}):
        with pytest.raises(WebhookVerificationError):
            Signature(secret).verify(body, changed)
    with pytest.raises(WebhookVerificationError):
        Signature(other).verify(body, headers)


def test_a_renewed_secret_signs_at_once_and_the_old_one_for_a_day_more(hooked: Api, story: Story, receiver: Receiver):
    id_, old = register(hooked, BANK, receiver)
    tag = hooked.get(BANK, f"/v1/webhooks/{id_}").headers["etag"]
    renewed = hooked.http.post(f"/v1/webhooks/{id_}/secret", headers={**hooked.headers(BANK), "If-Match": tag})
    new = renewed.json()["secret"]
    webhook = hooked.services.webhooks.endpoints.get(id_)
    now = hooked.clock.now_ms()
    assert new != old
    assert hooked.services.webhooks.endpoints.signing_secrets(webhook, now) == [new, old]
    assert hooked.services.webhooks.endpoints.signing_secrets(webhook, now + 24 * 3600 * 1000) == [new]


def test_a_refused_message_is_sent_again_under_its_identifier_until_it_is_taken(
    hooked: Api, story: Story, receiver: Receiver
):
    id_, _ = register(hooked, BANK, receiver)
    repay(hooked, story)
    receiver.answer(500, 302, 200, location="http://127.0.0.1:1/elsewhere")
    tell(hooked)
    assert log(hooked, BANK, id_)[0]["state"] == "waiting"
    tell(hooked)
    assert len(receiver.got) == 1
    for wait in WAITS[:2]:
        hooked.clock.forward(wait * 1.2)
        tell(hooked)
    assert (len(receiver.got), len(set(receiver.ids))) == (3, 1)
    told = hooked.get(BANK, f"/v1/webhooks/{id_}/deliveries/{receiver.ids[0]}").json()
    assert (told["state"], [each["status"] for each in told["log"]]) == ("delivered", [500, 302, 200])


def test_a_receiver_that_does_not_answer_in_time_is_left(hooked: Api, receiver: Receiver):
    receiver.held.clear()
    post = replace(courier_of(hooked.services).post, timeout=0.3)
    sent = asyncio.run(post.send(receiver.url, Message("msg_1", "{}", ["whsec_QUJD"]), 0))
    assert (sent.status, sent.cause) == (None, "timeout")


@pytest.mark.parametrize(
    ("url", "cause"),
    [("https://127.0.0.1:{port}/", "tls-failed"), ("http://127.0.0.1:1/", "not-reached"),
     ("https://nowhere.invalid/", "unknown-host")],
)  # fmt: skip
def test_why_nobody_answered_is_told_by_name(receiver: Receiver, url: str, cause: str):
    post = Post(Policy(loopback_http=True), 30, trusted(None))
    sent = asyncio.run(post.send(url.format(port=receiver.port), Message("msg_1", "{}", ["whsec_QUJD"]), 0))
    assert (sent.status, sent.cause, receiver.got) == (None, cause, [])


@pytest.mark.parametrize(("named", "status"), [("localhost", 204), ("other.example", None)])
def test_the_certificate_must_be_of_the_name_though_the_address_was_looked_up_before(
    tmp_path: Path, named: str, status: int | None
):
    section = TlsSection(authority_file=tmp_path / "ca.pem", authority_key_file=tmp_path / "ca.key")
    files = {"tls_certificate_file": tmp_path / "a.pem", "tls_key_file": tmp_path / "a.key"}
    certify(section, [OracleSection(name="a", port=1, url=f"https://{named}", host="127.0.0.2", **files)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["tls_certificate_file"], files["tls_key_file"])
    post = Post(Policy(loopback_http=True), 30, trusted(section.authority_file))
    with receiving(context) as receiver:
        url = f"https://localhost:{receiver.port}/"
        sent = asyncio.run(post.send(url, Message("msg_1", "{}", ["whsec_QUJD"]), 0))
    assert (sent.status, sent.cause) == (status, "" if status else "tls-failed")


def test_a_name_that_leads_inside_is_refused_when_it_is_sent_to(receiver: Receiver, monkeypatch: pytest.MonkeyPatch):
    async def inside(*_: object, **__: object) -> list[object]:
        return [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("127.0.0.1", receiver.port))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", inside)
    sent = asyncio.run(
        Post(Policy(), 30, trusted(None)).send("https://rebound.example/", Message("msg_1", "{}", ["whsec_QUJD"]), 0)
    )
    assert (sent.cause, receiver.got) == ("address-refused", [])


def test_what_a_killed_process_had_taken_up_is_sent_by_the_next(hooked: Api, story: Story, receiver: Receiver):
    register(hooked, BANK, receiver)
    repay(hooked, story)
    courier_of(hooked.services).queue()
    [taken] = hooked.services.webhooks.deliveries.claim(hooked.clock.now_ms(), [], 8)
    hooked.outboxes.stop()
    again = start(hooked.folder, hooked.chain, webhooks=hooked.services.section.webhooks)
    tell(again)
    assert receiver.got == []
    again.clock.forward(LEASE_MS / 1000)
    tell(again)
    assert receiver.ids == [taken.id]
    again.outboxes.stop()


def test_two_processes_send_each_message_once(hooked: Api, story: Story, receiver: Receiver):
    id_, _ = register(hooked, BANK, receiver)
    repay(hooked, story)
    first, second = courier_of(hooked.services), courier_of(hooked.services)

    async def both() -> None:
        await asyncio.gather(*(each.step() for each in (first, second)))
        await asyncio.gather(first.idle(), second.idle())

    asyncio.run(both())
    tell(hooked, second)
    assert (len(receiver.got), len(log(hooked, BANK, id_))) == (1, 1)


def test_one_slow_receiver_holds_up_no_other(hooked: Api, story: Story, receiver: Receiver):
    register(hooked, BANK, receiver, events=["facility.repay"])
    slow = hooked.post(OWNER, "/v1/webhooks", {"url": "http://127.0.0.1:1/", "events": ["facility.repay"]}).json()
    repay(hooked, story)
    tell(hooked)
    assert len(receiver.got) == 1
    assert log(hooked, OWNER, slow["webhook"]["id"])[0]["state"] == "waiting"


def test_a_receiver_that_is_gone_or_fails_for_days_is_disabled_and_loses_nothing(
    hooked: Api, story: Story, receiver: Receiver
):
    id_, _ = register(hooked, BANK, receiver)
    other, _ = register(hooked, BANK, receiver)
    repay(hooked, story)
    receiver.answer(410, 500)
    tell(hooked)
    views = hooked.get(BANK, "/v1/webhooks").json()["items"]
    gone = next(each for each in views if each["state"] == "disabled")
    assert "410" in gone["cause"]
    failing = other if gone["id"] == id_ else id_
    for _ in range(8):
        hooked.clock.forward(26 * 3600)
        tell(hooked)
    view = hooked.get(BANK, f"/v1/webhooks/{failing}")
    assert (view.json()["state"], view.json()["cause"]) == ("disabled", "every attempt failed for too long")
    receiver.answer(200)
    headers = {"Authorization": f"Bearer {hooked.token(BANK)}", "If-Match": view.headers["etag"]}
    assert hooked.http.patch(f"/v1/webhooks/{failing}", json={"state": "on"}, headers=headers).json()["cause"] is None
    hooked.clock.forward(26 * 3600)
    tell(hooked)
    assert [each["state"] for each in log(hooked, BANK, failing)] == ["delivered"]


def test_it_tells_beside_the_application_and_goes_on_after_a_fault(
    hooked: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(couriers, "_PAUSE_SECONDS", 0.05)
    courier = courier_of(hooked.services)
    queue, faults = courier.queue, [RuntimeError("no such webhook")]

    def failing_once() -> None:
        if faults:
            raise faults.pop()
        queue()

    monkeypatch.setattr(Courier, "queue", lambda self: failing_once())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with courier.beside():
            yield

    id_, _ = register(hooked, BANK, receiver)
    hooked.post(BANK, f"/v1/webhooks/{id_}/test", {})
    until = time.monotonic() + 30
    with TestClient(create_app(hooked.services, lifespan)):
        while time.monotonic() < until and not receiver.got:
            time.sleep(0.02)
    assert (len(receiver.got), faults) == (1, [])
    [line] = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert line.startswith("stopped for a minute: RuntimeError: no such webhook at test_courier.py:")


def test_waits_grow_end_and_heed_the_receiver():
    waits = [next_wait("msg_1", tries, None) for tries in range(1, len(WAITS) + 2)]
    assert waits[-1] is None
    assert all(wait * 1000 <= made <= wait * 1100 for wait, made in zip(WAITS, waits[:-1], strict=True))
    assert next_wait("msg_1", 1, 3600) >= 3_600_000
    assert next_wait("msg_1", 1, 10**6) <= 1.1 * 86_400_000


def test_the_catalogue_names_every_act_of_the_contracts():
    acts = {
        f"{kind.value}.{name.lower().replace('_', '-')}"
        for contract, kind in RECORDS.items()
        for name, _ in abi.ACTS[contract.value].values()
    }
    facts = {"round.anchor", "rule.fire", "breaker.trip", "oracles.set", "panel.set", "transaction.refused"}
    assert acts | facts == set(EVENTS)


def test_a_member_that_is_served_no_more_is_told_nothing(hooked: Api, story: Story, receiver: Receiver):
    register(hooked, OTHER_KEEPER, receiver)
    courier = courier_of(hooked.services)
    courier.members = lambda: Members(MembersFile(), hooked.folder)
    repay(hooked, story)
    tell(hooked, courier)
    assert receiver.got == []
