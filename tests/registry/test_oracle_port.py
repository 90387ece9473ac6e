"""Evidence read from oracles over HTTP gives the bundle that the oracles' own data give; what is withheld is named."""

from dataclasses import replace

import httpx
import pytest

from ledger_node.canonical_json import JsonValue
from ledger_node.hashing import sha256
from ledger_node.hexvalues import data_hex
from ledger_node.keys import LocalSigner
from oracle.formats import covenant as covenants
from oracle.formats import observation as observations
from oracle.formats.entry import entry_leaf
from oracle.formats.fleet import fleet_to_json
from oracle.formats.report import report_to_json
from oracle.formats.segment import parse
from registry.evidence.bundle_file import dump_bundle
from registry.evidence.gather import EvidenceMissing
from registry.evidence.oracle_port import OracleEndpoint, OraclePort
from tests.log_proofs import inclusion_proof
from tests.registry.bundles import DEFER, HOLD, Bundles
from tests.registry.consortium import key_of
from tests.registry.watch import Watch


class Oracle:
    """What one oracle answers, as docs/formats/oracle-api.md says."""

    def __init__(self, watch: Watch, address: bytes) -> None:
        self.watch, self.address = watch, address

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"].startswith("CLR-Account time=")
        parts = request.url.path.split("/")
        value = {
            "covenants": self.covenant, "rounds": self.round, "segments": self.segments, "inclusion": self.inclusion,
            "fleets": self.fleet,
        }[parts[2]](request, parts[3:])  # fmt: skip
        return httpx.Response(200, json=value)

    def covenant(self, request: httpx.Request, parts: list[str]) -> JsonValue:
        assert parts == [data_hex(self.watch.facility)]
        return covenants.to_json(self.watch.covenant_)

    def round(self, request: httpx.Request, parts: list[str]) -> JsonValue:
        record = self.watch.rounds[bytes.fromhex(parts[0][2:]), int(parts[1])]
        return {
            "schema": parts[0],
            "slot": int(parts[1]),
            "leaves": [{"data": data_hex(leaf), "proof": []} for leaf in record.round.leaves],
            "observations": [observations.to_json(each) for each in record.round.observations],
            "reports": [report_to_json(each) for each in record.reports.values()],
        }

    def segments(self, request: httpx.Request, parts: list[str]) -> JsonValue:
        device = bytes.fromhex(request.url.params["device"][2:])
        start, after = int(request.url.params["from"]), int(request.url.params["after"])
        found: list[JsonValue] = []
        for place, (salt, arrived, raw) in enumerate(self.watch.logs[self.address]):
            content = parse(raw).content
            if content.device == device and content.last_ms >= start and content.seq >= after:
                entry = {"place": place, "seq": content.seq, "salt": data_hex(salt), "arrivedMs": arrived}
                found.append({**entry, "segment": data_hex(raw), "leaf": data_hex(entry_leaf(salt, arrived, raw))})
        return {"device": data_hex(device), "entries": found[:2], "next": found[2]["seq"] if len(found) > 2 else None}

    def fleet(self, request: httpx.Request, parts: list[str]) -> JsonValue:
        return fleet_to_json(self.watch.fleet(int(parts[0]), int(parts[1])))

    def inclusion(self, request: httpx.Request, parts: list[str]) -> JsonValue:
        place, size = int(request.url.params["place"]), int(request.url.params["size"])
        leaves = [entry_leaf(*each) for each in self.watch.logs[self.address][:size]]
        proof = inclusion_proof(leaves, place, sha256)
        return {"place": place, "size": size, "proof": [data_hex(each) for each in proof]}


def refuses(request: httpx.Request) -> httpx.Response:
    return httpx.Response(403, json={"code": "not_granted"})


def port(watch: Watch, handlers: dict[bytes, object]) -> OraclePort:
    endpoints = [
        OracleEndpoint(address, httpx.Client(base_url="http://oracle", transport=httpx.MockTransport(handler)))  # type: ignore[arg-type]
        for address, handler in handlers.items()
    ]
    signer = LocalSigner(key_of("entity 1"))
    return OraclePort(endpoints, watch.consortium.deployment, signer, lambda: 1_790_000_000_000)


def test_an_oracle_that_grants_nothing_is_named_by_what_it_refused(bundles: Bundles) -> None:
    watch = bundles.watch
    with pytest.raises(EvidenceMissing, match="/v1/covenants/.* the oracle answers 403"):
        bundles.collector.action(watch.facility, bundles.seqs[HOLD], port(watch, {watch.oracles[0]: refuses}))


def test_an_oracle_that_answers_no_json_is_refused(bundles: Bundles) -> None:
    watch = bundles.watch
    silly = port(watch, {watch.oracles[0]: lambda request: httpx.Response(200, text="hello")})
    with pytest.raises(EvidenceMissing, match="not JSON"):
        bundles.collector.action(watch.facility, bundles.seqs[HOLD], silly)


def test_reporters_whose_logs_are_closed_leave_nothing_to_prove(bundles: Bundles) -> None:
    watch = bundles.watch
    stranger = watch.oracles[3]
    with pytest.raises(EvidenceMissing, match="no reporter's log"):
        bundles.collector.action(watch.facility, bundles.seqs[HOLD], port(watch, {stranger: Oracle(watch, stranger)}))


@pytest.mark.parametrize(("kind", "rule"), [("hold", HOLD), ("defer", DEFER)])
def test_what_oracles_answer_gives_the_same_bundle(bundles: Bundles, kind: str, rule: int) -> None:
    watch = bundles.watch
    handlers = {address: Oracle(watch, address) for address in watch.oracles}
    made = bundles.collector.action(watch.facility, bundles.seqs[rule], port(watch, handlers))
    assert dump_bundle(made) == bundles.texts[kind]


def test_another_reporters_log_serves_when_one_is_closed(bundles: Bundles) -> None:
    watch = bundles.watch
    handlers: dict[bytes, object] = {address: Oracle(watch, address) for address in watch.oracles[1:]}
    made = bundles.collector.action(watch.facility, bundles.seqs[HOLD], port(watch, handlers))
    assert made.action is not None
    used = {each.oracle for round_ in made.action.rounds for each in round_.checkpoints}
    assert used == {watch.oracles[1]}
    assert replace(made, action=None) is not made
