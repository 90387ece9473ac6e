"""Sets of validators that votes change: both verifiers follow them alike, from any block to any other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks.headers import qbft_chain, validators_bundle
from ledger_node.canonical_json import dumps
from ledger_node.consensus.follow import follow, start
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.rules import Followed
from ledger_node.headers import header_json, read_header
from ledger_node.trust import Engine, Trust, dump_trust
from registry.evidence.verify import verify_bundle
from tests.go_tools import opinions
from tests.ledger_node.consensus.chains import Chain, CliqueChain, QbftChain, add, address, drop
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


@pytest.mark.parametrize("kind", KINDS)
def test_votes_are_followed_alike(kind: str, second_opinion: str, tmp_path: Path) -> None:
    chain, states = voted(kind)
    rules = read_genesis(chain.genesis_file())
    made = qbft_chain(0)
    known, text = validators_bundle("qbft", made[0], made[1][0])
    template = {name: part for name, part in json.loads(text).items() if name != "before"}
    asked: dict[int, list[bytes]] = {}
    for checkpoint, first, block, last in runs(chain, states):
        asked.setdefault(checkpoint, []).append(bundle_of(template, chain, first, block, last))
    steps = set()
    for checkpoint, texts in asked.items():
        trust = Trust(Engine(rules.consensus.value), 7, rules.genesis_hash, rules=rules, checkpoint=states[checkpoint])
        trust = replace(trust, contracts=known.contracts)
        folder = tmp_path / str(checkpoint)
        folder.mkdir()
        (tmp_path / f"{checkpoint}.json").write_bytes(dump_trust(trust))
        for number, text in enumerate(texts):
            (folder / f"{number:03}").write_bytes(text)
        ours = [verify_bundle(text, trust).steps[-1].name.value for text in texts]
        assert opinions(second_opinion, tmp_path / f"{checkpoint}.json", folder) == ours
        steps |= set(ours)
    assert steps == {"header", "state"}
