"""Clique headers made from keys: which block is the last final one, and what base fee follows on a block."""

import pytest

from tests.ledger_node.consensus.chains import CliqueChain
from tests.ledger_node.consensus.outcomes import of, where


def test_the_last_final_block_is_told_by_the_set_after_it_when_the_set_shrinks() -> None:
    """Three stand on a block of four; the two that a block of three needs come only after the block that shrank it."""
    chain = CliqueChain(1, 2, 3, 4).rounds(3)
    for _ in range(3):
        chain.seal(vote=(4, False))
    at_6 = of(chain)
    assert at_6.followed is not None
    assert len(at_6.followed.validators) == 3
    assert (at_6.final, [each.tip.number for each in at_6.earlier]) == (3, [3, 4, 5])
    chain.signers.remove(4)
    assert of(chain.rounds(1)).final == 4
    assert of(chain.rounds(1)).final == 6


def test_the_last_final_block_is_told_by_the_set_after_it_when_the_set_grows() -> None:
    """Three stand on a block of four or five, four on one of six."""
    chain = CliqueChain(1, 2, 3, 4, 5).rounds(2)
    for _ in range(3):
        chain.seal(vote=(6, True))
    chain.signers.add(6)
    final = [of(chain.rounds(1)).final for _ in range(5)]
    assert final == [3, 4, 4, 5, 6]


def test_a_list_that_begins_with_block_1_is_final_up_to_block_0() -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(2)
    outcome = of(chain, chain.blocks[1:])
    assert (outcome.final, [each.tip.number for each in outcome.earlier]) == (0, [0, 1])


# --- London


def london(first: int) -> CliqueChain:
    return CliqueChain(1, 2, 3, londonBlock=first)


def test_the_base_fee_follows_the_use_of_the_parent() -> None:
    chain = london(2)
    chain.seal()
    chain.seal(gasLimit=hex(60_000_000), baseFeePerGas=hex(10**9), gasUsed=hex(60_000_000))
    chain.seal(baseFeePerGas=hex(1_125_000_000), gasUsed=hex(30_000_000))
    chain.seal(baseFeePerGas=hex(1_125_000_000))
    chain.seal(baseFeePerGas=hex(984_375_000))
    assert of(chain).ok
    chain.seal(baseFeePerGas=hex(984_375_000))
    assert where(of(chain)) == (6, "fields")


@pytest.mark.parametrize("changes", [{}, {"baseFeePerGas": "0x0"}])
def test_a_london_block_without_its_base_fee_is_refused(changes: dict[str, str]) -> None:
    chain = london(1)
    chain.seal(gasLimit=hex(60_000_000), **changes)
    assert where(of(chain)) == (1, "fields")


def test_a_base_fee_of_zero_rises_by_one_over_half_use() -> None:
    chain = london(0)
    fee = 10**9
    chain.seal(baseFeePerGas=hex(fee := fee - fee // 8), gasUsed=hex(15_000_000))
    chain.seal(baseFeePerGas=hex(fee), gasUsed=hex(15_000_001))
    chain.seal(baseFeePerGas=hex(fee + max(fee // 15_000_000 // 8, 1)))
    assert of(chain).ok
