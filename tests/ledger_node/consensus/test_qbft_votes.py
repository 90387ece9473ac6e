"""Headers of live validators of which one dies, one is voted in and out, while votes are cleared at epoch blocks."""

import json
from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey

from ledger_node.consensus.checkpoint import dump_checkpoint, parse_checkpoint
from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import Outcome, verify_headers
from ledger_node.consensus.qbft import Extra, read_extra
from ledger_node.consensus.rules import Client, Followed, Rules
from ledger_node.hashing import sha256
from ledger_node.headers import read_header
from tests.ledger_node.consensus.chains import COVERED, Block, encoded, keccak, other_digit, raw, text
from tests.ledger_node.vectors import CHANGED, VOTED

BLOCKS: list[Block] = VOTED["headers"]
RULES = read_genesis(json.dumps(VOTED["genesis"]).encode())
EPOCHS = range(RULES.epoch, len(BLOCKS), RULES.epoch)


def check(blocks: list[Block], known: list[Followed] | None = None, **rules: Any) -> Outcome:
    return verify_headers(json.dumps({"headers": blocks}).encode(), replace(RULES, **rules), known or [])


def where(outcome: Outcome) -> tuple[int | None, str] | None:
    return None if outcome.failure is None else (outcome.failure.at, outcome.failure.step.value)


def extra(number: int) -> Extra:
    return read_extra(raw(BLOCKS[number]["extraData"]))


@pytest.fixture(scope="module")
def states() -> list[Followed]:
    return followed(RULES, BLOCKS)


def followed(rules: Rules, blocks: list[Block]) -> list[Followed]:
    """What is known after each header."""
    found = [start(rules, read_header(blocks[0]))]
    for block in blocks[1:]:
        found.append(follow(rules, found[-1], read_header(block)))
    return found


def check_told(vector: dict[str, Any], states: list[Followed]) -> None:
    """The set after each block is the one that a validator told."""
    told: list[str] = []
    for number, state in enumerate(states):
        told = vector["validators_from_block"].get(str(number), told)
        assert [text(each) for each in state.validators] == told, number


LATER = [number for number in range(len(BLOCKS)) if extra(number).round]
VOTES = [number for number in range(len(BLOCKS)) if extra(number).vote]
OF_FIVE = [number for number in range(len(BLOCKS)) if len(extra(number).validators) == 5]


def with_extra(number: int, **changes: Any) -> Block:
    """A header with parts of its extra data changed, and no hash told."""
    block = {**BLOCKS[number], "extraData": text(replace(extra(number), **changes).encoded())}
    del block["hash"]
    return block


def test_after_each_block_the_set_is_the_one_that_the_validators_told(states: list[Followed]) -> None:
    check_told(VOTED, states)
    assert [len(each) for each in VOTED["validators_from_block"].values()] == [4, 5, 4]


def test_a_set_of_the_genesis_file_seals_from_the_block_after_and_earlier_votes_count_on() -> None:
    rules = read_genesis(json.dumps(CHANGED["genesis"]).encode())
    states = followed(rules, CHANGED["headers"])
    check_told(CHANGED, states)
    assert list(CHANGED["validators_from_block"]) == ["0", "14", "18"]
    assert [len(state.votes) for state in states[11:19]] == [0, 1, 2, 2, 2, 2, 2, 0]


def test_headers_of_later_rounds_hold_with_four_and_with_five_validators() -> None:
    assert check(BLOCKS).ok
    assert {len(extra(number).validators) for number in LATER} == {4, 5}


@pytest.mark.parametrize("number", [LATER[0], LATER[-1]])
def test_a_later_round_is_sealed_with_its_number(number: int, states: list[Followed]) -> None:
    for round_ in (0, extra(number).round + 1):
        assert where(check([with_extra(number, round=round_)], states[number - 1 : number])) == (0, "seals")


def test_votes_wait_until_an_epoch_block_clears_them(states: list[Followed]) -> None:
    before, epoch = states[EPOCHS[1] - 1], states[EPOCHS[1]]
    assert (len(before.votes), len(epoch.votes)) == (2, 0)
    assert before.validators == epoch.validators


def test_without_that_epoch_the_fifth_would_have_come_earlier() -> None:
    said = check(BLOCKS, epoch=10**6)
    assert said.failure is not None
    assert said.failure.step.value == "set"
    assert said.checked < OF_FIVE[0]


def test_the_vote_in_an_epoch_block_of_goquorum_counts_and_as_of_besu_would_not() -> None:
    assert EPOCHS[-1] in VOTES
    assert where(check(BLOCKS, client=Client.BESU)) == (OF_FIVE[-1] + 1, "set")


def test_a_checkpoint_among_waiting_votes_goes_on(states: list[Followed]) -> None:
    at = VOTES[-1] - 1
    known = parse_checkpoint(dump_checkpoint(RULES, states[at]), RULES)
    assert known[0].votes
    assert check(BLOCKS[at + 1 :], list(known)).followed == states[-1]


def test_a_seal_of_a_past_validator_is_refused(states: list[Followed]) -> None:
    newest = len(BLOCKS) - 1
    digest = keccak(encoded(BLOCKS[newest], raw(with_extra(newest, seals=())["extraData"])))
    past = PrivateKey(sha256(b"cangdan test validators, 4")).sign_recoverable(digest, hasher=None)
    for seals in ((*extra(newest).seals[:-1], past), (*extra(newest).seals, past)):
        said = check([with_extra(newest, seals=seals)], states[newest - 1 : newest])
        assert where(said) == (0, "seals")
        assert said.failure is not None
        assert "no validator of this block" in said.failure.rule


@pytest.mark.parametrize("number", [VOTES[0], EPOCHS[1], OF_FIVE[0], LATER[-1], VOTES[-1]])
def test_a_header_dropped_or_doubled_is_refused(number: int) -> None:
    assert where(check(BLOCKS[:number] + BLOCKS[number + 1 :])) == (number, "number")
    assert where(check(BLOCKS[: number + 1] + BLOCKS[number:])) == (number + 1, "number")


@pytest.mark.parametrize("number", [VOTES[0], OF_FIVE[0], LATER[-1], EPOCHS[-1]])
def test_any_changed_digit_is_refused(number: int, states: list[Followed]) -> None:
    """One in seven, in each block from another one on."""
    for name in COVERED:
        for place in range(number % 7, len(BLOCKS[number][name]) - 2, 7):
            block = {
                key: value for key, value in other_digit(BLOCKS[number], name, place, place).items() if key != "hash"
            }
            assert not check([block], states[number - 1 : number]).ok, (name, place)
