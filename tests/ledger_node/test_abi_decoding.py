"""Decoding against eth_abi: data that is no encoding is refused by both, any other gives the same values."""

from typing import Any

import pytest
from eth_abi.abi import decode as reference
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.abi_decoding import DecodingFault, decode, fixed_size

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "uint8": st.integers(0, 255),
    "uint48": st.integers(0, 2**48 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=20),
    "bytes32[]": st.lists(st.binary(min_size=32, max_size=32), max_size=10).map(tuple),
    "uint16[2]": st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
    "(uint8,bytes32)": st.tuples(st.integers(0, 255), st.binary(min_size=32, max_size=32)),
    "(bool,bytes)[]": st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=3).map(tuple),
}


@pytest.mark.parametrize("kind", ["uint8", "address", "bytes4", "bool", "int64"])
def test_padding_that_no_encoder_writes_is_refused(kind: str) -> None:
    with pytest.raises(DecodingFault):
        decode([kind], b"\x7f" * 32)


@pytest.mark.parametrize("kind", ["bytes", "string", "bytes32[]", "(bool,bytes)[]"])
def test_a_part_outside_the_data_is_refused(kind: str) -> None:
    for word in (1 << 255, 64, 32):
        with pytest.raises(DecodingFault):
            decode([kind], word.to_bytes(32, "big") + (1 << 70).to_bytes(32, "big"))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_an_encoder_writes_is_read_back(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=5))
    values = tuple(data.draw(KINDS[kind]) for kind in kinds)
    assert decode(kinds, encode(kinds, values)) == values == reference(kinds, encode(kinds, values))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_read_of_altered_data_is_what_eth_abi_reads(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    raw = bytearray(encode(kinds, tuple(data.draw(KINDS[kind]) for kind in kinds)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = decode(kinds, bytes(raw))
    except (DecodingFault, UnicodeDecodeError):
        return
    try:
        assert found == reference(kinds, bytes(raw))
    except (DecodingError, UnicodeDecodeError):
        # eth_abi refuses some offsets that overlap the head; nothing that encodes is among them.
        assert any(fixed_size(kind) is None for kind in kinds)


def test_an_address_is_twenty_bytes() -> None:
    assert decode(["address[]"], encode(["address[]"], [["0x" + "11" * 20]])) == ((b"\x11" * 20,),)
