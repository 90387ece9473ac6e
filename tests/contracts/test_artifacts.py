"""The artifacts that ship are what the sources compile to, and their storage lies where ledger.md says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ledger_node import build

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "contracts" / "artifacts"
LARGEST = 24_576
"""EIP-170: bytes of code that a contract may have."""
SLOTS = {
    ("ParticipantRegistry", "records"): 0,
    ("ParticipantRegistry", "accounts"): 2,
    ("ReceiptRegistry", "records"): 0,
    ("PledgeRegistry", "pledges"): 0,
    ("DeviceRegistry", "records"): 0,
    ("DeviceRegistry", "roots"): 1,
    ("AttestationHub", "roots"): 1,
    ("GoodsIndex", "claims"): 2,
    ("RuleEngine", "breaker"): 1,
    ("RuleEngine", "lastSlot"): 3,
    ("HoldDesk", "placed"): 0,
    ("CreditBook", "records"): 0,
    ("CreditBook", "terms"): 3,
    ("ReviewBoard", "records"): 0,
    ("CoverBook", "records"): 0,
    ("CoverBook", "terms"): 3,
    ("CoverBook", "coveredUntil"): 4,
}


def shipped(name: str) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))
    return artifact


def without_trailer(bytecode: str) -> str:
    """Hexadecimal bytecode without the metadata that solc appends: its last two bytes say how long that is."""
    digits = bytecode.removeprefix("0x")
    return digits[: len(digits) - 2 * (int(digits[-4:], 16) + 2)] if len(digits) > 4 else digits


def comparable(text: bytes) -> dict[str, Any]:
    """An artifact without what depends on where it was compiled."""
    artifact: dict[str, Any] = json.loads(text)
    for code in ("bytecode", "deployedBytecode"):
        if code in artifact:
            artifact[code] = without_trailer(artifact[code])
    return artifact


@pytest.mark.timeout(600)
def test_a_rebuild_gives_the_same_artifacts() -> None:
    rebuilt = build.compile_contracts(ROOT)
    assert sorted(rebuilt) == sorted(path.name for path in ARTIFACTS.glob("*.json"))
    differing = [
        name for name, text in rebuilt.items() if comparable(text) != comparable((ARTIFACTS / name).read_bytes())
    ]
    assert differing == []


def test_every_contract_fits_on_the_chain() -> None:
    sizes = {
        path.stem: len(bytes.fromhex(json.loads(path.read_text())["deployedBytecode"].removeprefix("0x")))
        for path in ARTIFACTS.glob("*.json")
        if path.name != build.TYPES_FILE
    }
    assert len(sizes) == 14
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def layout(contract: str) -> dict[str, int]:
    """The slots that solc gave the state variables of a contract."""
    return {each["label"]: int(each["slot"]) for each in shipped(contract)["storageLayout"]}


def told_slots(text: str) -> list[tuple[str, str, int]]:
    """Contract, variable and slot, wherever the format page says so: `NAME` (mapping, slot N) of CONTRACT."""
    phrase = re.compile(r"`(?:mapping\([^`]*\) )?(\w+)` \(mapping[^)]*?, slot (\d+)\) of (\w+)")
    also = re.compile(r"; of (\w+) \(slot (\d+)\)")
    told: list[tuple[str, str, int]] = []
    for line in text.splitlines():
        if found := phrase.search(line):
            told.append((found[3], found[1], int(found[2])))
            told += [(other[1], found[1], int(other[2])) for other in also.finditer(line)]
    return told


def test_the_slots_that_the_format_page_names_are_those_of_the_compiler() -> None:
    text = (ROOT / "docs/formats/ledger.md").read_text("utf-8")
    told = told_slots(text[text.index("Further storage") : text.index("Entity kinds")])
    assert {(contract, variable) for contract, variable, _ in told} == {
        ("ParticipantRegistry", "accounts"),
        ("CreditBook", "terms"),
        ("CoverBook", "terms"),
        ("CoverBook", "coveredUntil"),
        ("DeviceRegistry", "roots"),
        ("AttestationHub", "roots"),
        ("GoodsIndex", "claims"),
        ("RuleEngine", "lastSlot"),
        ("HoldDesk", "placed"),
    }
    assert [each for each in told if layout(each[0])[each[1]] != each[2]] == []


def test_the_slots_that_comments_in_the_interfaces_name_are_those_of_the_compiler() -> None:
    told = [
        (path.stem[1:], variable, int(slot))
        for path in sorted((ROOT / "contracts/interfaces").glob("*.sol"))
        for variable, slot in re.findall(r"`(\w+)` has slot (\d+)", path.read_text("utf-8"))
    ]
    assert len(told) == 7
    assert [each for each in told if layout(each[0])[each[1]] != each[2]] == []


def test_records_have_slot_0_wherever_they_are_kept() -> None:
    slots = {path.stem: layout(path.stem) for path in ARTIFACTS.glob("*.json") if path.name != build.TYPES_FILE}
    assert {each["records"] for each in slots.values() if "records" in each} == {0}


@pytest.mark.parametrize(("contract", "label"), SLOTS)
def test_provable_storage_lies_at_its_documented_slot(contract: str, label: str) -> None:
    assert layout(contract)[label] == SLOTS[contract, label]
