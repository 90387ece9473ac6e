"""QBFT headers, of live validators and made from keys: what is refused, at which step, and what is followed."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from ledger_node.consensus.rules import Followed
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import (
    COVERED,
    Block,
    QbftChain,
    add,
    drop,
    other_digit,
    qbft_extra,
    raw,
    sign,
    text,
)
from tests.ledger_node.consensus.outcomes import of, where
from tests.ledger_node.vectors import QBFT

LIVE: list[Block] = QBFT["headers"]
RULES = read_genesis(json.dumps(QBFT["genesis"]).encode())
DEEP = bool(os.environ.get("CANGDAN_DEEP"))


def check(blocks: list[Block]) -> Outcome:
    return verify_headers(json.dumps({"headers": blocks}).encode(), RULES)


def states() -> list[Followed]:
    """What is known after each header of the live chain."""
    found = [start(RULES, read_header(LIVE[0]))]
    for block in LIVE[1:]:
        found.append(follow(RULES, found[-1], read_header(block)))
    return found


STATES = states()


def test_the_headers_of_live_validators_hold_and_give_their_sets() -> None:
    outcome = check(LIVE)
    assert outcome.ok
    assert outcome.checked == 26
    for first, validators in QBFT["validators_from_block"].items():
        assert [text(each) for each in STATES[int(first)].validators] == validators
    assert {text(each.tip.hash) for each in STATES} == {block["hash"] for block in LIVE}


def digits() -> Iterator[tuple[int, str, int]]:
    """Every digit of every covered field of the live headers."""
    for number, block in enumerate(LIVE):
        for name in COVERED:
            for at in range(len(block[name]) - 2):
                yield number, name, at


def refused(number: int, name: str, at: int, step: int) -> bool:
    """Whether one changed digit is found in its own header."""
    block = other_digit(LIVE[number], name, at, step)
    del block["hash"]
    before = STATES[number - 1 : number] if number else []
    outcome = verify_headers(json.dumps({"headers": [block]}).encode(), RULES, before)
    return where(outcome) is not None


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, 25), st.sampled_from(COVERED), st.integers(0, 2000), st.integers(0, 14))
def test_any_changed_digit_of_a_covered_field_is_refused(number: int, name: str, at: int, step: int) -> None:
    assert refused(number, name, at, step), (number, name, at)


@pytest.mark.parametrize("name", COVERED)
def test_a_changed_digit_is_named_with_its_header(name: str) -> None:
    blocks = [*LIVE[:7], other_digit(LIVE[7], name, 3), *LIVE[8:]]
    found = where(check(blocks))
    assert found is not None
    assert found[0] == 7


@pytest.mark.parametrize("part", range(8))
def test_digits_all_over_the_chain_are_refused(part: int) -> None:
    """Every one of them with CANGDAN_DEEP, one in 160 without."""
    for place, (number, name, at) in enumerate(islice(digits(), part, None, 8 if DEEP else 1280)):
        assert refused(number, name, at, place), (number, name, at)


@pytest.mark.parametrize("number", [1, 12, 24])
def test_a_header_dropped_from_the_middle_is_missed(number: int) -> None:
    assert where(check(LIVE[:number] + LIVE[number + 1 :])) == (number, "number")


@pytest.mark.parametrize("number", [0, 1, 12, 25])
def test_a_header_that_stands_twice_is_refused(number: int) -> None:
    assert where(check(LIVE[: number + 1] + LIVE[number:])) == (number + 1, "number")


def test_headers_in_another_order_are_refused() -> None:
    assert where(check([*LIVE[:5], LIVE[6], LIVE[5], *LIVE[7:]])) == (5, "number")


def test_a_hash_that_is_given_and_is_another_is_refused() -> None:
    assert where(check([*LIVE[:3], {**LIVE[3], "hash": LIVE[4]["hash"]}])) == (3, "hash")
    assert check([{name: value for name, value in block.items() if name != "hash"} for block in LIVE]).ok


@pytest.mark.parametrize("name", ["size", "totalDifficulty", "transactions", "uncles"])
def test_what_is_no_part_of_a_header_is_ignored(name: str) -> None:
    assert check([{**block, name: ["anything"]} for block in LIVE]).ok
    assert check([{each: value for each, value in block.items() if each != name} for block in LIVE]).ok


@pytest.mark.parametrize("name", ["seal", "withdrawals", "verkleRoot", "author"])
def test_any_other_field_is_refused(name: str) -> None:
    assert where(check([*LIVE[:2], {**LIVE[2], name: "0x00"}])) == (2, "format")


@pytest.mark.parametrize("name", COVERED)
def test_a_missing_field_is_refused(name: str) -> None:
    block = {each: value for each, value in LIVE[2].items() if each != name}
    assert where(check([*LIVE[:2], block])) == (2, "format")


def live_extra(number: int, **changes: Any) -> Block:
    """A live header with parts of its extra data changed, its seals as they are."""
    vanity, validators, vote, round_, seals = rlp.decode(raw(LIVE[number]["extraData"]))
    parts = {"vanity": vanity, "validators": validators, "vote": vote, "round": round_, "seals": seals, **changes}
    block = {**LIVE[number], "extraData": text(bytes(rlp.encode(list(parts.values()))))}
    del block["hash"]
    return block


def seals_of(number: int) -> list[bytes]:
    return list(rlp.decode(raw(LIVE[number]["extraData"]))[4])


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"seals": seals_of(20)[:-1]}, "seals"),
        ({"seals": [*seals_of(20)[:-1], seals_of(20)[0]]}, "seals"),
        ({"seals": seals_of(21)}, "seals"),
        ({"seals": []}, "seals"),
        ({"seals": [*seals_of(20), seals_of(20)[0]]}, "seals"),
        ({"seals": [seals_of(20)[0][:-1], *seals_of(20)[1:]]}, "extra"),
        ({"seals": [seals_of(20)[0][:64] + b"\x1b", *seals_of(20)[1:]]}, "seals"),
        ({"seals": [bytes(65), *seals_of(20)[1:]]}, "seals"),
        ({"seals": b""}, "extra"),
        ({"round": b"\x05"}, "seals"),
        ({"round": b"\x00\x01"}, "extra"),
        ({"round": b"\x01" * 5}, "extra"),
        ({"round": [b"\x01"]}, "extra"),
        ({"vote": b""}, "vote"),
        ({"vote": [bytes(20)]}, "vote"),
        ({"vote": [bytes(19), b"\xff"]}, "vote"),
        ({"vote": [bytes(20), b"\x01"]}, "vote"),
        ({"vote": [bytes(20), b"\x00"]}, "vote"),
        ({"vote": [bytes(20), b"\xff"]}, "seals"),
        ({"vanity": bytes(31)}, "extra"),
        ({"vanity": bytes(33)}, "extra"),
        ({"vanity": bytes(32)}, "seals"),
        ({"validators": []}, "set"),
        ({"validators": [bytes(21)]}, "extra"),
        ({"validators": [bytes(20), bytes(20)]}, "extra"),
    ],
)
def test_changed_extra_data_is_refused_at_its_step(changes: dict[str, Any], step: str) -> None:
    assert where(check([*LIVE[:20], live_extra(20, **changes)])) == (20, step)


@pytest.mark.parametrize("more", [b"\0", bytes.fromhex("c0")])
def test_extra_data_with_bytes_after_its_end_is_refused(more: bytes) -> None:
    block = {**LIVE[4], "extraData": text(raw(LIVE[4]["extraData"]) + more)}
    assert where(check([*LIVE[:4], block])) == (4, "extra")


def test_extra_data_that_is_not_the_shortest_rlp_is_refused() -> None:
    plain = raw(LIVE[1]["extraData"])
    assert plain[0] == 0xF9
    longer = b"\xfa\x00" + plain[1:]
    assert where(check([LIVE[0], {**LIVE[1], "extraData": text(longer)}])) == (1, "extra")


def test_a_block_0_with_seals_is_not_the_genesis() -> None:
    found = where(check([live_extra(0, seals=seals_of(1))]))
    assert found == (0, "genesis")


# --- chains made from keys


def test_a_made_chain_holds() -> None:
    assert of(QbftChain(1, 2, 3, 4).rounds(5)).ok


@pytest.mark.parametrize("members", [1, 2, 3, 4, 5, 6, 7, 10])
def test_two_thirds_rounded_up_must_seal(members: int) -> None:
    chain = QbftChain(*range(members))
    chain.seal()
    needed = -(-2 * members // 3)
    chain.seal(sealers=list(range(needed - 1)))
    assert where(of(chain)) == (2, "seals")
    chain.blocks.pop()
    chain.seal(sealers=list(range(members)))
    assert of(chain).ok


def test_more_seals_than_needed_do_not_cover_one_of_a_stranger_or_a_second_one() -> None:
    for sealers in ([1, 2, 3, 9], [1, 2, 3, 3]):
        chain = QbftChain(1, 2, 3, 4)
        chain.seal(sealers=sealers)
        assert where(of(chain)) == (1, "seals")


@pytest.mark.parametrize(("round_", "sealed", "step"), [(1, 0, "seals"), (0, 1, "seals"), (2**32, 2**32, "extra")])
def test_seals_over_another_round_are_refused(round_: int, sealed: int, step: str) -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(round_=round_, sealed_round=sealed)
    assert where(of(chain)) == (1, step)


@pytest.mark.parametrize("round_", [1, 127, 128, 70_000, 2**32 - 1])
def test_a_later_round_holds_and_leaves_the_hash_as_it_is(round_: int) -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(round_=round_)
    assert of(chain.rounds(1)).ok


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"difficulty": "0x2"}, "fields"),
        ({"difficulty": "0x0"}, "fields"),
        ({"nonce": "0x00000000000000ff"}, "fields"),
        ({"sha3Uncles": "0x" + "11" * 32}, "fields"),
        ({"gasUsed": "0x1c9c381"}, "fields"),
        ({"gasLimit": "0x8000000000000000"}, "fields"),
        ({"timestamp": "0x1"}, "time"),
        ({"timestamp": hex(2**48)}, "fields"),
        ({"number": "0x3"}, "number"),
        ({"parentHash": "0x" + "22" * 32}, "parent"),
    ],
)
def test_a_sealed_header_that_breaks_a_rule_is_refused_at_its_step(changes: dict[str, Any], step: str) -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(**changes)
    assert where(of(chain)) == (1, step)


def test_a_sealed_header_without_the_mix_hash_is_refused() -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal()
    chain.head.update({"mixHash": "0x" + "00" * 32})
    assert where(of(chain)) == (1, "fields")


def test_a_proposer_that_is_no_validator_is_refused() -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(proposer=9)
    assert where(of(chain)) == (1, "proposer")


def voted_out() -> QbftChain:
    """Five validators, of which the fifth is voted out and known to be gone."""
    chain = QbftChain(1, 2, 3, 4, 5)
    for proposer in (1, 2, 3):
        chain.seal(proposer=proposer, vote=drop(5))
    chain.validators.remove(5)
    return chain


def test_who_is_voted_out_seals_no_more() -> None:
    chain = voted_out()
    chain.seal(sealers=[1, 2, 5])
    assert where(of(chain)) == (4, "seals")
    chain.blocks.pop()
    assert of(chain.rounds(2)).ok


def test_past_validators_among_themselves_seal_no_more() -> None:
    chain = voted_out()
    chain.validators.add(5)
    chain.seal(sealers=[2, 3, 4, 5])
    assert where(of(chain)) == (4, "set")


def test_a_set_that_no_vote_made_is_refused() -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(vote=add(5), proposer=1)
    chain.seal(vote=add(5), proposer=2)
    chain.validators.add(5)
    chain.seal()
    assert where(of(chain)) == (3, "set")


def test_who_is_voted_in_seals_from_the_next_block_on() -> None:
    chain = QbftChain(1, 2, 3, 4)
    for proposer in (1, 2, 3):
        chain.seal(vote=add(5), proposer=proposer)
    chain.validators.add(5)
    chain.seal(sealers=[2, 3, 4, 5])
    assert of(chain).ok


def test_one_proposer_votes_once() -> None:
    chain = QbftChain(1, 2, 3, 4)
    for _ in range(4):
        chain.seal(vote=add(5), proposer=1)
    assert of(chain).ok
    chain.validators.add(5)
    chain.seal()
    assert where(of(chain)) == (5, "set")


@pytest.mark.parametrize("quorum_client", [True, False])
def test_an_epoch_block_clears_votes(quorum_client: bool) -> None:
    chain = QbftChain(1, 2, 3, 4, epoch=4, quorum_client=quorum_client)
    chain.seal(vote=add(5), proposer=1)
    chain.seal(vote=add(5), proposer=2)
    chain.rounds(2)
    chain.seal(vote=add(5), proposer=3)
    assert of(chain.rounds(1)).ok
    chain.validators.add(5)
    chain.seal()
    assert where(of(chain)) == (7, "set")


@pytest.mark.parametrize(("quorum_client", "ends"), [(True, None), (False, (6, "set"))])
def test_a_vote_in_an_epoch_block_counts_with_goquorum_and_not_with_besu(
    quorum_client: bool, ends: tuple[int, str] | None
) -> None:
    chain = QbftChain(1, 2, 3, 4, epoch=3, quorum_client=quorum_client)
    chain.rounds(2)
    for proposer in (1, 2):
        chain.seal(vote=add(5), proposer=proposer)
    chain.seal(vote=add(5), proposer=3)
    chain.validators.add(5)
    chain.seal()
    assert where(of(chain)) == ends


def test_seals_with_s_in_the_upper_half_count_once() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    chain = QbftChain(1, 2, 3, 4)
    chain.seal()
    parts = rlp.decode(raw(chain.head["extraData"]))
    seals = list(parts[4])
    upper = seals[0][:32] + (order - int.from_bytes(seals[0][32:64], "big")).to_bytes(32, "big")
    upper += bytes([1 - seals[0][64]])
    chain.head["extraData"] = text(qbft_extra([1, 2, 3, 4], None, 0, [upper, *seals[1:]]))
    assert of(chain).ok
    chain.head["extraData"] = text(qbft_extra([1, 2, 3, 4], None, 0, [upper, *seals]))
    assert where(of(chain)) == (1, "seals")


def test_a_seal_is_over_the_header_and_not_over_its_hash() -> None:
    chain = QbftChain(1, 2, 3, 4)
    chain.seal(round_=1)
    seals = [sign(each, raw(chain.head["hash"])) for each in (1, 2, 3)]
    chain.head["extraData"] = text(qbft_extra([1, 2, 3, 4], None, 1, seals))
    assert where(of(chain)) == (1, "seals")
