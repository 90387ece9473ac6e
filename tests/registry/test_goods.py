"""Goods keys: one thing has one key, two things have two."""

import hashlib
import hmac

import pytest

from ledger_node.hashing import keccak256
from registry.goods import GoodsError, UnitKind, goods_key, position_string, unit_keys_hash, unit_string

KEEPER = "5493001KJTIIGC8Y1R12"
KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("kind", "label", "maker", "rule"),
    [
        (UnitKind.RFID, "XYZ", "", "hexadecimal"),
        (UnitKind.EAR_TAG, "12345", "", "12 to 15 digits"),
        (UnitKind.CONTAINER, "MSKU12", "", "ISO 6346"),
        (UnitKind.VIN, "1" * 16, "", "ISO 3779"),
        (UnitKind.HEAT, "H-77", "", "maker: is demanded"),
        (UnitKind.RFID, "E28011606000020912345678", KEEPER, "maker: does not belong"),
        (UnitKind.SERIAL, "---", KEEPER, "label: must hold"),
        (UnitKind.SERIAL, "7" * 61, KEEPER, "3 to 60"),
    ],
)
def test_a_malformed_unit_is_refused_by_field(kind: UnitKind, label: str, maker: str, rule: str) -> None:
    with pytest.raises(GoodsError, match=rule):
        unit_string(kind, label, maker)


def test_a_place_without_parts_is_refused() -> None:
    with pytest.raises(GoodsError, match="place"):
        position_string(KEEPER, [])


def test_a_place_part_of_signs_alone_is_refused_by_its_number() -> None:
    with pytest.raises(GoodsError, match=r"place\[1\]"):
        position_string(KEEPER, ["A", "--"])


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(GoodsError, match="32 bytes"):
        goods_key(b"short", "unit:rfid:00")


def test_a_unit_key_of_another_length_is_refused() -> None:
    with pytest.raises(GoodsError, match="32 bytes"):
        unit_keys_hash([b"short"])


@pytest.mark.parametrize("typed", ["A-01", "a 1", "A1", "Ａ－０１", "A.001"])
def test_one_place_has_one_key_however_it_is_typed(typed: str) -> None:
    assert position_string(KEEPER, ["Hall 3", typed]) == position_string(KEEPER, ["hall-3", "A1"])


def test_two_places_whose_digits_only_shift_stay_two() -> None:
    assert position_string(KEEPER, ["1-11"]) != position_string(KEEPER, ["11-1"])


def test_one_unit_has_one_key_whatever_separators_are_typed() -> None:
    assert unit_string(UnitKind.HEAT, "h 77-120", KEEPER) == unit_string(UnitKind.HEAT, "H77120", KEEPER)


def test_the_same_serial_of_two_makers_is_two_units() -> None:
    other = "529900T8BM49AURSDO55"
    assert unit_string(UnitKind.SERIAL, "A100", KEEPER) != unit_string(UnitKind.SERIAL, "A100", other)


def test_a_goods_key_is_the_hmac_of_the_canonical_string() -> None:
    text = unit_string(UnitKind.RFID, "e280 1160 6000 0209 1234 5678")
    assert text == "unit:rfid:E28011606000020912345678"
    assert goods_key(KEY, text) == hmac.new(KEY, text.encode(), hashlib.sha256).digest()


def test_unit_keys_hash_packs_the_keys_in_order() -> None:
    one, two = bytes(32), bytes([1]) * 32
    assert unit_keys_hash([one, two]) == keccak256(one + two) != unit_keys_hash([two, one])
    assert unit_keys_hash([]) == keccak256(b"")
