"""Words of records: one meaning for each word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.words import (
    CoverWord,
    EntityWord,
    FacilityWord,
    FleetWord,
    PledgeWord,
    ReceiptWord,
    ReviewWord,
    Word,
    WordError,
    seq_of,
)

KINDS: list[type[Word]] = [ReceiptWord, EntityWord, FleetWord, FacilityWord, ReviewWord, CoverWord, PledgeWord]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bit_of_no_field_is_refused(kind: type[Word]) -> None:
    used = {bit for low, high in kind.LAYOUT.values() for bit in range(low, high + 1)}
    for bit in set(range(256)) - used:
        with pytest.raises(WordError, match=f"bit {bit} belongs to no field"):
            kind.unpack(1 << bit)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", [-1, 1 << 256])
def test_a_number_over_256_bits_is_refused(kind: type[Word], word: int) -> None:
    with pytest.raises(WordError, match="256 bits"):
        kind.unpack(word)


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_over_its_span_is_refused_by_name(kind: type[Word]) -> None:
    for name, (low, high) in kind.LAYOUT.items():
        values = dict.fromkeys(kind.LAYOUT, 0) | {name: 1 << high - low + 1}
        with pytest.raises(WordError, match=f"{kind.__name__}.{name}"):
            kind(**values).pack()


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_fields_share_a_bit(kind: type[Word]) -> None:
    bits = [bit for low, high in kind.LAYOUT.values() for bit in range(low, high + 1)]
    assert len(bits) == len(set(bits))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_unpacking_gives_back_what_was_packed(kind: type[Word], data: st.DataObject) -> None:
    values = {
        name: data.draw(st.integers(0, (1 << high - low + 1) - 1), label=name)
        for name, (low, high) in kind.LAYOUT.items()
    }
    word = kind(**values).pack()
    assert kind.unpack(word) == kind(**values)
    assert seq_of(word) == values["seq"]
