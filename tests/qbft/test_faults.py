"""As many validators are killed as may fail, then one more, while a product writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.founding.enrolment import Newcomer
from api.runner.pack import load
from api.runner.run import find
from api.runner.session import Session
from api.runner.settling import wait_for
from ledger_node.hexvalues import address_hex
from tests.network.faults import Writer, Written, all_final, watching, writing
from tests.network.indexes import final_rows
from tests.qbft.headers import extra, headers_in, said_of, told_alike
from tests.qbft.story import PACK, Story
from tests.qbft.validators import FAULTY, VALIDATORS, Network
from tests.scenarios import kit

FEW = 12
"""So many blocks that each validator was to propose three of them."""
SILENT = 12
"""Seconds without a block; with all validators a dozen come in that time."""


@dataclass(frozen=True, slots=True)
class FewDead:
    """The blocks that came meanwhile, and what the product then told its bank about the network."""

    written: Written
    blocks: range
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ManyDead:
    """The node's head when too many were dead, what the product told then, and the head when they were back."""

    written: Written
    head: int
    told: dict[str, Any]
    later: int


@pytest.fixture(scope="module")
def few_dead(network: Network, product: Path, story: Story) -> FewDead:
    """As many as may fail, the product's own node among them, are killed and come back."""
    del story
    dead, other = network.nodes[:FAULTY], network.nodes[FAULTY]
    with watching(product, 0) as watch, writing(product, "few") as writer:
        wait_for(lambda: len(writer.accepted) > 3 and len(watch.finals) > 2, "writes and blocks of the index")
        network.kill(*dead)
        first = other.head
        network.wait_for_block(first + FEW)
        blocks = range(first + 1, other.head + 1)
        wait_for(lambda: writer.missed, "a write that nobody answers")
        network.start(*dead)
        network.wait_for_block(other.head)
        so_far = len(writer.accepted)
        wait_for(lambda: len(writer.accepted) > so_far + 3 and len(watch.finals) > 5, "writes and blocks that go on")
        bank = _bank(writer)
        told = wait_for(lambda: _told(bank, lambda told: told["block"]["number"] >= blocks[-1]), "the index to go on")
        return FewDead(Written.by(writer, watch), blocks, told)


@pytest.fixture(scope="module")
def many_dead(network: Network, product: Path, few_dead: FewDead) -> ManyDead:
    """One more than may fail are killed, not the product's node, and come back."""
    del few_dead
    alive, dead = network.nodes[0], network.nodes[VALIDATORS - FAULTY - 1 : VALIDATORS]
    with watching(product, 0) as watch, writing(product, "many") as writer:
        wait_for(lambda: len(writer.accepted) > 3 and len(watch.finals) > 2, "writes and blocks of the index")
        bank = _bank(writer)
        network.kill(*dead)
        told = wait_for(
            lambda: _told(bank, lambda told: told["finality"]["silentSeconds"] >= SILENT), "the product to say so"
        )
        head = alive.head
        network.start(*dead)
        network.wait_for_block(head + VALIDATORS)
        wait_for(lambda: len(watch.finals) > 5, "the index to go on")
        return ManyDead(Written.by(writer, watch), head, told, alive.head)


def _bank(writer: Writer) -> Session:
    stage, who = writer.stage, load(find(PACK)).parties["bank"]
    seat = stage.enrolment.seat(Newcomer(who.kind, who.name, who.name_zh, who.identifier))
    return Session(seat, stage.api, stage.settings.api.public_url)


def _told(bank: Session, as_wanted: Any) -> dict[str, Any] | None:
    told = bank.get("/v1/network")
    return told if as_wanted(told) else None


def test_blocks_come_while_as_many_are_dead_as_may_fail(few_dead: FewDead) -> None:
    assert len(few_dead.blocks) >= FEW


def test_headers_of_later_rounds_are_among_them_and_hold(few_dead: FewDead, network: Network) -> None:
    blocks = network.blocks()
    assert max(extra(blocks[number]).round for number in few_dead.blocks) > 0
    said = said_of(network, blocks)
    assert (said.failure, said.checked) == (None, len(blocks))


def test_the_product_tells_whose_turns_were_missed(few_dead: FewDead, network: Network) -> None:
    sealing = few_dead.told["sealing"]
    missed = {each["address"]: each["missed"] for each in sealing["sealers"]}
    assert sealing["consensus"] == "qbft"
    assert missed[address_hex(network.nodes[0].address)] > 0


def test_writes_were_made_before_and_after_and_none_while_the_node_was_dead(few_dead: FewDead) -> None:
    assert len(few_dead.written.sent) > 6
    assert few_dead.written.writer.missed > 0


def test_no_block_comes_while_more_are_dead_and_the_product_says_so(many_dead: ManyDead) -> None:
    told = many_dead.told
    assert told["block"]["number"] == told["finality"]["finalBlock"] == many_dead.head
    assert told["index"] == {"block": many_dead.head, "nodeBlock": many_dead.head, "lag": 0}


def test_blocks_come_again_when_they_are_back(many_dead: ManyDead) -> None:
    assert many_dead.later >= many_dead.head + VALIDATORS


@pytest.mark.parametrize("fault", ["few_dead", "many_dead"])
def test_no_accepted_write_is_lost_and_none_happens_twice(fault: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(fault).written
    assert all_final(written.sent)
    assert set(written.happened) == {1}


@pytest.mark.parametrize("fault", ["few_dead", "many_dead"])
def test_nothing_that_our_index_had_is_contradicted(
    fault: str, request: pytest.FixtureRequest, network: Network
) -> None:
    watch = request.getfixturevalue(fault).written.watch
    client = network.nodes[1].client
    assert len(watch.finals) > 5
    assert [each for each in watch.finals if watch.finals[each] != {client.block(each).hash}] == []


def test_the_index_is_what_a_fresh_one_of_another_node_is(
    many_dead: ManyDead, product: Path, network: Network, tmp_path: Path
) -> None:
    del many_dead
    live, fresh = final_rows(product, network.nodes[1].client, 0, tmp_path)
    assert told_alike(live) == told_alike(fresh)
    assert len(fresh["versions"]) > 20


def test_the_headers_that_the_index_has_hold_by_themselves(
    many_dead: ManyDead, product: Path, network: Network, tmp_path: Path
) -> None:
    del many_dead
    live, _ = final_rows(product, network.nodes[1].client, 0, tmp_path)
    indexed = headers_in(live)
    before = network.blocks()[: int(indexed[0]["number"], 16)]
    assert said_of(network, [*before, *indexed]).failure is None


def test_the_replay_still_equals_the_nodes_storage(many_dead: ManyDead, product: Path) -> None:
    del many_dead
    done = kit.cangdan("--home", str(product), "audit", "replay")
    assert done.returncode == 0, done.stdout + done.stderr
