"""Covers: what claims under them, and what does not."""

import pytest

from ledger_node.bindings.structs import Cover
from ledger_node.covers import is_covered, rules_of

COVER = Cover(3, 1, b"f" * 32, 0b1010, b"t" * 32, 1000, 2000, 900)


@pytest.mark.parametrize("rule", [0, 2, 31])
def test_a_rule_that_the_cover_does_not_name_is_not_covered(rule: int) -> None:
    assert not is_covered(COVER, rule, 1500)


@pytest.mark.parametrize("slot_ms", [0, 999, 2000, 2001])
def test_nothing_is_covered_before_the_start_or_from_the_end_on(slot_ms: int) -> None:
    assert not is_covered(COVER, 1, slot_ms)


@pytest.mark.parametrize("slot_ms", [1000, 1999])
def test_a_named_rule_is_covered_while_the_cover_is_in_force(slot_ms: int) -> None:
    assert is_covered(COVER, 3, slot_ms)


def test_the_rules_of_a_cover_are_its_bits() -> None:
    assert rules_of(COVER) == [1, 3]
