"""Oracles that lie and senders that attack: each refusal has its reason, and the others go on."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from ledger_node import canonical_json
from ledger_node.hexvalues import data_hex
from oracle import http_answers, http_peer, pull, refusals
from oracle.agreement import Fault
from oracle.fleets import FleetBundle, dump_bundle
from oracle.formats.fleet import make_fleet
from oracle.formats.reasons import Reason
from oracle.formats.report import Proposal
from oracle.formats.segment import Reading
from oracle.formats.signed import Checkpoint, sign_checkpoint
from oracle.hedging import Hedged
from oracle.http_answers import Problem, read_body
from oracle.http_peer import PeerClient, ask_address
from oracle.peers import PeerUnavailable, ReportPage
from oracle.pull import PullState
from tests.oracle.consortium_kit import Consortium, InProcessPeer
from tests.oracle.intake_kit import CONTEXT, DEVICE, KEY, PROFILE, RECORD, Oracle, following, open_oracle, serve, signed
from tests.oracle.judgement_kit import CONFIG, DAY, MINUTE, ORACLE_SIGNERS, observed, report, schema
from tests.oracle.test_pull import Pair, fill, pair
from tests.oracle.test_rounds import NOW, covenant_of, reported, scale

__all__ = ["pair"]
COSE = {"content-type": "application/cose"}


@contextmanager
def answering(handle: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on this machine that answers as it likes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                handle(self)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def dripping(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        request.wfile.write(b" ")
        time.sleep(0.05)


def packed(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.end_headers()


def redirecting(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://127.0.0.1:9/elsewhere")
    request.end_headers()


@pytest.mark.parametrize(
    ("handle", "answer_s", "cause"),
    [
        (endless, 60, "longer than"),
        (dripping, 0.3, "takes longer"),
        (packed, 60, "compressed"),
        (redirecting, 60, "status 302"),
    ],
)
def test_a_peer_that_answers_without_end_or_elsewhere_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, handle: Callable[[BaseHTTPRequestHandler], None], answer_s: float, cause: str
) -> None:
    monkeypatch.setattr(http_peer, "ANSWER_S", answer_s)
    with answering(handle) as url, httpx.Client(base_url=url, timeout=60) as client:
        peer = PeerClient(client, b"p" * 20, CONTEXT, ORACLE_SIGNERS[0], Standing())
        with pytest.raises(PeerUnavailable, match=cause):
            peer.ask("/v1/checkpoint", 100_000)
        assert ask_address(client) is None


class Standing:
    """A clock that stands."""

    def now_ms(self) -> int:
        return NOW


def test_a_log_that_claims_to_be_endless_is_read_bit_by_bit(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "PAGES", 2)
    monkeypatch.setattr(pull, "PAGE", 4)
    fill(pair.one, 10)
    note = sign_checkpoint(Checkpoint(pair.one.log.origin, 10**15, b"r" * 32), pair.one.key)
    liar = pair.answering("/v1/checkpoint", 200, note.encode())
    assert liar.pull().state is PullState.MORE
    assert pair.two.log.size() == 8
    assert pair.puller.pull().state is PullState.COMPLETE


def test_a_fleet_that_the_chain_does_not_hold_is_not_asked_for(pair: Pair) -> None:
    pair.one.log.append(signed(device=b"\x00\x00\x00\x09" + bytes(12)), pair.clock.ms, "unknown")
    asked: list[str] = []
    inner = serve(pair.one)

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        answer = inner.get(request.url.raw_path.decode(), headers=dict(request.headers))
        return httpx.Response(answer.status_code, content=answer.content)

    client = httpx.Client(transport=httpx.MockTransport(handle), base_url="http://peer")
    assert pair.pulling(client).pull().state is PullState.WAITING
    assert not any("fleets" in path for path in asked)


def test_a_peers_forged_fleet_is_not_taken(pair: Pair) -> None:
    fleet = make_fleet(9, 1, [])
    pair.chain.holds(make_fleet(9, 1, []))
    pair.chain.fleets[9] = pair.chain.fleets[7]
    pair.one.log.append(signed(device=b"\x00\x00\x00\x09" + bytes(12)), pair.clock.ms, "unknown")
    forged = pair.answering("/v1/fleets/9", 200, dump_bundle(FleetBundle(fleet, (PROFILE,))))
    assert forged.pull().state is PullState.WAITING
    assert pair.two.service.fleets.current(9) is None


# --- rounds -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def four(tmp_path: Path) -> Consortium:
    made = Consortium(tmp_path, NOW)
    made.add_covenant(covenant_of(schema()))
    return made


@dataclass
class Liar:
    """A peer that says what a test lets it say."""

    address: bytes
    page: ReportPage = field(default_factory=lambda: ReportPage(0, ()))
    asked: int = 0
    hold: threading.Event | None = None

    def reports(self, after: int) -> ReportPage:
        self.asked += 1
        return ReportPage(max(after + 1, self.page.next), self.page.reports)

    def propose(self, proposals: object) -> list[bytes | Fault]:
        self.asked += 1
        if self.hold is not None:
            self.hold.wait(30)
        raise PeerUnavailable("liar")

    def round(self, schema: bytes, slot: int) -> Proposal | None:
        return None


def test_reports_of_slots_that_never_come_are_kept_up_to_a_bound(
    four: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oracle.rounds.MOST_AHEAD", 5)
    reported(four)
    first, liar = four.oracles[0], ORACLE_SIGNERS[2]
    first.rounds.step()
    ahead = [report(2, observed(1, slot=DAY + minute * MINUTE)) for minute in range(100, 104)]
    assert first.rounds.hear(Liar(liar.address, ReportPage(4, tuple(ahead))))
    more = [report(2, observed(1, slot=DAY + minute * MINUTE)) for minute in range(200, 204)]
    assert not first.rounds.hear(Liar(liar.address, ReportPage(8, tuple(more))))
    assert first.store.peer_reports(liar.address) == 4


def test_a_peer_that_always_says_there_is_more_gives_no_work(four: Consortium) -> None:
    reported(four)
    four.oracles[0].rounds.step()
    assert not four.oracles[0].rounds.hear(Liar(ORACLE_SIGNERS[2].address))


def test_a_peer_cannot_report_for_another_oracle(four: Consortium) -> None:
    reported(four)
    four.oracles[0].rounds.step()
    page = ReportPage(1, (report(3, observed(1)),))
    assert not four.oracles[0].rounds.hear(Liar(ORACLE_SIGNERS[2].address, page))
    assert four.oracles[0].store.peer_reports(ORACLE_SIGNERS[3].address) == 0


def test_a_peer_that_never_answers_a_proposal_holds_up_no_round(four: Consortium) -> None:
    never = threading.Event()
    for oracle in four.oracles:
        oracle.rounds._hedged = Hedged(0.05, 5.0)
        held = Liar(four.oracles[3].address, hold=never)
        # In the list of the service the liar stands first, so that it is asked first.
        oracle.rounds._peers = [held, *(InProcessPeer(each) for each in oracle.others if each is not four.oracles[3])]
    four.oracles[3].silent = True
    four.hear(scale(4).stream)
    four.run(6000)
    never.set()
    assert len(four.chain.blocks) == 4


def test_a_leader_that_proposes_without_end_fills_nothing(four: Consortium) -> None:
    reported(four)
    signer, key = four.oracles[1], ORACLE_SIGNERS[0]
    for size in range(6):
        own = report(0, observed(100), size=size)
        others = [four.oracles[at].store.reports(schema().id, DAY)[four.oracles[at].address] for at in (1, 2)]
        made = Proposal(schema().id, DAY, 0, (own, *others)).signed(CONFIG, key)
        signer.rounds.answer([made])
    kept = signer.store.database.rows("SELECT root FROM proposals")
    assert (len(kept), len(signer.store.faults(100))) == (1, 1)


# --- intake -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path)


def test_the_same_segment_from_many_at_once_is_logged_once(oracle: Oracle) -> None:
    first = signed()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: oracle.service.accept(first.raw, "https"), range(24)))
    assert oracle.log.size() == 1
    assert len({getattr(each, "receipt", None) for each in outcomes}) == 1


def test_segments_in_any_order_are_taken_in_theirs_alone(oracle: Oracle) -> None:
    first = signed()
    second = following(first)
    oracle.clock.ms = second.content.t0_ms + 60_000
    for each in (second, first, second):
        oracle.service.accept(each.raw, "https")
    assert [entry.position.seq for entry in oracle.log.entries(0, 9)] == [1, 2]
    assert oracle.reasons() == [Reason.OUT_OF_SEQUENCE]


def test_a_device_that_signs_without_end_fills_no_disk(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_OF_DEVICE", 5)
    oracle.service.accept(signed().raw, "https")
    for value in range(12):
        oracle.service.accept(signed(readings=(Reading(0, 1, value),)).raw, "https")
    kept = oracle.quarantine.refused()
    assert len(kept) == 6
    assert {each.device for each in kept} == {DEVICE}
    held = oracle.quarantine.equivocation(DEVICE, KEY.public.kid)
    assert held is not None
    assert oracle.quarantine.body(kept[0].digest) == signed(readings=(Reading(0, 1, 0),)).raw
    assert RECORD.kid == held.kid


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_answers, "BODY_S", 0.05)

    async def receive() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(Problem, match="must come in within") as refused:
        asyncio.run(read_body(request, 1 << 20))
    assert refused.value.code == "too_slow"


def test_a_header_that_is_no_host_breaks_nothing(oracle: Oracle) -> None:
    headers = {"host": "[bad", "authorization": "CLR-Oracle time=1, signature=0x" + "00" * 64}
    answer = serve(oracle).get("/v1/entries?from=0", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_granted")


def test_what_a_liar_says_of_an_entry_is_not_used(pair: Pair) -> None:
    fill(pair.one, 1)
    entry = pair.one.log.entry(0)
    shown = {"leaf": data_hex(entry.leaf), "salt": "0x", "arrivedMs": 0, "segment": "0x"}
    with pytest.raises(PeerUnavailable, match="entries"):
        pair.answering("/v1/entries", 200, canonical_json.dumps({"from": 0, "entries": [shown]})).pull()
