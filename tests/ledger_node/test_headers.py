"""Headers: strict reading, hashing, the embedded ledger's seal."""

from typing import Any

import pytest

from ledger_node import secp256k1
from ledger_node.headers import HeaderError, check_seal, header_json, read_header
from ledger_node.hexvalues import data_hex
from tests.ledger_node.vectors import QBFT

BLOCK: dict[str, Any] = QBFT["headers"][14]
NAMES = sorted(set(BLOCK) - {"hash", "size", "totalDifficulty", "transactions", "uncles"})


def with_field(name: str, value: object) -> dict[str, Any]:
    return {**BLOCK, name: value}


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_field_is_refused_by_name(name: str) -> None:
    with pytest.raises(HeaderError, match=f"header.{name}: is missing"):
        read_header({key: value for key, value in BLOCK.items() if key != name})


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(HeaderError, match="header.verkleRoot: is unknown"):
        read_header(with_field("verkleRoot", "0x00"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, 14, "0x", "0x00", "14", "0x0e0", "0xg"])
def test_a_value_that_is_not_strict_hexadecimal_is_refused_by_name(name: str, value: object) -> None:
    if name == "extraData" and value in ("0x", "0x00"):
        return
    with pytest.raises(HeaderError, match=f"header.{name}: "):
        read_header(with_field(name, value))


def test_a_later_field_without_the_one_before_is_refused() -> None:
    with pytest.raises(HeaderError, match="baseFeePerGas: is missing before a later field"):
        read_header(with_field("withdrawalsRoot", "0x" + "00" * 32))


def test_what_is_not_an_object_is_refused() -> None:
    with pytest.raises(HeaderError, match="must be an object"):
        read_header(None)


@pytest.mark.parametrize("extra", ["0x", "0x00", "0xc0", "0xc50000000000", "0xf8" + "00" * 40])
def test_a_qbft_header_with_ill_formed_extra_data_has_no_hash(extra: str) -> None:
    with pytest.raises(HeaderError, match="extraData"):
        read_header(with_field("extraData", extra)).hash()


@pytest.mark.parametrize("number", range(26))
def test_the_hash_is_the_one_that_live_validators_sealed(number: int) -> None:
    block = QBFT["headers"][number]
    header = read_header(block)
    assert data_hex(header.hash()) == block["hash"]
    assert read_header(header_json(header)) == header


@pytest.mark.parametrize("name", NAMES)
def test_each_field_is_covered_by_the_hash(name: str) -> None:
    value = str(BLOCK[name])
    at = 2 if name != "extraData" else value.index("f869") + 12
    changed = value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1 :]
    assert read_header(with_field(name, changed)).hash() != read_header(BLOCK).hash()


def test_a_london_header_is_hashed_with_its_base_fee() -> None:
    berlin = read_header(with_field("mixHash", "0x" + "00" * 32))
    london = read_header({**BLOCK, "mixHash": "0x" + "00" * 32, "baseFeePerGas": "0x0"})
    assert berlin.hash() != london.hash()
    assert len(london.encoded()) == len(berlin.encoded()) + 1


SEALER_KEY = bytes(31) + b"\x05"
SEALER = secp256k1.address_of(SEALER_KEY)
HASH = read_header(BLOCK).hash()


@pytest.mark.parametrize(
    ("seal", "rule"),
    [
        (b"", "65 bytes"),
        (secp256k1.sign_digest(SEALER_KEY, HASH), "65 bytes"),
        (bytes(65), "v must be 27 or 28"),
        (secp256k1.sign65(bytes(31) + b"\x06", HASH), "not the trusted sealer"),
        (secp256k1.sign65(SEALER_KEY, bytes(32)), "not the trusted sealer"),
    ],
)
def test_a_seal_that_is_not_the_sealers_is_refused(seal: bytes, rule: str) -> None:
    with pytest.raises(HeaderError, match=rule):
        check_seal(HASH, seal, SEALER)


def test_the_sealers_seal_is_accepted() -> None:
    check_seal(HASH, secp256k1.sign65(SEALER_KEY, HASH), SEALER)
