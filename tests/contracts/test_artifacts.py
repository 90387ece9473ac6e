"""The artifacts that ship are what the sources compile to, and their storage lies where ledger.md says."""

import json
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
    ("CreditBook", "records"): 0,
    ("CreditBook", "terms"): 3,
    ("ReviewBoard", "records"): 0,
    ("CoverBook", "records"): 0,
    ("CoverBook", "terms"): 3,
}


def shipped(name: str) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))
    return artifact


def comparable(text: bytes) -> dict[str, Any]:
    """An artifact without what depends on where it was compiled."""
    artifact: dict[str, Any] = json.loads(text)
    for code in ("bytecode", "deployedBytecode"):
        if code in artifact:
            artifact[code] = build.without_trailer(artifact[code])
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


@pytest.mark.parametrize(("contract", "label"), SLOTS)
def test_provable_storage_lies_at_its_documented_slot(contract: str, label: str) -> None:
    slots = {each["label"]: int(each["slot"]) for each in shipped(contract)["storageLayout"]}
    assert slots[label] == SLOTS[contract, label]
