"""Sets of validators that votes change: both verifiers follow them alike, from any block to any other."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from benchmarks.headers import qbft_chain, validators_bundle
from ledger_node.canonical_json import dumps
from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.rules import Followed, Recent, Vote
from ledger_node.headers import header_json, read_header
from ledger_node.trust import Engine, Trust, TrustError, dump_trust, parse_trust
from registry.evidence.verify import verify_bundle
from tests.go_tools import opinions
from tests.ledger_node.consensus.chains import Chain, CliqueChain, QbftChain, add, address, drop
from tests.ledger_node.consensus.chains import text as text_of
from tests.registry.mutations import Json

LENGTH, EPOCH, PERSONS = 45, 9, range(1, 8)
KINDS = ["besu", "goquorum", "clique"]


def new_chain(kind: str) -> Chain:
    if kind == "clique":
        return CliqueChain(1, 2, 3, 4, epoch=EPOCH)
    return QbftChain(1, 2, 3, 4, epoch=EPOCH, quorum_client=kind == "goquorum")


def voted(kind: str) -> tuple[Chain, list[Followed]]:
    """A chain whose members vote about two persons an epoch, always alike, and what is followed after each block."""
    chain, dice = new_chain(kind), Random(kind)
    rules = read_genesis(chain.genesis_file())
    states = [start(rules, read_header(chain.blocks[0]))]
    while len(chain.blocks) <= LENGTH:
        members = {each for each in PERSONS if address(each) in states[-1].validators}
        if len(chain.blocks) % EPOCH == 1:
            subjects = dice.sample(PERSONS, 2)
        person = dice.choice(subjects)
        joins = person not in members if dice.random() < 0.9 else person in members
        if isinstance(chain, CliqueChain):
            chain.signers = members
            chain.seal(vote=None if len(chain.blocks) % EPOCH == 0 else (person, joins))
        elif isinstance(chain, QbftChain):
            chain.validators = members
            chain.seal(proposer=dice.choice(sorted(members)), vote=add(person) if joins else drop(person))
        states.append(follow(rules, states[-1], read_header(chain.blocks[-1])))
    return chain, states


def runs(chain: Chain, states: list[Followed]) -> Iterator[tuple[int, int, int, int]]:
    """Checkpoint, first header, block and last header of runs, with votes and without."""
    after = 4 if isinstance(chain, CliqueChain) else 0
    for at in range(0, LENGTH - 8, 9):
        yield at, at + 1, LENGTH - after, LENGTH
        for block in range(1, LENGTH - after + 1, 4):
            yield at, block, block, block + after
    assert len({state.validators for state in states}) > 2


def bundle_of(template: Json, chain: Chain, first: int, block: int, last: int) -> bytes:
    """The template with other headers: its state does not fit them, so step `state` says that they are believed."""
    found = [header_json(read_header(each)) for each in chain.blocks]
    value = {**template, "chainId": 7, "header": found[block]}
    value |= {"before": found[first:block]} if first < block else {}
    value |= {"after": found[block + 1 : last + 1]} if block < last else {}
    return dumps(value)


def told_of_both(
    chain: Chain, states: list[Followed], asked: dict[int, list[bytes]], program: str, folder: Path
) -> list[str]:
    """The steps at which both verifiers stop for the bundles asked of each checkpoint."""
    rules, known = read_genesis(chain.genesis_file()), template()[0]
    steps: list[str] = []
    for checkpoint, texts in asked.items():
        trust = Trust(Engine(rules.consensus.value), 7, rules.genesis_hash, rules=rules, checkpoint=states[checkpoint])
        trust = replace(trust, contracts=known.contracts)
        place = folder / str(checkpoint)
        place.mkdir(parents=True)
        (folder / f"{checkpoint}.json").write_bytes(dump_trust(trust))
        for number, text in enumerate(texts):
            (place / f"{number:03}").write_bytes(text)
        ours = [verify_bundle(text, trust).steps[-1].name.value for text in texts]
        assert opinions(program, folder / f"{checkpoint}.json", place) == ours
        steps += ours
    return steps


@cache
def template() -> tuple[Trust, Json]:
    """A trust file, and a bundle without the headers before its own."""
    made = qbft_chain(0)
    known, text = validators_bundle("qbft", made[0], made[1][0])
    return known, {name: part for name, part in json.loads(text).items() if name != "before"}


@pytest.mark.parametrize("kind", KINDS)
def test_votes_are_followed_alike(kind: str, second_opinion: str, tmp_path: Path) -> None:
    chain, states = voted(kind)
    asked: dict[int, list[bytes]] = {}
    for checkpoint, first, block, last in runs(chain, states):
        asked.setdefault(checkpoint, []).append(bundle_of(template()[1], chain, first, block, last))
    assert set(told_of_both(chain, states, asked, second_opinion, tmp_path)) == {"header", "state"}


def ordered(*persons: int, block: int, quorum_client: bool) -> QbftChain:
    """Four validators, and a genesis file that puts a set in their place."""
    change = {"block": block, "validators": [text_of(address(each)) for each in persons]}
    transitions = [change] if quorum_client else {"qbft": [change]}
    return QbftChain(1, 2, 3, 4, quorum_client=quorum_client, transitions=transitions)


def counted_on(quorum_client: bool) -> Chain:
    """Two vote before a transition that changes nothing, one after it; the fifth seals as if all three counted."""
    chain = ordered(1, 2, 3, 4, block=3, quorum_client=quorum_client)
    for proposer in (1, 2):
        chain.seal(proposer=proposer, vote=add(5))
    chain.rounds(2)
    chain.seal(proposer=3, vote=add(5))
    chain.validators.add(5)
    return chain.rounds(2)


def overtaken() -> Chain:
    """A vote against whom a transition let in while a vote for it waited."""
    chain = ordered(1, 2, 3, 4, 5, block=2, quorum_client=True)
    chain.seal(proposer=1, vote=add(5))
    chain.rounds(1)
    chain.validators.add(5)
    chain.seal(proposer=2, vote=drop(5))
    return chain.rounds(4)


def taken_back(quorum_client: bool) -> Chain:
    """Three vote for address 0, but the first has made a block without a vote since."""
    chain, nobody = QbftChain(1, 2, 3, 4, quorum_client=quorum_client), (bytes(20), b"\xff")
    chain.seal(proposer=1, vote=nobody)
    chain.seal(proposer=1)
    for proposer in (2, 3):
        chain.seal(proposer=proposer, vote=nobody)
    return chain.rounds(3)


@pytest.mark.parametrize(
    ("chain", "step"),
    [
        (counted_on(True), "state"),
        (counted_on(False), "header"),
        (overtaken(), "header"),
        (taken_back(True), "state"),
        (taken_back(False), "header"),
    ],
)
def test_what_a_genesis_file_and_a_client_make_of_votes_is_judged_alike(
    chain: Chain, step: str, second_opinion: str, tmp_path: Path
) -> None:
    states = [start(read_genesis(chain.genesis_file()), read_header(chain.blocks[0]))]
    asked = {0: [bundle_of(template()[1], chain, 1, 7, 7)]}
    assert told_of_both(chain, states, asked, second_opinion, tmp_path) == [step]


def refused_by_both(trust: Trust, program: str, file: Path) -> bool:
    """What both verifiers say of a trust file, which must be the same."""
    file.write_bytes(dump_trust(trust))
    said = subprocess.run([program, str(file), str(file)], capture_output=True, text=True, timeout=60)
    try:
        parse_trust(file.read_bytes())
    except TrustError:
        assert (said.returncode, said.stdout) == (2, "")
        return True
    assert said.returncode == 0
    return False


@pytest.mark.parametrize("kind", ["clique", "besu", "goquorum", "early", "late"])
def test_what_no_following_can_give_is_refused_in_a_trust_file_alike(
    kind: str, second_opinion: str, tmp_path: Path
) -> None:
    chain = (
        new_chain(kind) if kind in KINDS else ordered(2, 3, 4, block={"early": 2, "late": 3}[kind], quorum_client=True)
    )
    rules = read_genesis(chain.genesis_file())
    plain = start(rules, read_header(chain.blocks[0]))
    members = tuple(each for each in plain.validators if each != address(1))
    plain = replace(plain, tip=replace(plain.tip, number=2), validators=members)
    changes = {
        "plain": {},
        "a member's vote": {"votes": (Vote(address(2), address(5), add=True),)},
        "a vote of who left": {"votes": (Vote(address(1), address(5), add=True),)},
        "recents": {"recents": (Recent(2, address(2)),)},
    }
    trust = Trust(Engine(rules.consensus.value), 7, rules.genesis_hash, rules=rules)
    refused = {
        name
        for name, change in changes.items()
        if refused_by_both(replace(trust, checkpoint=replace(plain, **change)), second_opinion, tmp_path / "trust.json")
    }
    both = {"recents", "a vote of who left"}
    assert refused == both - {"clique": {"recents"}, "early": {"a vote of who left"}}.get(kind, set())


def test_a_fork_before_the_checkpoint_and_a_time_out_of_bounds_are_refused_alike(
    second_opinion: str, tmp_path: Path
) -> None:
    for number, chain in enumerate((CliqueChain(1, 2, 3, 4).rounds(10), QbftChain(1, 2, 3, 4).rounds(10))):
        rules = read_genesis(chain.genesis_file())
        states = [start(rules, read_header(chain.blocks[0]))]
        for block in chain.blocks[1:]:
            states.append(follow(rules, states[-1], read_header(block)))
        more = 3 if isinstance(chain, CliqueChain) else 0
        honest = bundle_of(template()[1], chain, 6, 6, 6 + more)
        del chain.blocks[4:]
        for changes in [{"gasUsed": "0x1"}] * 3 + [{}] * 4:
            chain.seal(**changes)  # type: ignore[attr-defined]
        fork = bundle_of(template()[1], chain, 6, 6, 6 + more)
        del chain.blocks[7:]
        chain.seal(timestamp=hex(2**48 - 5))  # type: ignore[attr-defined]
        chain.rounds(8)  # type: ignore[attr-defined]
        times = [bundle_of(template()[1], chain, at, at, at + more) for at in (7, 15 - more)]
        asked = {5: [honest, fork], 1: times}
        told = told_of_both(chain, states, asked, second_opinion, tmp_path / str(number))
        assert told == ["state", "header", "state", "header"]
