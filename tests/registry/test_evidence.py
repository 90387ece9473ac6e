"""Bundles: what is changed, spliced or left out fails at a named step; what is whole is proved."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ledger_node.canonical_json import dumps
from ledger_node.secp256k1 import sign65
from ledger_node.trust import Trust
from registry.evidence.bundle_file import load_bundle
from registry.evidence.gather import EvidenceMissing
from registry.evidence.steps import StepName, Verdict
from registry.evidence.verify import verify_bundle
from tests.registry.bundles import DEFER, HOLD, Bundles
from tests.registry.consortium import key_of
from tests.registry.mutations import changed, leaves, put
from tests.registry.reseal import reseal

Json = Any


def check(bundles: Bundles, value: Json, trust: Trust | None = None) -> Verdict:
    return verify_bundle(dumps(value), trust or bundles.trust)


def failing(verdict: Verdict) -> str | None:
    """The step that fails, which is the last one said."""
    return None if verdict.ok else verdict.steps[-1].name.value


FAILS_AT = [
    (r"^(format|claim\.kind)$", {"format"}),
    (r"^chainId$", {"trust"}),
    (r"^(header\.|seal$)", {"header"}),
    (r"^proofs\.\w+\.address$", {"format", "state"}),
    (r"^proofs\.", {"state"}),
    (r"^claim\.id$", {"history"}),
    (r"^claim\.seq$", {"rule"}),
    (r"^records\.\d+\.(contract|id)$", {"format", "history"}),
    (r"^records\.", {"history"}),
    (r"^documents\.", {"documents"}),
    (r"^action\.(firing$|ruleProof)", {"rule"}),
    (r"^action\.rounds\.", {"rounds", "format"}),
    (r"^action\.(devices|fleets)\.", {"devices", "format"}),
    (r"^action\.segments\.", {"segments", "format"}),
    (r"^action\.schemas\.", {"observations", "format"}),
    (r"^action\.instalment\.", {"action"}),
]
"""Where the change of a leaf is found, by the leaf's path."""
MADE_TO_FIT = [
    (r"^proofs\.\w+\.storageProof\.\d+\.value$", {"header"}),
    (r"^proofs\.\w+\.storageProof\.\d+\.key$", {"state", "header"}),
    (r"^records\.\d+\.transitions", {"header"}),
    *FAILS_AT,
]
"""The same when every digest that needs no key is made to fit: only the sealer's signature then stands in the way.

A changed key may by chance be the record's other slot, whose value is then made to fit as well.
"""


def steps_for(path: tuple[Any, ...], table: list[tuple[str, set[str]]]) -> set[str]:
    text = ".".join(str(part) for part in path)
    return next(steps for pattern, steps in table if re.search(pattern, text))


def own_part(kind: str, path: tuple[Any, ...]) -> bool:
    """Whether a leaf is worth trying in a bundle of this kind: state parts are alike in all of them."""
    return kind in ("receipt", "hold") or path[0] == "action"


@pytest.mark.parametrize("kind", ["receipt", "hold", "defer"])
def test_every_changed_leaf_fails_at_its_step(bundles: Bundles, kind: str) -> None:
    value = json.loads(bundles.texts[kind])
    for path, leaf in leaves(value):
        if own_part(kind, path):
            assert failing(check(bundles, put(value, path, changed(leaf)))) in steps_for(path, FAILS_AT), path


@pytest.mark.parametrize("kind", ["receipt", "hold"])
def test_every_changed_leaf_fails_when_all_digests_are_made_to_fit(bundles: Bundles, kind: str) -> None:
    value = json.loads(bundles.texts[kind])
    for path, leaf in leaves(value):
        forged = reseal(put(value, path, changed(leaf)))
        if forged != value:
            assert failing(check(bundles, forged)) in steps_for(path, MADE_TO_FIT), path


@pytest.mark.parametrize("kind", ["receipt", "hold", "defer", "claim", "review", "facility"])
def test_an_added_or_missing_field_is_refused(bundles: Bundles, kind: str) -> None:
    value = json.loads(bundles.texts[kind])
    for name in value:
        short = {key: each for key, each in value.items() if key != name}
        assert failing(check(bundles, short)) == ("header" if name == "seal" else "format"), name
    assert failing(check(bundles, {**value, "note": "x"})) == "format"


def test_a_text_that_is_not_canonical_is_refused(bundles: Bundles) -> None:
    verdict = verify_bundle(bundles.texts["receipt"].replace(b'":', b'": ', 1), bundles.trust)
    assert failing(verdict) == "format"


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("at", [0, 2, -1])
def test_a_transition_that_is_left_out_is_found(bundles: Bundles, at: int, fitted: bool) -> None:
    value = json.loads(bundles.texts["receipt"])
    [record] = [each for each in value["records"] if each["contract"] == "ReceiptRegistry"]
    record["transitions"].pop(at)
    verdict = check(bundles, reseal(value) if fitted else value)
    assert failing(verdict) == ("header" if fitted else "history")


def test_two_transitions_in_another_order_are_found(bundles: Bundles) -> None:
    value = json.loads(bundles.texts["receipt"])
    [record] = [each for each in value["records"] if each["contract"] == "ReceiptRegistry"]
    record["transitions"][2:4] = record["transitions"][3:1:-1]
    assert failing(check(bundles, value)) == "history"


def test_a_record_that_is_left_out_is_found(bundles: Bundles) -> None:
    value = json.loads(bundles.texts["receipt"])
    value["records"].pop()
    assert failing(check(bundles, value)) == "history"


@pytest.mark.parametrize(
    ("parts", "step"),
    [
        (["header", "seal"], "state"),
        (["header"], "header"),
        (["seal"], "header"),
        (["proofs"], "state"),
        (["records"], "history"),
        (["header", "seal", "proofs"], "history"),
        (["proofs", "records"], "state"),
    ],
)
def test_parts_of_an_older_bundle_do_not_fit(bundles: Bundles, parts: list[str], step: str) -> None:
    value, older = (json.loads(bundles.texts[kind]) for kind in ("receipt", "early"))
    spliced = {**value, **{part: older[part] for part in parts}}
    assert failing(check(bundles, spliced)) == step


@pytest.mark.parametrize("part", ["rounds", "segments", "devices", "firing", "schemas"])
def test_evidence_that_is_left_out_is_found(bundles: Bundles, part: str) -> None:
    value = json.loads(bundles.texts["hold"])
    steps = {
        "rounds": "rounds",
        "segments": "observations",
        "devices": "segments",
        "firing": "rule",
        "schemas": "format",
    }
    value["action"][part] = value["action"][part][:-1] if part != "firing" else "0x"
    assert failing(check(bundles, value)) == steps[part]


def test_another_actions_evidence_does_not_fit(bundles: Bundles) -> None:
    value, other = (json.loads(bundles.texts[kind]) for kind in ("hold", "review"))
    assert failing(check(bundles, {**value, "action": other["action"]})) == "rule"
    assert failing(check(bundles, {**value, "claim": other["claim"]})) == "rule"


def test_a_record_that_is_no_part_of_the_claim_is_refused(bundles: Bundles) -> None:
    value, other = (json.loads(bundles.texts[kind]) for kind in ("facility", "claim"))
    extra = [each for each in other["records"] if each["contract"] == "CoverBook"]
    value["records"] = sorted(value["records"] + extra, key=lambda each: (each["contract"], each["id"]))
    assert failing(check(bundles, value)) == "complete"


def test_a_slot_that_is_no_part_of_the_claim_is_refused(bundles: Bundles) -> None:
    value, other = (json.loads(bundles.texts[kind]) for kind in ("facility", "claim"))
    value["proofs"]["CoverBook"] = other["proofs"]["CoverBook"]
    assert failing(check(bundles, value)) == "complete"


def test_a_document_that_nothing_commits_to_is_refused(bundles: Bundles) -> None:
    value = json.loads(bundles.texts["facility"])
    value["documents"] = json.loads(bundles.texts["receipt"])["documents"]
    assert failing(check(bundles, value)) == "documents"


def test_another_chains_trust_refuses(bundles: Bundles) -> None:
    text = bundles.texts["receipt"]
    assert failing(verify_bundle(text, replace(bundles.trust, chain_id=7))) == "trust"
    assert failing(verify_bundle(text, replace(bundles.trust, sealer=bytes(20)))) == "header"
    assert failing(verify_bundle(text, replace(bundles.trust, contracts=bundles.trust.contracts[1:]))) == "trust"


def test_a_contract_with_other_code_is_refused(bundles: Bundles) -> None:
    contracts = tuple(replace(each, code_hash=bytes(32)) for each in bundles.trust.contracts)
    assert failing(verify_bundle(bundles.texts["receipt"], replace(bundles.trust, contracts=contracts))) == "state"


def test_even_the_sealer_cannot_leave_out_a_transition(bundles: Bundles) -> None:
    value = json.loads(bundles.texts["receipt"])
    value["header"]["gasUsed"] = "0x1"
    value["records"][-1]["transitions"].pop()
    forged = load_bundle(dumps(value))
    value["seal"] = "0x" + sign65(key_of("sealer"), forged.header.hash()).hex()
    assert failing(check(bundles, value)) == "history"


def test_a_pinned_block_takes_no_seal_and_only_the_pinned_hash(bundles: Bundles) -> None:
    value = json.loads(bundles.texts["receipt"])
    assert failing(check(bundles, value, bundles.pinned)) == "header"
    del value["seal"]
    assert check(bundles, value, bundles.pinned).ok
    other = json.loads(bundles.texts["early"])
    del other["seal"]
    assert failing(check(bundles, other, bundles.pinned)) == "header"


def test_an_oracle_that_gives_no_log_leaves_nothing_to_prove(bundles: Bundles) -> None:
    readable, bundles.watch.readable = bundles.watch.readable, set()
    try:
        with pytest.raises(EvidenceMissing, match="no reporter's log"):
            bundles.collector.action(bundles.watch.facility, bundles.seqs[HOLD], bundles.watch)
    finally:
        bundles.watch.readable = readable


@pytest.mark.parametrize("kind", ["receipt", "facility"])
def test_every_changed_field_of_an_answer_is_found(bundles: Bundles, kind: str) -> None:
    for path, leaf in leaves(bundles.answers[kind]):
        answer = dumps(put(bundles.answers[kind], path, changed(leaf)))
        assert failing(verify_bundle(bundles.texts[kind], bundles.trust, answer)) == "answer", path


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"data":1.5}', b"x"])
def test_an_answer_of_another_form_is_refused(bundles: Bundles, answer: bytes) -> None:
    assert failing(verify_bundle(bundles.texts["receipt"], bundles.trust, answer)) == "answer"


@pytest.mark.parametrize("kind", ["receipt", "early", "facility", "hold", "defer", "claim", "review"])
def test_a_whole_bundle_is_proved(bundles: Bundles, kind: str) -> None:
    verdict = verify_bundle(bundles.texts[kind], bundles.trust)
    assert verdict.ok, verdict.steps
    assert verdict.steps[-1].name is StepName.COMPLETE


@pytest.mark.parametrize("kind", ["receipt", "facility"])
def test_the_answer_of_the_index_is_what_the_bundle_proves(bundles: Bundles, kind: str) -> None:
    answer = {**bundles.answers[kind], "links": {"proof": "/v1/receipts/1/proof"}}
    verdict = verify_bundle(bundles.texts[kind], bundles.trust, dumps(answer))
    assert verdict.ok, verdict.steps


def test_a_bundle_reads_back_as_it_was_written(bundles: Bundles) -> None:
    made = bundles.collector.action(bundles.watch.facility, bundles.seqs[DEFER], bundles.watch)
    assert load_bundle(bundles.texts["defer"]) == made
