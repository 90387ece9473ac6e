"""Clique headers made from keys: what is refused, at which step, and whom the votes let in and out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from ledger_node.consensus.rules import Followed
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import (
    ADD_NONCE,
    COVERED,
    Block,
    CliqueChain,
    address,
    by_address,
    other_digit,
    text,
)
from tests.ledger_node.consensus.outcomes import of, where


def known(chain: CliqueChain) -> Followed:
    """What is known after the head."""
    outcome = of(chain)
    assert outcome.failure is None
    assert outcome.followed is not None
    return outcome.followed


def members(chain: CliqueChain) -> set[bytes]:
    return set(known(chain).validators)


def varied() -> CliqueChain:
    """A chain with an epoch, votes in and out, and seals out of turn."""
    chain = CliqueChain(1, 2, 3, 4, epoch=8)
    chain.seal(vote=(5, True))
    chain.seal(vote=(5, True))
    chain.seal()
    chain.seal(vote=(5, True))
    chain.signers.add(5)
    chain.rounds(2)
    chain.seal(chain.free()[-1])
    return chain.rounds(5)


VARIED = varied()
RULES = read_genesis(VARIED.genesis_file())


def states() -> list[Followed]:
    found = [start(RULES, read_header(VARIED.blocks[0]))]
    for block in VARIED.blocks[1:]:
        found.append(follow(RULES, found[-1], read_header(block)))
    return found


STATES = states()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, len(STATES) - 1), st.sampled_from(COVERED), st.integers(0, 2000), st.integers(0, 14))
def test_any_changed_digit_is_refused(number: int, name: str, at: int, step: int) -> None:
    block = other_digit(VARIED.blocks[number], name, at, step)
    del block["hash"]
    before = STATES[number - 1 : number] if number else []
    assert not verify_headers(VARIED.file([block]), RULES, before).ok, (number, name, at)


def test_a_header_dropped_doubled_or_out_of_order_is_refused() -> None:
    blocks = VARIED.blocks
    assert where(of(VARIED, blocks[:5] + blocks[6:])) == (5, "number")
    assert where(of(VARIED, blocks[:5] + blocks[4:])) == (5, "number")
    assert where(of(VARIED, [*blocks[:4], blocks[5], blocks[4]])) == (4, "number")


def test_a_header_of_another_chain_in_the_middle_is_refused() -> None:
    other = CliqueChain(1, 2, 3, 4, epoch=8).rounds(6)
    assert where(of(VARIED, [*VARIED.blocks[:5], *other.blocks[5:]])) == (5, "parent")


def test_a_chain_in_turns_holds_with_any_number_of_signers() -> None:
    for count in range(1, 8):
        assert of(CliqueChain(*range(count)).rounds(2 * count)).ok


def test_a_stranger_may_not_seal() -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(3)
    chain.seal(9)
    assert where(of(chain)) == (4, "signer")


@pytest.mark.parametrize("wait", [1, 2])
def test_who_sealed_one_of_the_last_blocks_must_wait(wait: int) -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(4)
    order = by_address(1, 2, 3, 4)
    chain.seal(order[(len(chain.blocks) - wait) % 4])
    assert where(of(chain)) == (5, "recent")


def test_who_waited_long_enough_may_seal_out_of_turn() -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(4)
    order = by_address(1, 2, 3, 4)
    chain.seal(order[(len(chain.blocks) - 3) % 4])
    assert of(chain).ok


@pytest.mark.parametrize(("in_turn", "difficulty"), [(True, "0x1"), (False, "0x2")])
def test_difficulty_says_whose_turn_it_is(in_turn: bool, difficulty: str) -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(4)
    order = by_address(1, 2, 3, 4)
    chain.seal(chain.turn() if in_turn else order[(len(chain.blocks) + 1) % 4], difficulty=difficulty)
    assert where(of(chain)) == (5, "turn")


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"difficulty": "0x0"}, "fields"),
        ({"difficulty": "0x3"}, "fields"),
        ({"mixHash": "0x" + "00" * 31 + "01"}, "fields"),
        ({"nonce": "0x0000000000000001"}, "fields"),
        ({"sha3Uncles": "0x" + "11" * 32}, "fields"),
        ({"gasUsed": "0x1c9c381"}, "fields"),
        ({"gasLimit": "0x1"}, "fields"),
        ({"gasLimit": hex(30_000_000 + 30_000_000 // 1024)}, "fields"),
        ({"gasLimit": hex(30_000_000 - 30_000_000 // 1024)}, "fields"),
        ({"baseFeePerGas": "0x0"}, "fields"),
        ({"timestamp": hex(1_600_000_002)}, "time"),
        ({"timestamp": hex(2**48)}, "fields"),
        ({"number": "0x4"}, "number"),
        ({"parentHash": "0x" + "22" * 32}, "parent"),
        ({"bare": bytes(31)}, "extra"),
        ({"bare": bytes(33)}, "extra"),
        ({"bare": bytes(32 + 20)}, "extra"),
        ({"miner": "0x" + "11" * 20, "nonce": "0xfffffffffffffffe"}, "fields"),
    ],
)
def test_a_sealed_header_that_breaks_a_rule_is_refused_at_its_step(changes: dict[str, Any], step: str) -> None:
    chain = CliqueChain(1, 2, 3, 4, period=1).rounds(2)
    chain.seal(**changes)
    assert where(of(chain)) == (3, step)


@pytest.mark.parametrize("more", [-1, 1])
def test_the_gas_limit_may_move_by_less_than_a_part_in_1024(more: int) -> None:
    chain = CliqueChain(1, 2, 3, 4)
    chain.seal(gasLimit=hex(30_000_000 + more * (30_000_000 // 1024 - 1)))
    assert of(chain).ok


def test_a_field_of_shanghai_is_refused() -> None:
    chain = CliqueChain(1, 2, 3, 4, londonBlock=0)
    chain.seal(baseFeePerGas=hex(875_000_000))
    chain.head["withdrawalsRoot"] = "0x" + "00" * 32
    assert where(of(chain)) == (1, "fields")


@pytest.mark.parametrize("v", [2, 27, 28, 255])
def test_a_seal_with_another_v_is_refused(v: int) -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(1)
    chain.head["extraData"] = chain.head["extraData"][:-2] + f"{v:02x}"
    assert where(of(chain)) == (1, "signer")


def test_a_block_comes_a_period_after_its_parent() -> None:
    chain = CliqueChain(1, 2, 3, period=5).rounds(2)
    assert of(chain).ok
    chain.seal(timestamp=hex(int(chain.head["timestamp"], 16) + 4))
    assert where(of(chain)) == (3, "time")


# --- headers of live signers (geth 1.13.15: three, a fourth voted in and out, one stopped, an epoch of ten blocks)

LIVE = json.loads((Path(__file__).parents[2] / "data" / "clique_3_to_4.json").read_bytes())
LIVE_RULES = read_genesis(json.dumps(LIVE["genesis"]).encode())


def live(blocks: list[Block]) -> Outcome:
    return verify_headers(json.dumps({"headers": blocks}).encode(), LIVE_RULES)


def test_the_headers_of_live_signers_hold_and_give_what_their_node_knows() -> None:
    outcome = live(LIVE["headers"])
    assert outcome.ok
    assert outcome.followed is not None
    snapshot = LIVE["snapshot"]
    assert [text(each) for each in outcome.followed.validators] == sorted(snapshot["signers"])
    assert {str(each.number): text(each.signer) for each in outcome.followed.recents} == snapshot["recents"]
    assert outcome.followed.votes == ()
    sizes = {len(block["extraData"]) for block in LIVE["headers"]}
    assert len(sizes) > 2, "an epoch block lists four"


@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("number", [0, 1, 10, 20, 34])
def test_a_changed_digit_of_a_live_header_is_refused(name: str, number: int) -> None:
    blocks = [dict(block) for block in LIVE["headers"]]
    blocks[number] = other_digit(blocks[number], name, 7)
    assert where(live(blocks[: number + 1])) is not None


def test_a_live_header_dropped_or_doubled_is_refused() -> None:
    blocks = LIVE["headers"]
    assert where(live(blocks[:20] + blocks[21:])) == (20, "number")
    assert where(live(blocks[:20] + blocks[19:])) == (20, "number")


# --- votes


def test_more_than_half_let_somebody_in_at_the_next_block() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    for _ in range(2):
        chain.seal(vote=(5, True))
    assert address(5) not in members(chain)
    chain.seal(vote=(5, True))
    assert address(5) in members(chain)
    assert known(chain).votes == ()
    chain.signers.add(5)
    assert of(chain.rounds(10)).ok


def test_who_was_voted_out_seals_no_more() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    out = by_address(1, 2, 3, 4)[0]
    for _ in range(3):
        chain.seal(vote=(out, False))
    chain.signers.remove(out)
    chain.seal(out, difficulty="0x1")
    assert where(of(chain)) == (4, "signer")
    chain.blocks.pop()
    assert of(chain.rounds(6)).ok


def test_turns_follow_the_set_that_votes_made() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    for _ in range(3):
        chain.seal(vote=(5, True))
    chain.seal()
    assert where(of(chain)) in (None, (4, "turn"))
    stale = by_address(1, 2, 3, 4)[len(chain.blocks) % 4]
    chain.signers.add(5)
    if stale != chain.turn():
        chain.seal(stale, difficulty="0x2")
        assert where(of(chain)) is not None


def test_one_signer_votes_once_and_may_change_its_mind() -> None:
    chain = CliqueChain(1, 2)
    chain.seal(vote=(5, True))
    chain.seal()
    chain.seal(vote=(5, True))
    assert len(known(chain).votes) == 1
    chain.seal()
    chain.seal(vote=(5, False))
    assert known(chain).votes == ()


def test_a_vote_that_would_change_nothing_is_not_kept() -> None:
    chain = CliqueChain(1, 2, 3)
    chain.seal(vote=(2, True))
    chain.seal(vote=(9, False))
    assert known(chain).votes == ()


def test_votes_of_and_about_who_leaves_are_dropped() -> None:
    chain = CliqueChain(1, 2, 3, 4, 5)
    order = by_address(1, 2, 3, 4, 5)
    leaving = order[(len(chain.blocks)) % 5]
    chain.seal(vote=(9, True))
    for _ in range(3):
        chain.seal(vote=(leaving, False))
    after = known(chain)
    assert address(leaving) not in after.validators
    assert after.votes == ()


def test_a_pending_vote_passes_with_the_next_one_when_the_set_shrank() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    order = by_address(1, 2, 3, 4)
    out = order[0]
    chain.seal(order[1], vote=(9, True))
    chain.seal(order[2], vote=(9, True))
    chain.seal(order[3], vote=(out, False))
    chain.seal(order[1], vote=(out, False))
    chain.seal(order[2], vote=(out, False))
    chain.signers.remove(out)
    assert address(9) not in members(chain)
    chain.seal(order[3], vote=(8, True))
    assert address(9) not in members(chain)
    chain.seal(order[1], vote=(9, True))
    assert address(9) in members(chain)


def test_an_epoch_block_clears_votes_and_must_list_the_set() -> None:
    chain = CliqueChain(1, 2, 3, 4, epoch=3)
    chain.seal(vote=(5, True))
    chain.seal(vote=(5, True))
    chain.rounds(1)
    assert known(chain).votes == ()
    chain.seal(vote=(5, True))
    assert address(5) not in members(chain)


@pytest.mark.parametrize("listed", [(), (1, 2, 3), (1, 2, 3, 5), (1, 2, 3, 4, 5)])
def test_an_epoch_block_with_another_set_is_refused(listed: tuple[int, ...]) -> None:
    chain = CliqueChain(1, 2, 3, 4, epoch=3).rounds(2)
    chain.seal(bare=bytes(32) + b"".join(address(each) for each in by_address(*listed)))
    assert where(of(chain)) == (3, "set")


def test_an_epoch_block_that_lists_the_set_in_another_order_is_refused() -> None:
    chain = CliqueChain(1, 2, 3, epoch=3).rounds(2)
    chain.seal(bare=bytes(32) + b"".join(address(each) for each in reversed(by_address(1, 2, 3))))
    assert where(of(chain)) == (3, "extra")


@pytest.mark.parametrize("changes", [{"nonce": ADD_NONCE}, {"miner": "0x" + "11" * 20}])
def test_an_epoch_block_with_a_vote_is_refused(changes: dict[str, Any]) -> None:
    chain = CliqueChain(1, 2, 3, epoch=3).rounds(2)
    chain.seal(**changes)
    assert where(of(chain)) == (3, "vote")


def test_who_sealed_before_the_set_shrank_is_free_as_early_as_the_smaller_set_says() -> None:
    chain = CliqueChain(1, 2, 3, 4)
    order = by_address(1, 2, 3, 4)
    out = order[0]
    chain.seal(order[1], vote=(out, False))
    chain.seal(order[2], vote=(out, False))
    chain.seal(order[3], vote=(out, False))
    chain.signers.remove(out)
    chain.seal(order[2])
    assert of(chain).ok


def test_a_genesis_without_signers_is_refused() -> None:
    chain = CliqueChain(1)
    chain.genesis["extraData"] = "0x" + "00" * 97
    outcome = verify_headers(chain.file(), read_genesis(chain.genesis_file()))
    assert where(outcome) == (0, "genesis")
