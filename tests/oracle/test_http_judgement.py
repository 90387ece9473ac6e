"""The judgement over HTTP: who may not read, what is refused by code, and that oracles understand each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ledger_node import canonical_json
from ledger_node.keys import LocalSigner
from ledger_node.merkle import leaf_hash, verify_padded
from ledger_node.signing import Signer
from oracle.access import Access
from oracle.agreement import Fault
from oracle.chain import FacilityRoots
from oracle.covenants import Covenants
from oracle.figures import Figures
from oracle.formats import covenant as covenants
from oracle.formats.entry import entry_leaf
from oracle.formats.requests import Scheme, sign_request
from oracle.http_judgement import Judgement, judgement_routes, place_of
from oracle.http_peer import HttpPeer, PeerClient, ask_address
from oracle.peers import PeerUnavailable
from tests.oracle.consortium_kit import CREDIT_DOMAIN, Consortium, Oracle
from tests.oracle.judgement_kit import CONTEXT, DAY, DAY_MS, MINUTE, ORACLE_SIGNERS, schema
from tests.oracle.test_execution import ALONE, COVENANT, FACILITY, MASS_SCHEMA, Yard
from tests.oracle.test_rounds import NOW, covenant_of, proposal_of, reported

LENDER, STRANGER, NOBODY = LocalSigner(b"\x21" * 32), LocalSigner(b"\x22" * 32), LocalSigner(b"\x23" * 32)
URL = "https://oracle-1"
SCHEMA = "0x" + MASS_SCHEMA.id.hex()


def served(oracle: Oracle) -> TestClient:
    """One oracle's routes."""
    covenants_ = Covenants(oracle.chain, oracle.store, oracle.rounds.learn)
    figures = Figures(oracle.database, oracle.log, oracle.store, oracle.anchored, oracle.firings, oracle.clock)
    access = Access(oracle.log.origin, oracle.chain, oracle.clock)
    place = place_of(oracle.signer, oracle.log.origin, URL)
    judgement = Judgement(place, oracle.store, oracle.rounds, covenants_, figures, access)
    return TestClient(FastAPI(routes=[*judgement_routes(judgement)]), base_url=URL)


class Desk:
    """A yard whose weight falls, and clients of its first oracle."""

    def __init__(self, directory: Path) -> None:
        self.yard = Yard(directory)
        self.yard.four.chain.entities = {LENDER.address: COVENANT.lender, STRANGER.address: 99}
        self.yard.minutes(24_560, *[20_000] * 5)
        self.yard.ends()
        self.oracle = self.yard.four.oracles[0]
        self.client = served(self.oracle)

    def get(self, target: str, signer: Signer | None = LENDER, scheme: Scheme = Scheme.ACCOUNT) -> Any:
        """Status and JSON of a signed GET."""
        headers = {}
        if signer is not None:
            now = self.oracle.clock.now_ms()
            headers = {"Authorization": sign_request(signer, scheme, self.oracle.log.origin, target, now)}
        answer = self.client.get(target, headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


PROTECTED = [
    f"/v1/covenants/0x{FACILITY.hex()}",
    f"/v1/firings/0x{FACILITY.hex()}",
    f"/v1/rounds/{SCHEMA}/{DAY}",
    f"/v1/observations?schema={SCHEMA}",
    f"/v1/segments?device=0x{MASS_SCHEMA.members[0].device.hex()}",
    f"/v1/devices/0x{MASS_SCHEMA.members[0].device.hex()}/state",
]


@pytest.mark.parametrize("target", [*PROTECTED, "/v1/reports", f"/v1/proposals/{SCHEMA}/{DAY}"])
def test_nothing_protected_is_read_without_a_signature(desk: Desk, target: str) -> None:
    status, told = desk.get(target, None)
    assert (status, told["code"]) == (403, "not_granted")


@pytest.mark.parametrize("target", PROTECTED)
def test_an_entity_that_is_no_party_learns_not_even_that_it_exists(desk: Desk, target: str) -> None:
    status, told = desk.get(target, STRANGER)
    assert (status, told["code"]) == (404, "not_found")


@pytest.mark.parametrize("target", PROTECTED)
def test_an_account_of_no_entity_reads_nothing(desk: Desk, target: str) -> None:
    assert desk.get(target, NOBODY)[0] == 403


@pytest.mark.parametrize("target", ["/v1/reports", f"/v1/proposals/{SCHEMA}/{DAY}"])
def test_what_oracles_tell_each_other_is_for_oracles(desk: Desk, target: str) -> None:
    assert desk.get(target, LENDER)[0] == 403


def test_nobody_is_told_of_silent_devices_that_are_neither_its_own_nor_of_a_covenant_that_it_reads(desk: Desk) -> None:
    assert desk.get("/v1/silent", STRANGER) == (200, {"devices": []})
    assert desk.get("/v1/silent", NOBODY)[0] == 403


def test_lender_and_owner_of_a_fleet_are_told_which_devices_are_silent(desk: Desk) -> None:
    chain, clock, before = desk.yard.four.chain, desk.oracle.clock, desk.oracle.clock.time_ms
    keeper = LocalSigner(b"\x24" * 32)
    chain.entities[keeper.address] = MASS_SCHEMA.fleet_entity
    device = MASS_SCHEMA.members[0].device
    heard = desk.oracle.log.arrived_ms(device)
    clock.time_ms += 2 * DAY_MS
    answers = [desk.get("/v1/silent", each)[1] for each in (LENDER, keeper)]
    clock.time_ms = before
    for told in answers:
        assert {"device": "0x" + device.hex(), "lastSeenMs": heard} in told["devices"]


def test_a_signature_for_another_target_counts_for_nothing(desk: Desk) -> None:
    now, origin = desk.oracle.clock.now_ms(), desk.oracle.log.origin
    header = sign_request(LENDER, Scheme.ACCOUNT, origin, PROTECTED[0], now)
    assert desk.client.get(PROTECTED[1], headers={"Authorization": header}).status_code == 403


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"/v1/rounds/{SCHEMA}/later", "invalid_parameter"),
        ("/v1/rounds/0x12/5", "invalid_parameter"),
        (f"/v1/observations?schema={SCHEMA}&from=-1", "invalid_parameter"),
        (f"/v1/rounds/{SCHEMA}/{DAY + 1}", "not_found"),
    ],
)
def test_a_bad_question_is_refused_by_code(desk: Desk, target: str, code: str) -> None:
    assert desk.get(target)[1]["code"] == code


def test_a_covenant_of_no_facility_is_refused(desk: Desk) -> None:
    body = covenant_of(MASS_SCHEMA, rules=(replace(ALONE, index=0),)).encoded
    answer = desk.client.post("/v1/covenants", content=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "facility_unknown")


def test_a_covenant_under_other_roots_is_refused(desk: Desk) -> None:
    covenant = covenant_of(MASS_SCHEMA, rules=(replace(ALONE, index=0, salt=b"9" * 32),))
    chain = desk.yard.four.chain
    chain.facilities[covenant.facility(CREDIT_DOMAIN)] = FacilityRoots(True, b"x" * 32, covenant.schedule_tree.root)
    answer = desk.client.post("/v1/covenants", content=covenant.encoded)
    assert (answer.status_code, answer.json()["code"]) == (409, "roots_differ")


def test_a_covenant_that_breaks_its_format_is_refused_by_field(desk: Desk) -> None:
    answer = desk.client.post("/v1/covenants", content=b'{"format":"cangdan/covenant/1"}')
    assert (answer.status_code, answer.json()["detail"]) == (422, "covenant.facility: is missing")


def test_a_covenant_is_taken_once(desk: Desk) -> None:
    answer = desk.client.post("/v1/covenants", content=COVENANT.encoded)
    assert (answer.status_code, answer.json()["facility"]) == (200, "0x" + FACILITY.hex())


def test_a_party_reads_the_covenant(desk: Desk) -> None:
    status, told = desk.get(PROTECTED[0])
    assert status == 200
    assert covenants.from_json(told) == COVENANT


def test_a_round_is_shown_with_leaves_that_prove_themselves(desk: Desk) -> None:
    status, told = desk.get(f"/v1/rounds/{SCHEMA}/{DAY + MINUTE}")
    assert status == 200
    root = desk.yard.four.chain.roots[MASS_SCHEMA.id, DAY + MINUTE]
    assert told["root"] == "0x" + root.hex()
    for index, leaf in enumerate(told["leaves"]):
        data, proof = bytes.fromhex(leaf["data"][2:]), [bytes.fromhex(each[2:]) for each in leaf["proof"]]
        assert verify_padded(leaf_hash(data), index, proof, root)
    assert told["observations"][0]["value"] == "20000"


def test_observations_are_those_of_the_time_asked_for(desk: Desk) -> None:
    _, told = desk.get(f"/v1/observations?schema={SCHEMA}&from={DAY}&to={DAY + 2 * MINUTE}")
    assert [each["value"] for each in told["observations"]] == ["24560", "20000"]
    assert told["next"] is None


def test_segments_come_with_what_opens_them(desk: Desk) -> None:
    _, told = desk.get(f"{PROTECTED[4]}&from={DAY}&to={DAY + MINUTE}")
    (entry,) = told["entries"]
    salt, raw = bytes.fromhex(entry["salt"][2:]), bytes.fromhex(entry["segment"][2:])
    assert entry_leaf(salt, entry["arrivedMs"], raw) == desk.oracle.log.leaves(entry["place"], 1)[0]
    assert told["next"] is None


def test_a_device_tells_how_far_it_is(desk: Desk) -> None:
    _, told = desk.get(PROTECTED[5])
    assert told["seq"] == 7
    assert told["equivocation"] is None


def test_a_firing_is_explained(desk: Desk) -> None:
    _, told = desk.get(PROTECTED[1])
    (firing,) = told["firings"]
    assert (firing["name"], firing["action"], firing["state"]) == ("rule-1", "review", "acted")
    (condition,) = firing["conditions"]
    assert condition["instead"] == {"slot": DAY + MINUTE, "value": "20000", "wouldNotHaveCounted": "24000"}


def peer(desk: Desk, asking: int = 1) -> HttpPeer:
    return asking_peer(desk.client, desk.oracle, desk.oracle.address, asking)


def asking_peer(client: httpx.Client, oracle: Oracle, address: bytes, asking: int) -> HttpPeer:
    return HttpPeer(PeerClient(client, address, CONTEXT, ORACLE_SIGNERS[asking], oracle.clock))


def test_a_peer_says_who_it_is(desk: Desk) -> None:
    assert ask_address(desk.client) == desk.oracle.address


def test_a_peer_that_answers_to_another_signature_is_unavailable(desk: Desk) -> None:
    with pytest.raises(PeerUnavailable, match="status 403"):
        asking_peer(desk.client, desk.oracle, b"x" * 20, 1).reports(0)


def test_an_anchored_round_is_fetched_from_a_peer(desk: Desk) -> None:
    known = desk.oracle.anchored.find(MASS_SCHEMA.id, DAY)
    assert known is not None
    assert peer(desk).round(MASS_SCHEMA.id, DAY) == known.proposal
    assert peer(desk).round(MASS_SCHEMA.id, DAY + 5) is None


def test_reports_and_signatures_travel(tmp_path: Path) -> None:
    four = Consortium(tmp_path, NOW)
    four.add_covenant(covenant_of(schema()))
    reported(four, 2)
    oracle = four.oracles[1]
    client = asking_peer(served(oracle), oracle, oracle.address, 0)
    page = client.reports(0)
    assert [each.slot for each in page.reports] == [DAY, DAY + MINUTE]
    assert client.reports(page.next).reports == ()
    signature, fault = client.propose([proposal_of(four, (0, 1, 2), by=0), proposal_of(four, (0, 1, 2), by=2)])
    assert isinstance(signature, bytes)
    assert fault is Fault.NOT_LEADER


def test_a_body_that_is_no_proposal_is_refused(desk: Desk) -> None:
    answer = propose(desk, canonical_json.dumps({"proposals": [{}]}), ORACLE_SIGNERS[1])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


def test_a_number_of_thousands_of_digits_is_no_json(desk: Desk) -> None:
    answer = propose(desk, b'{"proposals":' + b"1" * 5000 + b"}", ORACLE_SIGNERS[1])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


def test_nobody_but_an_oracle_proposes(desk: Desk) -> None:
    answer = propose(desk, b"{", LENDER)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_granted")


def propose(desk: Desk, body: bytes, signer: Signer) -> httpx.Response:
    now = desk.oracle.clock.now_ms()
    header = sign_request(signer, Scheme.ORACLE, desk.oracle.log.origin, "/v1/proposals", now)
    answer: httpx.Response = desk.client.post("/v1/proposals", content=body, headers={"Authorization": header})
    return answer


def test_an_oracle_that_another_one_answers_for_is_not_known(desk: Desk) -> None:
    assert ask_address(TestClient(desk.client.app, base_url="https://oracle-2")) is None


def test_the_covenants_of_an_oracle_are_listed_for_oracles(desk: Desk) -> None:
    assert desk.get("/v1/covenants", LENDER)[0] == 403
    assert desk.get("/v1/covenants", ORACLE_SIGNERS[1], Scheme.ORACLE)[1] == {"facilities": ["0x" + FACILITY.hex()]}
