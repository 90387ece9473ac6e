"""What happened in a block that the chain replaces is told to nobody; what happens in its stead is told once."""

import json
from pathlib import Path

from api.webhooks.courier import courier_of
from registry.index.indexer import Indexer
from registry.index.writer import Position, Writer
from tests.api.app_kit import Api
from tests.api.seed import BANK
from tests.api.story import Story
from tests.api.webhooks.receiver import Receiver
from tests.api.webhooks.test_courier import register, repay, tell

FINALITY = 3


def empty_block(api: Api) -> None:
    api.chain.consortium.clock += 1
    api.chain.consortium.chain.seal()


def test_only_what_the_surviving_chain_holds_is_told_and_once(
    hooked: Api, story: Story, receiver: Receiver, tmp_path: Path
):
    """Two ledgers go on from the end of the story: the index follows one, then it sees the other, which is longer."""
    other = story.copy(tmp_path / "other")
    register(hooked, BANK, receiver)
    fork = hooked.services.index.head().number
    courier = courier_of(hooked.services)
    courier.finality = hooked.indexer._finality = FINALITY
    repay(hooked, story)
    replaced = hooked.services.index.head()
    tell(hooked, courier)
    empty_block(other)
    repay(other, story)
    empty_block(other)
    writer = Writer(hooked.engine, other.chain.consortium.deployment)
    indexer = Indexer(other.chain.consortium.client, writer, other.chain.consortium.deployment, FINALITY)
    position, places = indexer.start(), list[Position]()
    for _ in range(2 * FINALITY + 2):
        position = indexer.step(position).position
        places.append(position)
        tell(hooked, courier)
        if position.number >= fork + FINALITY:
            empty_block(other)
    indexer.close()
    assert places[0].number == fork, "no block was replaced"
    surviving = other.chain.consortium.client.block(fork + 2)
    told = [json.loads(body) for _, body in receiver.got]
    assert [(each["type"], each["data"]["block"]["hash"]) for each in told] == [
        ("facility.repay", "0x" + surviving.hash.hex())
    ]
    assert replaced.hash.hex() not in json.dumps(told)
    assert len(set(receiver.ids)) == 1
    other.close()
