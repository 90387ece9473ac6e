"""Strict hexadecimal of JSON-RPC."""

import pytest

from ledger_node.hexvalues import (
    HexError,
    address_hex,
    read_address,
    read_data,
    read_quantity,
)

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55, test cases


@pytest.mark.parametrize(
    "text",
    ["", "00", "0x0", "0X00", "0xgg", "0x00 ", "0x00\n", " 0x00", None, 0, b"0x00"],
)
def test_what_is_not_data_is_refused_by_the_name_of_its_field(text: object) -> None:
    with pytest.raises(HexError, match=r"^extraData: "):
        read_data("extraData", text)


def test_data_of_another_size_is_refused() -> None:
    with pytest.raises(HexError, match="must be 32 bytes, has 1"):
        read_data("stateRoot", "0x00", 32)


@pytest.mark.parametrize("text", ["", "0x", "0x00", "0x01", "1", "-0x1", "0x1_0", "0x1\n", 1, None])
def test_what_is_not_a_quantity_is_refused_by_the_name_of_its_field(
    text: object,
) -> None:
    with pytest.raises(HexError, match=r"^number: "):
        read_quantity("number", text)


def test_a_quantity_of_too_many_bits_is_refused() -> None:
    with pytest.raises(HexError, match="must fit 64 bits"):
        read_quantity("number", "0x1" + "0" * 16, 64)


def test_an_address_with_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(HexError, match="EIP-55"):
        read_address("sealer", CHECKSUMMED.replace("aAe", "aae"))


@pytest.mark.parametrize("text", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper()])
def test_an_address_reads_in_one_case_or_checksummed(text: str) -> None:
    assert address_hex(read_address("sealer", text)) == CHECKSUMMED


def test_data_and_quantities_read_as_what_they_say() -> None:
    assert read_data("input", "0x") == b""
    assert read_data("input", "0x00fF") == b"\x00\xff"
    assert read_quantity("number", "0x0") == 0
    assert read_quantity("number", "0x1f") == 31
