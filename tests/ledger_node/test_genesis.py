"""Genesis files: each refusal by its field, then that files and digests are faithful."""

import json

import pytest

from ledger_node.genesis import (
    Genesis,
    GenesisError,
    Prefund,
    dump_genesis,
    genesis_digest,
    load_genesis,
    parse_genesis,
)

SEALER = "0x" + "11" * 20
GOOD = {"chainId": 20590, "sealer": SEALER}
ACCOUNT = "0x" + "22" * 20


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chainId": 0}, "genesis.chainId: must be an integer between 1"),
        ({"chainId": True}, "genesis.chainId"),
        ({"chainId": "20590"}, "genesis.chainId"),
        ({"gasLimit": 999_999}, "genesis.gasLimit"),
        ({"timestamp": -1}, "genesis.timestamp"),
        ({"sealer": "0x11"}, "genesis.sealer"),
        ({"sealer": None}, "genesis.sealer"),
        ({"format": "other"}, "genesis.format"),
        ({"coinbase": SEALER}, "genesis.coinbase: unknown field"),
        ({"alloc": []}, "genesis.alloc: must be an object"),
        ({"alloc": {"0x1": {"balance": "0x1"}}}, "genesis.alloc.0x1"),
        ({"alloc": {ACCOUNT: {"balance": "0x0"}}}, "an empty account"),
        ({"alloc": {ACCOUNT: {"balance": 1}}}, "balance"),
        ({"alloc": {ACCOUNT: {"balance": "0x1", "code": "0x"}}}, "nothing else"),
        ({"alloc": {"0x" + "ab" * 20: {"balance": "0x1"}, "0x" + "AB" * 20: {"balance": "0x1"}}}, "twice"),
    ],
)
def test_a_wrong_field_is_refused_by_name(change, words):
    with pytest.raises(GenesisError, match=words):
        parse_genesis(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"chainId": 1.5, "sealer": ""}'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(GenesisError):
        parse_genesis(text)


@pytest.mark.parametrize("name", ["chainId", "sealer"])
def test_a_missing_field_is_refused_by_name(name):
    with pytest.raises(GenesisError, match=f"genesis.{name}: is missing"):
        parse_genesis(json.dumps({key: value for key, value in GOOD.items() if key != name}).encode())


def test_a_file_that_is_not_there_is_an_error_with_its_path(tmp_path):
    with pytest.raises(GenesisError, match="absent.json: No such file"):
        load_genesis(tmp_path / "absent.json")


def test_defaults_are_those_of_the_format():
    assert parse_genesis(json.dumps(GOOD).encode()) == Genesis(20590, b"\x11" * 20, 30_000_000, 0, ())


def test_what_is_written_is_read_back():
    genesis = Genesis(7, b"\xab" * 20, 10_000_000, 5, (Prefund(b"\xcd" * 20, 2**100),))
    assert parse_genesis(dump_genesis(genesis)) == genesis


def test_every_value_changes_the_digest():
    base = Genesis(7, b"\xab" * 20)
    others = [Genesis(8, b"\xab" * 20), Genesis(7, b"\xac" * 20), Genesis(7, b"\xab" * 20, timestamp=1)]
    others += [Genesis(7, b"\xab" * 20, gas_limit=1_000_000), Genesis(7, b"\xab" * 20, alloc=(Prefund(b"\1" * 20, 1),))]
    assert len({genesis_digest(each) for each in (base, *others)}) == 6
