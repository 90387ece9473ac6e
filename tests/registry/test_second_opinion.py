"""Two verifiers that share no code, ours and the one in Go, say the same of every bundle: whole, changed, spliced."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.headers import clique_chain, qbft_chain, validators_bundle
from ledger_node.canonical_json import dumps
from ledger_node.headers import HeaderError, read_header
from ledger_node.secp256k1 import sign65
from ledger_node.trust import Trust, dump_trust
from registry.evidence.verify import verify_bundle
from tests.go_tools import opinions
from tests.registry import mutations
from tests.registry.bundles import Bundles
from tests.registry.consortium import key_of
from tests.registry.mutations import Json
from tests.registry.reseal import reseal

KINDS = ["receipt", "early", "facility", "hold", "defer", "claim", "review"]
WHOLE = ("hold",)
"""Kinds of which each leaf is changed; of the others only what these have nothing like."""
DEEP = bool(os.environ.get("CANGDAN_DEEP"))


def ours(text: bytes, trust: Trust) -> str:
    """The step that fails, or ok."""
    verdict = verify_bundle(text, trust)
    return "ok" if verdict.ok else verdict.steps[-1].name.value


def theirs(program: str, texts: dict[str, bytes], trust: Trust, folder: Path) -> dict[str, str]:
    """The same of the program in Go, by the names of the texts."""
    (folder / "bundles").mkdir()
    (folder / "trust.json").write_bytes(dump_trust(trust))
    for number, text in enumerate(texts.values()):
        (folder / "bundles" / f"{number:06}").write_bytes(text)
    said = opinions(program, folder / "trust.json", folder / "bundles")
    return dict(zip(texts, said, strict=True))


def differences(program: str, texts: dict[str, bytes], trust: Trust, folder: Path) -> dict[str, tuple[str, str]]:
    """What ours and theirs say where that is not the same."""
    their = theirs(program, texts, trust, folder)
    both = {name: (ours(text, trust), their[name]) for name, text in texts.items()}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def values_of(bundles: Bundles) -> dict[str, Json]:
    return {kind: json.loads(bundles.texts[kind]) for kind in KINDS}


def encoded(cases: Iterator[tuple[str, Json]]) -> dict[str, bytes]:
    """The files of the cases, each once."""
    texts = {dumps(value): name for name, value in cases}
    return {name: text for text, name in texts.items()}


def signed(value: Json) -> Json:
    """With the seal that the sealer would give, in place; the sealer of these tests lies when it is asked to."""
    with suppress(HeaderError):
        value["seal"] = "0x" + sign65(key_of("sealer"), read_header(value["header"]).hash()).hex()
    return value


def named(kind: str, path: mutations.Path) -> str:
    return f"{kind}: {'.'.join(map(str, path))}"


def chosen(values: dict[str, Json]) -> Iterator[tuple[str, mutations.Path, Json]]:
    """Each leaf of the WHOLE kinds, of the others one of each form that was not seen before."""
    seen: set[str] = set()
    for kind in (*WHOLE, *(each for each in KINDS if each not in WHOLE)):
        for path, leaf in mutations.leaves(values[kind]):
            form = re.sub(r"\d+", "N", ".".join(map(str, path)))
            if DEEP or kind in WHOLE or form not in seen:
                yield kind, path, leaf
            seen.add(form)


def every_changed_leaf(values: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    for kind, path, leaf in chosen(values):
        yield named(kind, path), mutations.put(values[kind], path, mutations.changed(leaf))


def changed_and_sealed(values: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """What the sealer's signature covers, changed with all that hangs on it and sealed again."""
    for kind in ("receipt", "claim"):
        for path, leaf in mutations.leaves(values[kind]):
            if path[0] in ("header", "records") or path[-1] in ("value", "nonce", "balance", "storageHash", "codeHash"):
                made = reseal(mutations.put(values[kind], path, mutations.changed(leaf)))
                yield named(kind, path), signed(made)


def left_out(values: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Members left out at every depth; of the transitions also with all that hangs on them, and sealed again."""
    for kind in ("receipt", "hold"):
        seen: set[str] = set()
        for path in mutations.branches(values[kind]):
            form = re.sub(r"\d+", "N", ".".join(map(str, path)))
            if DEEP or form not in seen:
                yield named(kind, path), mutations.without(values[kind], path)
            seen.add(form)
            if len(path) == 4 and path[2] == "transitions" and len(values[kind]["records"][path[1]]["transitions"]) > 1:
                yield f"sealed {named(kind, path)}", signed(reseal(mutations.without(values[kind], path)))


def spliced(values: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """Each part of each bundle in each other one, alone and among the evidence of an action."""
    for kind in KINDS if DEEP else ("receipt", "hold", "claim"):
        value = values[kind]
        for other, donor in values.items():
            for part in donor:
                yield f"{kind} with {other}'s {part}", {**value, part: donor[part]}
            for part in donor.get("action", {}) if "action" in value else ():
                action = {**value["action"], part: donor["action"][part]}
                yield f"{kind} with {other}'s action.{part}", {**value, "action": action}


def test_a_bundle_under_a_pinned_block_is_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    values = values_of(bundles)
    texts = {
        kind: dumps({name: part for name, part in value.items() if name != "seal"}) for kind, value in values.items()
    }
    texts["sealed"] = bundles.texts["hold"]
    assert differences(second_opinion, texts, bundles.pinned, tmp_path) == {}
    assert {kind for kind, text in texts.items() if ours(text, bundles.pinned) != "ok"} == {"early", "sealed"}


def test_every_changed_leaf_is_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    texts = encoded(every_changed_leaf(values_of(bundles)))
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}


def test_what_a_lying_sealer_made_to_fit_is_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    texts = encoded(changed_and_sealed(values_of(bundles)))
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}


def test_what_is_left_out_is_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    texts = encoded(left_out(values_of(bundles)))
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}


def test_parts_of_other_bundles_are_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    texts = encoded(spliced(values_of(bundles)))
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}


def changed_headers(value: Json) -> Iterator[tuple[str, Json]]:
    """Each field of some headers of a run changed, each header left out, a whole side left out."""
    yield "whole", value
    for part in ("before", "header", "after"):
        if part not in value:
            continue
        headers = value[part] if part != "header" else [value[part]]
        for at in {0, len(headers) - 1}:
            for name, old in headers[at].items():
                path = (part, name) if part == "header" else (part, at, name)
                yield named(part, path), mutations.put(value, path, mutations.changed(old))
        if part != "header":
            yield f"no {part}", mutations.without(value, (part,))
            for at in range(len(headers)):
                yield f"{part} without {at}", mutations.without(value, (part, at))
                yield f"{part} from {at}", {**value, part: headers[at:]}


@pytest.mark.parametrize("consensus", ["qbft", "clique"])
def test_headers_that_validators_sealed_are_judged_alike(consensus: str, second_opinion: str, tmp_path: Path) -> None:
    rules, headers = {"qbft": qbft_chain, "clique": clique_chain}[consensus](0)
    trust, text = validators_bundle(consensus, rules, headers[0])
    texts = encoded(changed_headers(json.loads(text)))
    assert differences(second_opinion, texts, trust, tmp_path) == {}
    short = texts["no before"]
    assert [ours(each, trust) for each in (text, short)] == ["ok", "ok"]


def test_texts_that_are_no_bundle_are_judged_alike(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    whole = bundles.texts["receipt"]
    texts = {
        "empty": b"",
        "a list": b"[]",
        "cut short": whole[:-1],
        "two values": whole + b"{}",
        "spaces": whole.replace(b'":', b'": ', 1),
        "a key twice": whole.replace(b"{", b'{"action":null,', 1),
        "a fraction": whole.replace(b'"chainId":20590', b'"chainId":20590.0'),
        "a great number": whole.replace(b'"chainId":20590', b'"chainId":9007199254740993'),
        "bad UTF-8": whole.replace(b'"receipt"', b'"re\xffeipt"'),
        "capitals": whole.replace(b'"stateRoot":"0x', b'"stateRoot":"0X'),
    }
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}
    assert {ours(text, bundles.trust) for text in texts.values()} == {"format"}


def out_of_bounds(value: Json) -> Iterator[tuple[str, Json]]:
    """Values at their bounds and beyond them, where a form gives bounds."""
    for contract in value["proofs"]:
        for nonce in (2**64 - 1, 2**64, 2**256 - 1):
            yield f"nonce {nonce} {contract}", mutations.put(value, ("proofs", contract, "nonce"), hex(nonce))
    for seq in (-1, 0, 2**53 - 1):
        yield f"firstSeq {seq}", mutations.put(value, ("action", "devices", 0, "record", "firstSeq"), seq)
    alone = {**value, "action": {**value["action"], "schemas": value["action"]["schemas"][:1]}}
    schema = ("action", "schemas", 0)
    absent = {"name": "absent", "subject": "0x" + "11" * 32, "aggregate": "absent", "members": [0]}
    for name in ("", "x" * 64, "x" * 65, "仓" * 64, "仓" * 65, "\U0001f33e" * 64, "\U0001f33e" * 65):
        told = f"{len(name)} {name[:1]}"
        yield f"profile {told}", mutations.put(value, ("action", "devices", 0, "record", "profile"), name)
        yield f"schema {told}", mutations.put(alone, (*schema, "name"), name)
        yield f"metric {told}", mutations.put(alone, (*schema, "metrics", 0, "name"), name)
        yield f"expected {told}", mutations.put(alone, (*schema, "metrics"), [{**absent, "expected": [name]}])


def test_values_at_their_bounds_and_beyond_are_judged_alike(
    bundles: Bundles, second_opinion: str, tmp_path: Path
) -> None:
    cases = dict(out_of_bounds(json.loads(bundles.texts["hold"])))
    texts = {name: dumps(value) for name, value in cases.items()}
    assert differences(second_opinion, texts, bundles.trust, tmp_path) == {}
    beyond = {name for name in cases if name.split()[1] in ("-1", "0", "65", str(2**64), str(2**256 - 1))}
    assert {name for name, text in texts.items() if ours(text, bundles.trust) == "format"} == beyond - {"firstSeq 0"}


def test_whole_bundles_are_believed_by_both(bundles: Bundles, second_opinion: str, tmp_path: Path) -> None:
    said = theirs(second_opinion, bundles.texts, bundles.trust, tmp_path)
    assert set(said.values()) == {"ok"}
    assert {ours(text, bundles.trust) for text in bundles.texts.values()} == {"ok"}
