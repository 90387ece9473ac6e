"""Trust files and what they believe."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger_node import secp256k1
from ledger_node.consensus.run import Run
from ledger_node.headers import read_header
from ledger_node.hexvalues import address_hex, data_hex
from ledger_node.trust import (
    Engine,
    PinnedBlock,
    Trust,
    TrustedContract,
    TrustError,
    check_header,
    dump_trust,
    load_trust,
    parse_trust,
)
from tests.ledger_node.vectors import QBFT

SEALER_KEY = bytes(31) + b"\x05"
SEALER = secp256k1.address_of(SEALER_KEY)
GENESIS, HEADER, LAST = (read_header(QBFT["headers"][number]) for number in (0, 14, 25))
CONTRACT = TrustedContract("ReceiptRegistry", b"\x01" * 20, b"\x02" * 32)
EMBEDDED = Trust(Engine.EMBEDDED, 20590, GENESIS.hash(), sealer=SEALER, contracts=(CONTRACT,))
PINNED = Trust(Engine.PINNED, 20590, GENESIS.hash(), pinned=(PinnedBlock(14, HEADER.hash()),), contracts=(CONTRACT,))
SEAL = secp256k1.sign65(SEALER_KEY, HEADER.hash())


def document(trust: Trust = EMBEDDED) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_trust(trust))
    return found


@pytest.mark.parametrize("name", ["format", "engine", "chainId", "genesisHash", "contracts", "sealer"])
def test_a_missing_field_is_refused_by_name(name: str) -> None:
    changed = document()
    del changed[name]
    with pytest.raises(TrustError, match=f"trust.{name}: "):
        parse_trust(json.dumps(changed).encode())


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("format", "cangdan/trust/2", "trust.format"),
        ("engine", "ibft", "trust.engine"),
        ("engine", None, "trust.engine"),
        ("engine", [], "trust.engine"),
        ("chainId", 0, "trust.chainId"),
        ("chainId", True, "trust.chainId"),
        ("chainId", "20590", "trust.chainId"),
        ("genesisHash", "0x00", "trust.genesisHash"),
        ("sealer", address_hex(SEALER).swapcase().replace("0X", "0x"), "EIP-55"),
        ("pinned", [], "trust.pinned: is unknown"),
        ("contracts", [], "trust.contracts"),
        ("contracts", {"A": None}, "trust.contracts.A"),
        ("contracts", {"A": {"address": "0x" + "00" * 20}}, "trust.contracts.A.codeHash: is missing"),
        ("contracts", {"A": {"address": "0x", "codeHash": "0x"}}, "trust.contracts.A.address"),
        ("note", "", "trust.note: is unknown"),
    ],
)
def test_an_ill_formed_field_is_refused_by_name(field: str, value: object, rule: str) -> None:
    with pytest.raises(TrustError, match=rule):
        parse_trust(json.dumps({**document(), field: value}).encode())


@pytest.mark.parametrize(
    ("pinned", "rule"),
    [
        ({}, "trust.pinned: must be a list"),
        ([{"number": 1}], r"trust.pinned\[0\].hash: is missing"),
        ([{"number": -1, "hash": "0x" + "00" * 32}], r"trust.pinned\[0\].number"),
        ([{"number": 1, "hash": "0x" + digit * 64} for digit in "12"], r"trust.pinned\[1\].number: stands twice"),
    ],
)
def test_ill_formed_pinned_blocks_are_refused(pinned: object, rule: str) -> None:
    with pytest.raises(TrustError, match=rule):
        parse_trust(json.dumps({**document(PINNED), "pinned": pinned}).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b'{"format":1,"format":1}', b'{"chainId":1.0}'])
def test_a_text_that_is_no_strict_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(TrustError):
        parse_trust(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="No such file"):
        load_trust(tmp_path / "trust.json")


@pytest.mark.parametrize("trust", [EMBEDDED, PINNED])
def test_what_is_written_reads_back(trust: Trust, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes(dump_trust(trust))
    assert load_trust(tmp_path / "trust.json") == trust


def test_a_header_without_a_seal_is_not_believed() -> None:
    with pytest.raises(TrustError, match="seal is missing"):
        check_header(Run(HEADER), None, EMBEDDED)


def test_a_header_under_the_seal_of_another_header_is_not_believed() -> None:
    with pytest.raises(TrustError, match="not the trusted sealer"):
        check_header(Run(LAST), SEAL, EMBEDDED)


def test_a_block_that_is_not_pinned_is_not_believed() -> None:
    with pytest.raises(TrustError, match="block 25 is not pinned"):
        check_header(Run(LAST), None, PINNED)


def test_a_block_other_than_the_pinned_one_is_not_believed() -> None:
    other = Trust(Engine.PINNED, 20590, GENESIS.hash(), pinned=(PinnedBlock(14, LAST.hash()),))
    with pytest.raises(TrustError, match="block 14 is not the pinned block"):
        check_header(Run(HEADER), None, other)


def test_a_block_0_other_than_the_genesis_block_is_not_believed() -> None:
    with pytest.raises(TrustError, match="not the trusted genesis"):
        check_header(Run(GENESIS), None, Trust(Engine.PINNED, 20590, LAST.hash()))


def test_a_contract_that_the_file_does_not_know_is_refused() -> None:
    with pytest.raises(TrustError, match="trust.contracts.Lens: is missing"):
        EMBEDDED.contract("Lens")


def test_sealed_pinned_and_genesis_headers_are_believed() -> None:
    assert data_hex(check_header(Run(HEADER), SEAL, EMBEDDED)) == QBFT["headers"][14]["hash"]
    assert check_header(Run(HEADER), None, PINNED) == HEADER.hash()
    assert check_header(Run(GENESIS), None, PINNED) == GENESIS.hash()
    assert EMBEDDED.contract("ReceiptRegistry") == CONTRACT
