"""The intake's HTTP interface: refusals as problem documents, who may read bodies, then what devices rely on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from ledger_node.keys import LocalSigner
from ledger_node.merkle import verify_inclusion
from oracle.fleets import FleetBundle, dump_bundle, fleet_bytes
from oracle.formats.fleet import make_fleet
from oracle.formats.requests import Scheme, sign_request
from oracle.formats.signed import check_receipt, load_receipt, read_checkpoint
from oracle.ports import FleetSize
from tests.log_proofs import verify_consistency
from tests.oracle.intake_kit import (
    BUNDLE,
    DEVICE,
    EPOCH_BLOCK,
    KEY,
    OTHER_KEY,
    PROFILE,
    RECORD,
    T0,
    Oracle,
    chain_of,
    following,
    open_oracle,
    serve,
    signed,
)

COSE = {"content-type": "application/cose"}
FIRST = signed()


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path)


@pytest.fixture
def client(oracle: Oracle) -> TestClient:
    return serve(oracle)


def authorization(oracle: Oracle, target: str, key: LocalSigner, time_ms: int | None = None) -> dict[str, str]:
    time_ms = oracle.clock.ms if time_ms is None else time_ms
    return {"authorization": sign_request(key, Scheme.ORACLE, oracle.log.origin, target, time_ms)}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"junk", 400, "malformed"),
        (bytes(61_441), 413, "oversized"),
        (bytes(1_000_000), 413, "oversized"),
        (signed(OTHER_KEY).raw, 422, "wrong_device"),
        (signed(seq=3).raw, 409, "out_of_sequence"),
    ],
)
def test_a_refused_segment_is_a_problem_document_with_its_reason(
    client: TestClient, oracle: Oracle, raw: bytes, status: int, code: str
) -> None:
    answer = client.post("/v1/segments", content=raw, headers=COSE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each.reason.value for each in oracle.quarantine.refused()] == [code]


def test_a_gap_names_the_number_to_send(client: TestClient) -> None:
    assert client.post("/v1/segments", content=signed(seq=3).raw, headers=COSE).json()["expectedSeq"] == 1


def test_another_content_type_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/segments", content=FIRST.raw, headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_silent_node_is_a_503_and_the_device_tries_again(client: TestClient, oracle: Oracle) -> None:
    oracle.chain.down = True
    answer = client.post("/v1/segments", content=FIRST.raw, headers=COSE)
    assert (answer.status_code, answer.json()["code"]) == (503, "chain_unavailable")
    assert answer.headers["retry-after"] == "1"
    oracle.chain.down = False
    assert client.post("/v1/segments", content=FIRST.raw, headers=COSE).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/v1/entries?from=-1",
        "/v1/entries?limit=257",
        "/v1/entries?from=01",
        "/v1/checkpoint?size=5",
        "/v1/inclusion",
        "/v1/inclusion?place=0",
        "/v1/consistency?from=0",
        "/v1/consistency?from=1",
        "/v1/devices/0x12",
    ],
)
def test_a_parameter_out_of_range_is_named(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


def test_without_an_oracles_signature_entries_show_commitments_only(client: TestClient, oracle: Oracle) -> None:
    client.post("/v1/segments", content=FIRST.raw, headers=COSE)
    assert client.get("/v1/entries").json()["entries"] == [{"leaf": data_hex(oracle.log.entry(0).leaf)}]


@pytest.mark.parametrize("fault", ["stranger", "late", "early", "other target", "account", "no form"])
def test_bodies_are_shown_to_no_one_but_an_oracle_now(client: TestClient, oracle: Oracle, fault: str) -> None:
    target = "/v1/entries?from=0"
    key = LocalSigner(b"\x07" * 32) if fault == "stranger" else oracle.key
    time_ms = oracle.clock.ms + {"late": -60_001, "early": 60_001}.get(fault, 0)
    headers = authorization(oracle, "/v1/entries" if fault == "other target" else target, key, time_ms)
    if fault == "account":
        headers["authorization"] = headers["authorization"].replace("Oracle", "Account")
    answer = client.get(target, headers={"authorization": "Bearer x"} if fault == "no form" else headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_granted")
    assert client.get("/v1/fleets/7").status_code == 403


def test_an_oracle_reads_bodies_and_fleets(client: TestClient, oracle: Oracle) -> None:
    client.post("/v1/segments", content=FIRST.raw, headers=COSE)
    (entry,) = client.get("/v1/entries?from=0", headers=authorization(oracle, "/v1/entries?from=0", oracle.key)).json()[
        "entries"
    ]
    assert entry["segment"] == data_hex(FIRST.raw)
    fleet = client.get("/v1/fleets/7", headers=authorization(oracle, "/v1/fleets/7", oracle.key))
    assert fleet.content == dump_bundle(BUNDLE)


NEXT = FleetBundle(make_fleet(7, 2, [replace(RECORD, first_seq=9)]), (PROFILE,))
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"{}", 400, "malformed"),
        (dump_bundle(NEXT).replace(b'"epoch":2', b'"epoch":2,"x":1'), 400, "malformed"),
        (dump_bundle(BUNDLE), 409, "fleet_unproven"),
        (dump_bundle(FleetBundle(make_fleet(7, 2, []), ())), 409, "fleet_unproven"),
        (dump_bundle(FleetBundle(make_fleet(8, 2, []), ())), 409, "fleet_unproven"),
        (dump_bundle(replace(NEXT, profiles=())), 422, "profile_missing"),
    ],
)
def test_a_fleet_that_does_not_hold_is_refused(
    client: TestClient, oracle: Oracle, body: bytes, status: int, code: str
) -> None:
    oracle.chain.holds(NEXT.fleet)
    answer = client.post("/v1/fleets/7", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_fleet_of_an_entity_without_one_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/v1/fleets/9", content=b"{", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (409, "fleet_unproven")


def test_no_more_is_read_than_a_fleet_of_its_size_can_have(client: TestClient, oracle: Oracle) -> None:
    oracle.chain.holds(NEXT.fleet)
    answer = client.post("/v1/fleets/7", content=bytes(fleet_bytes(FleetSize(1, 0)) + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert fleet_bytes(FleetSize(1, 0)) < 1 << 18


def test_what_comes_for_a_known_fleet_is_not_read(client: TestClient) -> None:
    answer = client.post("/v1/fleets/7", content=b"{", headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"entity": 7, "epoch": 1, "devices": 1})


def test_a_fleet_under_the_chains_roots_is_taken(client: TestClient, oracle: Oracle) -> None:
    oracle.chain.holds(NEXT.fleet)
    first, again = (client.post("/v1/fleets/7", content=dump_bundle(NEXT), headers=JSON) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert client.get(f"/v1/devices/{data_hex(DEVICE)}").json()["nextSeq"] == 9


def test_a_device_gets_a_signed_receipt_and_the_same_again(client: TestClient) -> None:
    first, again = (client.post("/v1/segments", content=FIRST.raw, headers=COSE) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    receipt = load_receipt(first.content)
    check_receipt(receipt)
    assert receipt.segment_digest == FIRST.digest


def test_a_device_learns_where_its_chain_stands(client: TestClient) -> None:
    path = f"/v1/devices/{data_hex(DEVICE)}"
    assert client.get(f"/v1/devices/{data_hex(bytes(16))}").status_code == 404
    before = client.get(path).json()
    assert (before["nextSeq"], before["prev"]) == (1, data_hex(bytes(32)))
    client.post("/v1/segments", content=FIRST.raw, headers=COSE)
    after = client.get(path).json()
    assert (after["nextSeq"], after["prev"]) == (2, data_hex(FIRST.digest))
    assert (after["epochBlockHash"], after["quarantined"], after["revokedAtMs"]) == (data_hex(EPOCH_BLOCK), False, None)


def test_anyone_can_check_the_log_against_its_checkpoint(client: TestClient, oracle: Oracle) -> None:
    segments = chain_of(6)
    oracle.clock.ms = segments[-1].content.t0_ms
    for segment in segments:
        client.post("/v1/segments", content=segment.raw, headers=COSE)
    leaves = [bytes.fromhex(each["leaf"][2:]) for each in client.get("/v1/entries").json()["entries"]]
    new, old = (
        read_checkpoint(client.get(f"/v1/checkpoint?size={size}").text, oracle.log.origin, oracle.key.address)
        for size in (6, 3)
    )
    inclusion = [bytes.fromhex(each[2:]) for each in client.get("/v1/inclusion?place=2&size=6").json()["proof"]]
    assert verify_inclusion(leaves[2], 2, 6, inclusion, new.root, sha256)
    consistency = [bytes.fromhex(each[2:]) for each in client.get("/v1/consistency?from=3&to=6").json()["proof"]]
    assert verify_consistency(3, 6, consistency, old.root, new.root, sha256)


def test_refusals_can_be_listed_without_bodies(client: TestClient) -> None:
    client.post("/v1/segments", content=signed(seq=3).raw, headers=COSE)
    (refused,) = client.get("/v1/refusals").json()["refusals"]
    assert (refused["reason"], refused["device"], refused["count"]) == ("out_of_sequence", data_hex(DEVICE), 1)
    assert signed(seq=3).raw.hex() not in client.get("/v1/refusals").text


def test_senders_at_the_same_time_get_their_own_answers(client: TestClient, oracle: Oracle) -> None:
    keys = [KEY, OTHER_KEY]
    devices = [DEVICE[:15] + bytes([number]) for number in range(2)]
    fleet = make_fleet(7, 2, [replace(RECORD, device=d, key=k.public) for d, k in zip(devices, keys, strict=True)])
    oracle.chain.holds(fleet)
    oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    oracle.clock.ms = T0 + 3_600_000

    def send(number: int) -> list[int]:
        segment = signed(keys[number], device=devices[number])
        seqs = []
        for _ in range(15):
            answer = client.post("/v1/segments", content=segment.raw, headers=COSE)
            receipt = load_receipt(answer.content)
            assert (receipt.device, receipt.segment_digest) == (devices[number], segment.digest)
            seqs.append(receipt.seq)
            segment = following(segment, keys[number])
        return seqs

    with client, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, range(2))) == [list(range(1, 16))] * 2
    assert oracle.log.size() == 30
