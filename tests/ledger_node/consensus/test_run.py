"""Runs of headers and the trust files that believe them: what vouches for one block, and what does not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger_node.consensus.checkpoint import CheckpointError, dump_checkpoint, parse_checkpoint
from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import verify_headers
from ledger_node.consensus.rules import Followed, Rules
from ledger_node.consensus.run import Run
from ledger_node.headers import Header, read_header
from ledger_node.trust import Engine, PinnedBlock, Trust, TrustError, check_header, dump_trust, parse_trust
from tests.ledger_node.consensus.chains import Block, Chain, CliqueChain, QbftChain, add, by_address, drop, other_digit


def trust_at(chain: Chain, number: int) -> Trust:
    """A trust file of a verifier whose node was followed to a block."""
    rules = read_genesis(chain.genesis_file())
    followed = start(rules, read_header(chain.blocks[0]))
    for block in chain.blocks[1 : number + 1]:
        followed = follow(rules, followed, read_header(block))
    return Trust(Engine(rules.consensus.value), 7, rules.genesis_hash, rules=rules, checkpoint=followed)


def headers(blocks: list[Block]) -> tuple[Header, ...]:
    return tuple(read_header(block) for block in blocks)


def run(chain: Chain, number: int, *, after: int = 0, since: int | None = None) -> Run:
    """The run of a block with headers after it, and those from `since` on before it."""
    before = [] if since is None else chain.blocks[since:number]
    return Run(
        read_header(chain.blocks[number]), headers(before), headers(chain.blocks[number + 1 : number + 1 + after])
    )


CLIQUE = CliqueChain(1, 2, 3, 4, epoch=6).rounds(20)
QBFT = QbftChain(1, 2, 3, 4, 5, epoch=50).rounds(9)


def believed(trust: Trust, run_: Run) -> bool:
    return check_header(run_, None, trust) == run_.header.hash()


def refusal(trust: Trust, run_: Run) -> str:
    with pytest.raises(TrustError) as caught:
        check_header(run_, None, trust)
    return str(caught.value)


# --- Clique


@pytest.mark.parametrize("checkpoint", [0, 4, 10, 17])
@pytest.mark.parametrize("number", [1, 5, 6, 9])
def test_three_headers_by_other_signers_make_a_clique_block_final(checkpoint: int, number: int) -> None:
    trust = trust_at(CLIQUE, checkpoint)
    assert believed(trust, run(CLIQUE, number, after=3))
    assert "2 headers stand on block" in refusal(trust, run(CLIQUE, number, after=2))
    assert "0 headers stand on block" in refusal(trust, run(CLIQUE, number))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("name", ["stateRoot", "extraData", "timestamp", "parentHash", "miner", "difficulty"])
def test_a_changed_digit_anywhere_in_the_run_is_refused(place: int, name: str) -> None:
    blocks = [dict(block) for block in CLIQUE.blocks[9:13]]
    blocks[place] = other_digit(blocks[place], name, 9)
    found = headers(blocks)
    refusal(trust_at(CLIQUE, 4), Run(found[0], (), found[1:]))


def test_a_run_sealed_by_strangers_or_by_one_signer_again_is_refused() -> None:
    chain = CliqueChain(1, 2, 3, 4).rounds(8)
    trust = trust_at(chain, 4)
    chain.blocks[9:] = []
    chain.seal(9)
    chain.rounds(3)
    assert "the seal is of no signer" in refusal(trust, run(chain, 8, after=3))
    again = CliqueChain(1, 2, 3, 4).rounds(4)
    order = by_address(1, 2, 3, 4)
    for number in range(5, 9):
        turn = order[number % 4] == order[1]
        again.seal(order[1], difficulty="0x2" if turn else "0x1")
    assert "recent" in refusal(trust_at(again, 4), run(again, 5, after=3))


def test_a_run_with_a_gap_is_refused() -> None:
    found = headers([CLIQUE.blocks[9], CLIQUE.blocks[10], CLIQUE.blocks[12], CLIQUE.blocks[13]])
    assert "block 12 does not follow block 10" in refusal(trust_at(CLIQUE, 4), Run(found[0], (), found[1:]))


def test_another_block_of_the_checkpoints_number_is_refused() -> None:
    other = CliqueChain(1, 2, 3, 4, epoch=6).rounds(7)
    other.seal(gasUsed="0x1")
    other.rounds(5)
    trust = trust_at(CLIQUE, 8)
    assert "not the checkpoint's block" in refusal(trust, run(other, 8, after=3))
    assert "not the checkpoint's block" in refusal(trust, run(other, 7, after=3))
    assert believed(trust, run(CLIQUE, 8, after=3))


def test_a_block_after_the_checkpoint_stands_on_it() -> None:
    fork, votes = CliqueChain(1, 2, 3, 4, epoch=6).rounds(3), QbftChain(1, 2, 3, 4, 5, epoch=50).rounds(3)
    for _ in range(7):
        fork.seal(gasUsed="0x1")
        votes.seal(gasUsed="0x1")
    assert "does not stand on the checkpoint's block" in refusal(trust_at(CLIQUE, 5), run(fork, 6, after=3))
    assert "does not stand on the checkpoint's block" in refusal(trust_at(QBFT, 5), run(votes, 6))
    assert believed(trust_at(CLIQUE, 5), run(CLIQUE, 6, after=3))
    assert believed(trust_at(QBFT, 5), run(QBFT, 6))


def voted_in() -> CliqueChain:
    chain = CliqueChain(1, 2, 3, 4)
    for _ in range(3):
        chain.seal(vote=(5, True))
    chain.signers.add(5)
    return chain.rounds(9)


def test_signers_that_joined_after_the_checkpoint_are_followed_through_the_headers_before() -> None:
    chain = voted_in()
    trust = trust_at(chain, 1)
    assert believed(trust, run(chain, 8, since=2, after=3))
    refusal(trust, run(chain, 8, after=3))
    refusal(trust, run(chain, 8, since=3, after=3))
    refusal(trust, run(chain, 8, since=1, after=3))
    assert "2 headers stand" in refusal(trust, run(chain, 8, since=2, after=2))


# --- QBFT


@pytest.mark.parametrize("checkpoint", [0, 4, 9])
@pytest.mark.parametrize("number", [1, 4, 9])
def test_a_quorum_of_the_checkpoints_set_makes_a_qbft_block_final(checkpoint: int, number: int) -> None:
    trust = trust_at(QBFT, checkpoint)
    assert believed(trust, run(QBFT, number))
    if number < 9:
        assert "belong to nothing" in refusal(trust, run(QBFT, number, after=1))


def test_a_block_of_another_set_is_believed_only_with_the_votes_that_made_it() -> None:
    chain = QbftChain(1, 2, 3, 4).rounds(2)
    for proposer in (1, 2, 3):
        chain.seal(vote=add(5), proposer=proposer)
    chain.validators.add(5)
    chain.rounds(4)
    trust = trust_at(chain, 2)
    assert "not the followed set" in refusal(trust, run(chain, 8))
    assert believed(trust, run(chain, 8, since=3))
    assert "does not follow block 2" in refusal(trust, run(chain, 8, since=6))
    assert believed(trust_at(chain, 6), run(chain, 9))
    assert "not the followed set" in refusal(trust_at(chain, 6), run(chain, 2))


def test_past_validators_are_not_believed_by_a_checkpoint_after_them() -> None:
    chain = QbftChain(1, 2, 3, 4)
    for proposer in (1, 2, 3):
        chain.seal(vote=drop(4), proposer=proposer)
    chain.validators.remove(4)
    chain.rounds(1)
    trust = trust_at(chain, 4)
    chain.seal(sealers=[1, 2, 4])
    assert "of no validator" in refusal(trust, run(chain, 5))


# --- every engine


def test_block_0_is_believed_by_its_hash_alone() -> None:
    for chain in (CLIQUE, QBFT):
        trust = trust_at(chain, 3)
        assert believed(trust, run(chain, 0))
        assert "nothing asks for" in refusal(trust, run(chain, 0, after=1))
        assert "not the trusted genesis" in refusal(replace(trust, genesis_hash=bytes(32)), run(chain, 0))


def test_a_pinned_block_may_carry_a_run_that_is_linked() -> None:
    block_hash = read_header(CLIQUE.blocks[9]).hash()
    trust = Trust(Engine.PINNED, 7, bytes(32), pinned=(PinnedBlock(9, block_hash),))
    assert believed(trust, run(CLIQUE, 9, after=3))
    found = headers([CLIQUE.blocks[9], CLIQUE.blocks[11]])
    refusal(trust, Run(found[0], (), found[1:]))


@pytest.mark.parametrize("chain", [CLIQUE, QBFT, voted_in()])
def test_trust_files_of_validators_read_back(chain: Chain) -> None:
    for number in (0, 2, 5):
        trust = trust_at(chain, number)
        assert trust.rules is not None
        again = parse_trust(dump_trust(trust))
        assert again == replace(trust, rules=replace(trust.rules, genesis=None))


def document(trust: Trust) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_trust(trust))
    return found


A, B = "0x" + "01" * 20, "0x" + "02" * 20


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("rules", None, "trust.rules: must be an object"),
        ("rules.client", "besu", "trust.rules.client: must be geth"),
        ("rules.epoch", 0, "trust.rules.epoch"),
        ("rules.london", -1, "trust.rules.london"),
        ("rules.periods", [], "trust.rules.periods: the first"),
        ("rules.periods", [{"from": 0, "seconds": 1}] * 2, "trust.rules.periods: must be ascending"),
        ("rules.sets", [{"from": 1, "validators": [A]}], "trust.rules.sets"),
        ("rules.more", 1, "trust.rules.more: is unknown"),
        ("checkpoint.validators", [], "trust.checkpoint.validators: there are none"),
        ("checkpoint.validators", [B, A], "ascending"),
        ("checkpoint.votes", [{"voter": A, "subject": B, "add": True}] * 2, "a voter votes twice"),
        ("checkpoint.block.number", hex(2**53), "checkpoint.block.number: must fit 53 bits"),
        ("checkpoint.block.timestamp", hex(2**48), "checkpoint.block.timestamp: must fit 48 bits"),
        ("checkpoint.votes", [{"voter": A, "subject": B, "add": 1}], r"votes\[0\].add"),
        ("checkpoint.recents", [{"number": "0x2", "signer": A}, {"number": "0x1", "signer": A}], "ascending"),
        ("checkpoint.block.number", 3, r"checkpoint.block.number"),
        ("checkpoint.block.stateRoot", "0x", "is unknown"),
        ("checkpoint.block", {"number": "0x1"}, "checkpoint.block.hash: is missing"),
        ("checkpoint.more", 1, "trust.checkpoint.more: is unknown"),
    ],
)
def test_an_ill_formed_trust_file_is_refused_by_name(path: str, value: object, rule: str) -> None:
    changed = document(trust_at(CLIQUE, 5))
    *outer, last = path.split(".")
    at = changed
    for name in outer:
        at = at[name]
    at[last] = value
    with pytest.raises(TrustError, match=rule):
        parse_trust(json.dumps(changed).encode())


@pytest.mark.parametrize("name", ["rules", "checkpoint"])
def test_a_trust_file_without_its_validators_is_refused(name: str) -> None:
    changed = document(trust_at(QBFT, 5))
    del changed[name]
    with pytest.raises(TrustError, match=f"trust.{name}: is missing"):
        parse_trust(json.dumps(changed).encode())


def test_headers_go_on_from_a_checkpoint_and_from_nowhere_else() -> None:
    trust = trust_at(CLIQUE, 8)
    rules, checkpoint = trust.rules, trust.checkpoint
    assert rules is not None
    assert checkpoint is not None

    def at(first: int, known: Followed | None, rules: Rules = rules) -> tuple[bool, str]:
        outcome = verify_headers(CLIQUE.file(CLIQUE.blocks[first:]), rules, () if known is None else (known,))
        return outcome.ok, "" if outcome.failure is None else outcome.failure.step.value

    assert at(9, checkpoint) == (True, "")
    assert at(0, checkpoint) == (True, "")
    assert at(1, checkpoint) == (True, "")
    assert at(8, checkpoint) == (False, "number")
    assert at(10, checkpoint) == (False, "number")
    assert at(9, None) == (False, "number")
    assert at(1, None) == (True, "")
    assert at(1, None, replace(rules, genesis=None)) == (False, "number")
    assert at(0, None, replace(rules, genesis=None)) == (True, "")
    ahead = verify_headers(CLIQUE.file(CLIQUE.blocks[:8]), rules, (checkpoint,))
    assert (ahead.ok, ahead.checked) == (False, 8)
    assert str(ahead.failure) == "checkpoint: the list ends with block 7, before block 8 that the checkpoint knows"
    at_8 = verify_headers(CLIQUE.file(CLIQUE.blocks[:9]), rules, (checkpoint,))
    assert (at_8.ok, at_8.final, at_8.earlier) == (True, 8, ())
    other = replace(checkpoint, tip=replace(checkpoint.tip, hash=bytes(32)))
    assert verify_headers(CLIQUE.file(), rules, (), trusted=other).checked == 8
    refused = verify_headers(CLIQUE.file(), rules, (other,))
    assert refused.followed is not None
    assert (refused.checked, refused.followed.tip.number, refused.final) == (8, 7, 4)
    assert at(9, other) == (False, "parent")
    assert at(0, other) == (False, "checkpoint")
    assert at(0, replace(checkpoint, validators=checkpoint.validators[1:])) == (False, "checkpoint")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"headers": {}}', b'{"headers": []}', b'{"headers": [], "headers": []}', b"\xff"]
)
def test_a_file_without_a_list_of_headers_is_refused(text: bytes) -> None:
    outcome = verify_headers(text, read_genesis(CLIQUE.genesis_file()))
    assert outcome.failure is not None
    assert outcome.failure.step.value == "format"


def test_other_members_of_the_file_are_ignored() -> None:
    given = {"chain": 1.5, "headers": CLIQUE.blocks, "more": [{"deep": None}]}
    assert verify_headers(json.dumps(given).encode(), read_genesis(CLIQUE.genesis_file())).ok


def test_a_checkpoint_goes_on_although_its_last_blocks_were_replaced() -> None:
    rules = read_genesis(CLIQUE.genesis_file())
    other = CliqueChain(1, 2, 3, 4, epoch=6).rounds(10)
    while len(other.blocks) < 14:
        other.seal(other.free()[-1])
    replaced = verify_headers(other.file(), rules)
    assert replaced.followed is not None
    assert [each.tip.number for each in replaced.earlier] == [10, 11, 12]
    known = parse_checkpoint(dump_checkpoint(rules, replaced.followed, replaced.earlier), rules)
    assert known == (*replaced.earlier, replaced.followed)
    assert verify_headers(CLIQUE.file(), rules, known).ok
    gone_on = verify_headers(CLIQUE.file(CLIQUE.blocks[11:]), rules, known)
    assert gone_on == replace(verify_headers(CLIQUE.file(), rules), checked=10, first=11)
    late = verify_headers(CLIQUE.file(CLIQUE.blocks[13:]), rules, known)
    assert late.failure is not None
    assert late.failure.step.value == "parent"
    short = verify_headers(CLIQUE.file(CLIQUE.blocks[:3]), rules)
    assert [each.tip.number for each in short.earlier] == [0, 1]


@pytest.mark.parametrize("keep", [slice(0, 1), slice(1, 3), slice(None, None, -1)])
def test_earlier_states_that_do_not_lead_to_the_checkpoint_are_refused(keep: slice) -> None:
    rules = read_genesis(CLIQUE.genesis_file())
    outcome = verify_headers(CLIQUE.file(), rules)
    assert outcome.followed is not None
    text = dump_checkpoint(rules, outcome.followed, (*outcome.earlier[keep], outcome.earlier[0]))
    with pytest.raises(CheckpointError, match="checkpoint.earlier"):
        parse_checkpoint(text, rules)


def test_a_checkpoint_of_another_chain_is_refused() -> None:
    trust = trust_at(CLIQUE, 5)
    assert trust.rules is not None
    assert trust.checkpoint is not None
    text = dump_checkpoint(trust.rules, trust.checkpoint)
    assert parse_checkpoint(text, trust.rules) == (trust.checkpoint,)
    for chain in (CliqueChain(1, 2, 3), QBFT):
        with pytest.raises(CheckpointError, match="checkpoint"):
            parse_checkpoint(text, read_genesis(chain.genesis_file()))
