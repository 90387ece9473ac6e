"""Bodies of the index: what is no value of its type is refused, and every value comes back as it was."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.values import Wide
from registry import structs
from registry.index.codec import decode, encode
from registry.items import Goods, Panel
from registry.words import PledgeWord

GOODS = Goods(bytes(32), bytes(32), 3)


@pytest.mark.parametrize(
    "body",
    [
        msgspec.msgpack.encode([bytes(32), bytes(32), "3"]),
        msgspec.msgpack.encode([bytes(32), bytes(32)]),
        msgspec.msgpack.encode([bytes(32), bytes(32), 3, 4]),
        msgspec.msgpack.encode({"key": bytes(32), "receipt": bytes(32), "generation": 3}),
        encode(GOODS)[:-1],
        b"",
    ],
    ids=["another type", "a field too few", "a field too many", "names", "cut short", "nothing"],
)
def test_a_body_that_is_none_of_its_type_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(Goods, body)


def test_a_number_that_needs_more_than_its_field_says_is_not_written() -> None:
    with pytest.raises(OverflowError):
        encode(Goods(bytes(32), bytes(32), 1 << 64))


@given(st.integers(0, (1 << 256) - 1))
def test_a_wide_number_of_any_size_comes_back(members: int) -> None:
    panel = Panel(1, 2, Wide(members))
    assert decode(Panel, encode(panel)) == panel


@given(st.integers(0, (1 << 96) - 1))
def test_the_tag_of_a_pledges_word_comes_back(tag: int) -> None:
    word = PledgeWord.unpack(tag << 160)
    assert word.receipt_tag == tag
    assert decode(PledgeWord, encode(word)) == word
    assert word.pack() == tag << 160


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        GOODS.generation = 4  # type: ignore[misc]


@pytest.mark.parametrize("deciders", [1, 2, 3, 8])
def test_the_outcome_of_a_review_comes_back_however_many_decided(deciders: int) -> None:
    members = sum((7 + each) << 32 * each for each in range(deciders))
    decision = structs.Decision(bytes(32), 1, bytes(32), bytes(32), 5)
    told = structs.ReviewOutcome(decision, structs.Inspection(bytes(32), 0, bytes(32), 0), Wide(members))
    outcome = structs.ReviewOutcome.decode(told.encode())
    assert outcome == told
    assert decode(structs.ReviewOutcome, encode(outcome)) == outcome
