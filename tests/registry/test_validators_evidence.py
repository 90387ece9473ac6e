"""Bundles whose block validators sealed: believed down to their signatures, and by nothing less."""

import json
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.headers import clique_chain, qbft_chain, validators_bundle
from ledger_node.canonical_json import dumps
from ledger_node.consensus.follow import follow
from ledger_node.headers import read_header
from ledger_node.trust import Trust
from registry.evidence.bundle_file import dump_bundle, load_bundle
from registry.evidence.verify import verify_bundle

CHAINS = {"qbft": qbft_chain, "clique": clique_chain}


def made(name: str) -> tuple[Trust, bytes]:
    rules, headers = CHAINS[name](0)
    return validators_bundle(name, rules, headers[0])


MADE = {name: made(name) for name in CHAINS}


def failing(name: str, value: dict[str, Any], trust: Trust | None = None) -> str | None:
    """The step that fails, when one does."""
    verdict = verify_bundle(dumps(value), trust or MADE[name][0])
    return None if verdict.ok else verdict.steps[-1].name.value


def bundle(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(MADE[name][1])
    return found


@pytest.mark.parametrize("name", CHAINS)
def test_a_bundle_is_proved_from_the_verifiers_checkpoint(name: str) -> None:
    trust, text = MADE[name]
    verdict = verify_bundle(text, trust)
    assert verdict.ok
    assert "validators known at block" in verdict.steps[2].says


@pytest.mark.parametrize("name", CHAINS)
def test_the_set_that_sealed_is_enough_when_it_is_the_checkpoints(name: str) -> None:
    short = bundle(name)
    del short["before"]
    assert failing(name, short) is None


@pytest.mark.parametrize("name", CHAINS)
def test_a_checkpoint_that_went_on_believes_the_bundle_too(name: str) -> None:
    trust = MADE[name][0]
    assert trust.rules is not None
    assert trust.checkpoint is not None
    followed = trust.checkpoint
    value = bundle(name)
    for block in value["before"][:7]:
        followed = follow(trust.rules, followed, read_header(block))
    later = replace(trust, checkpoint=followed)
    assert failing(name, value, later) == "header"
    assert failing(name, {**value, "before": value["before"][7:]}, later) is None
    short = {each: part for each, part in value.items() if each != "before"}
    assert failing(name, short, later) is None


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("part", ["before", "header", "after"])
def test_any_changed_field_of_any_header_fails_at_the_header(name: str, part: str) -> None:
    value = bundle(name)
    if part not in value:
        return
    headers = value[part] if isinstance(value[part], list) else [value[part]]
    for header in (headers[0], headers[-1]):
        for field, old in list(header.items()):
            header[field] = old[:-1] + ("1" if old[-1] != "1" else "2")
            assert failing(name, value) == "header", (part, field)
            header[field] = old


@pytest.mark.parametrize("name", CHAINS)
def test_headers_left_out_or_given_twice_fail(name: str) -> None:
    value = bundle(name)
    for before in (value["before"][1:], value["before"][:-1], [*value["before"][:3], *value["before"][4:]]):
        assert failing(name, {**value, "before": before}) == "header"
    assert failing(name, {**value, "before": [value["before"][0], *value["before"]]}) == "header"
    assert failing(name, {**value, "before": []}) == "format"


def test_a_clique_block_needs_the_blocks_on_it() -> None:
    value = bundle("clique")
    assert failing("clique", {**value, "after": value["after"][:-1]}) == "header"
    assert failing("clique", {name: part for name, part in value.items() if name != "after"}) == "header"


@pytest.mark.parametrize("name", CHAINS)
def test_another_set_another_chain_and_a_seal_are_refused(name: str) -> None:
    trust, _ = MADE[name]
    assert trust.checkpoint is not None
    others = replace(trust.checkpoint, validators=trust.checkpoint.validators[1:])
    assert failing(name, bundle(name), replace(trust, checkpoint=others)) == "header"
    elsewhere = replace(trust.checkpoint, tip=replace(trust.checkpoint.tip, hash=bytes(32)))
    assert failing(name, bundle(name), replace(trust, checkpoint=elsewhere)) == "header"
    assert failing(name, {**bundle(name), "seal": "0x" + "11" * 65}) == "header"


@pytest.mark.parametrize("name", CHAINS)
def test_what_is_written_reads_back(name: str) -> None:
    text = MADE[name][1]
    assert dump_bundle(load_bundle(text)) == text
