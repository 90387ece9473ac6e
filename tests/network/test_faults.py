"""A signer dies and comes back, the network splits in half and heals, while a product writes."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from api.founding.enrolment import Funder
from api.runner.settling import wait_for
from api.settings import load_settings
from tests.network.clique import FINALITY, Head, Network, head
from tests.network.faults import Watch, Written, all_final, heavier, spend, split_in_half, watching, writing
from tests.network.indexes import final_rows
from tests.scenarios import kit

SPLITS = 3 if os.environ.get("CANGDAN_DEEP") else 2
ENOUGH = 5
"""So many blocks are seen to be called final, however many of them an index on a busy machine takes at a time."""
Product = tuple[Path, Funder | None]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A block that a signer and our index had, and the one that took its place."""

    number: int
    before: bytes
    indexed: bytes | None
    after: bytes


@pytest.fixture(scope="module")
def killed(network: Network, product: Product) -> tuple[Written, Head, Head]:
    """Signer 0, which is the product's node, is killed and comes back; the others' head before and meanwhile."""
    first, second = network.nodes[:2]
    with watching(product[0]) as watch, writing(product[0], "killed") as writer:
        wait_for(lambda: len(writer.accepted) > 3, "writes")
        before = head(second)
        network.kill(first)
        network.wait_for_block(before.number + 4)
        meanwhile = head(second)
        wait_for(lambda: writer.missed, "a write that nobody answers")
        network.start(first)
        network.wait_for_one_head()
        so_far = len(writer.accepted)
        wait_for(lambda: len(writer.accepted) > so_far + 3, "writes that go on")
        wait_for(lambda: len(watch.finals) > ENOUGH, "the index to go on")
        return Written.by(writer, watch), before, meanwhile


@pytest.fixture(scope="module")
def healed(network: Network, product: Product) -> tuple[Written, list[Replaced], list[bytes]]:
    """Splits two to two, each healed; what was replaced, and what a stranger sent to the other side."""
    replaced: list[Replaced] = []
    strangers: list[bytes] = []
    with watching(product[0]) as watch, writing(product[0], "split") as writer:
        for _ in range(SPLITS):
            split = split_in_half(network)
            strangers += spend(network, split.long[0], 3)
            wait_for(lambda at=split: heavier(at), "both sides to go on")
            number, node = split.at.number + 1, split.short[0]
            before = node.client.block(number).hash
            wait_for(lambda at=number: watch.hash_at(at), "our index to have that block")
            indexed = watch.hash_at(number)
            network.heal()
            healed = network.wait_for_one_head().number
            after = node.client.block(number).hash
            replaced.append(Replaced(number, before, indexed, after))
            network.wait_for_block(healed + 2)
            wait_for(lambda at=number, hash_=after: watch.hash_at(at) == hash_, "our index to follow")
        wait_for(lambda: len(watch.finals) > ENOUGH, "the index to go on")
        return Written.by(writer, watch), replaced, strangers


def test_three_signers_go_on_while_one_is_dead(killed: tuple[Written, Head, Head]) -> None:
    _, before, meanwhile = killed
    assert meanwhile.number >= before.number + 4


def test_writes_were_made_before_and_after_the_kill_and_none_in_between(killed: tuple[Written, Head, Head]) -> None:
    assert len(killed[0].sent) > 6
    assert killed[0].writer.missed > 0


def test_every_split_replaced_a_block_that_the_index_had(
    healed: tuple[Written, list[Replaced], list[bytes]],
) -> None:
    replaced = healed[1]
    assert len(replaced) == SPLITS
    assert all(each.before != each.after for each in replaced)
    assert all(each.indexed == each.before for each in replaced)


def test_the_indexer_counts_the_reorganisations(healed: object, product: Product) -> None:
    section = load_settings(product[0]).indexer
    told = httpx.get(f"http://{section.host}:{section.port}/metrics", timeout=60).text
    (count,) = (line.split()[1] for line in told.splitlines() if line.startswith("cangdan_index_reorgs_total"))
    assert float(count) >= SPLITS


def test_what_a_stranger_sent_to_the_other_side_is_mined(
    healed: tuple[Written, list[Replaced], list[bytes]], network: Network
) -> None:
    node = network.nodes[0].client
    receipts = [wait_for(partial(node.receipt, each), "what a stranger sent to be mined") for each in healed[2]]
    assert len(receipts) == 3 * SPLITS
    assert all(receipt.succeeded for receipt in receipts)


@pytest.mark.parametrize("fault", ["killed", "healed"])
def test_no_accepted_write_is_lost_and_none_happens_twice(fault: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(fault)[0]
    assert all_final(written.sent)
    assert set(written.happened) == {1}


@pytest.mark.parametrize("fault", ["killed", "healed"])
def test_nothing_that_our_index_called_final_is_contradicted(
    fault: str, request: pytest.FixtureRequest, network: Network
) -> None:
    watch: Watch = request.getfixturevalue(fault)[0].watch
    client = network.nodes[1].client
    assert len(watch.finals) > ENOUGH
    assert [each for each in watch.finals if watch.finals[each] != {client.block(each).hash}] == []


def test_the_index_is_what_a_fresh_one_is(
    killed: object, healed: object, product: Product, network: Network, tmp_path: Path
) -> None:
    live, fresh = final_rows(product[0], network.nodes[1].client, FINALITY, tmp_path)
    assert live == fresh
    assert len(fresh["versions"]) > 20


def test_the_replay_still_equals_the_nodes_storage(killed: object, healed: object, product: Product) -> None:
    done = kit.cangdan("--home", str(product[0]), "audit", "replay")
    assert done.returncode == 0, done.stdout + done.stderr
