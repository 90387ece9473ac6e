"""The index against the embedded ledger: refusals to go on, steps back, and answers as of any block."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, select

from benchmarks.postgres import NewDatabase
from ledger_node.batches import Call
from ledger_node.chain_values import Receipt as ChainReceipt
from ledger_node.client import ChainClient
from registry.acts import Contract
from registry.index.alerts import AlertKind, alerts
from registry.index.database import open_database
from registry.index.indexer import Indexer
from registry.index.pages import CursorError
from registry.index.queries import Index, UnknownBlock
from registry.index.receipts import ReceiptsMismatch
from registry.index.source import read_block
from registry.index.tables import metadata
from registry.index.writer import Fetched, IndexStopped, Position, Writer
from registry.items import Account, Cover, Entity, Facility, Moment, Pledge, Receipt
from registry.state import replay
from registry.transitions import decode_log
from tests.registry.consortium import (
    BANK,
    DEPOSITOR,
    INSURER,
    KEEPER,
    OTHER_BANK,
    OTHER_KEEPER,
    Consortium,
    LocalClient,
)
from tests.registry.story import Story, catch_up, index_of


@pytest.fixture(scope="module")
def index(story: Story, new_database: NewDatabase) -> Index:
    engine, indexer = index_of(story.consortium.client, story.consortium.deployment, new_database())
    catch_up(indexer)
    return Index(engine)


def contents(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


class Tampered(LocalClient):
    """A node that changes one receipt of every block."""

    def receipts(self, number: int) -> tuple[ChainReceipt, ...]:
        first, *rest = super().receipts(number)
        return (replace(first, succeeded=not first.succeeded), *rest)


def test_receipts_that_the_header_does_not_commit_to_are_refused(story: Story) -> None:
    with pytest.raises(ReceiptsMismatch, match="receiptsRoot"):
        read_block(Tampered(story.consortium.provider), story.issued_at)


def test_an_index_of_another_chain_is_not_continued(story: Story, new_database: NewDatabase) -> None:
    engine = open_database(new_database())
    made, writer = story.consortium, Writer(engine, story.consortium.deployment)
    Indexer(made.client, writer, made.deployment, 0).start()
    writer.close()
    with pytest.raises(IndexStopped, match="follows another chain"):
        Writer(engine, story.consortium.deployment).begin(bytes(32), Position(0, bytes(32)))


def test_a_block_that_is_no_child_is_refused_and_nothing_of_its_batch_stays(
    story: Story, new_database: NewDatabase
) -> None:
    made = story.consortium
    engine = open_database(new_database())
    writer = Writer(engine, made.deployment)
    Indexer(made.client, writer, made.deployment, 0).start()
    before = contents(engine)
    batch = [Fetched(read_block(made.client, number)) for number in (1, 3)]
    with pytest.raises(IndexStopped, match="block 3 is no child of block 1"):
        writer.extend(batch)
    assert contents(engine) == before


def test_a_block_before_the_index_and_one_after_it_are_unknown(index: Index, story: Story) -> None:
    with pytest.raises(UnknownBlock, match="reaches block"):
        index.as_of(story.consortium.client.block_number() + 1)
    with pytest.raises(UnknownBlock):
        index.block_at(0)


@pytest.mark.parametrize("cursor", ["", "!!", "AAAA", "x" * 70])
def test_a_cursor_that_no_list_gave_out_is_refused(index: Index, cursor: str) -> None:
    with pytest.raises(CursorError):
        index.as_of().find(Receipt, after=cursor)


@pytest.mark.parametrize("limit", [0, 501])
def test_a_page_size_that_no_list_has_is_refused(index: Index, limit: int) -> None:
    with pytest.raises(CursorError, match="limit"):
        index.as_of().refusals(limit=limit)


class Switched(ChainClient):
    """A node that changes over to another chain when told."""

    def __init__(self, now: ChainClient) -> None:
        super().__init__("http://local")
        self.now = now

    def request(self, method: str, *params: object) -> object:
        return self.now.request(method, *params)

    def request_all(self, calls: Sequence[Call]) -> list[object]:
        return self.now.request_all(calls)


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Consortium, Consortium, int]:
    folder = tmp_path_factory.mktemp("forked")
    one, two = (Consortium(folder / name).deploy().populate() for name in ("a", "b"))
    receipts = [made.issue() for made in (one, two)]
    assert receipts[0] == receipts[1]
    fork = one.client.block_number()
    assert one.client.block(fork).hash == two.client.block(fork).hash
    one.hold(receipts[0])
    one.issue()
    two.clock += 100
    two.pledge(receipts[0])
    two.pledge(receipts[0], OTHER_BANK, check=False)
    two.hold(receipts[0])
    return one, two, fork


def test_a_replaced_block_steps_back_and_gives_what_a_fresh_index_gives(
    forked: tuple[Consortium, Consortium, int], new_database: NewDatabase
) -> None:
    one, two, _ = forked
    client = Switched(one.client)
    engine, indexer = index_of(client, one.deployment, new_database(), finality=2)
    catch_up(indexer)
    client.now = two.client
    catch_up(indexer)
    fresh, other = index_of(two.client, two.deployment, new_database(), finality=2)
    catch_up(other)
    assert contents(engine) == contents(fresh)


def test_a_replaced_final_block_stops_the_index(
    forked: tuple[Consortium, Consortium, int], new_database: NewDatabase
) -> None:
    one, two, fork = forked
    client = Switched(one.client)
    engine, indexer = index_of(client, one.deployment, new_database(), finality=1)
    position = catch_up(indexer)
    before = contents(engine)
    client.now = two.client
    with pytest.raises(IndexStopped, match=f"replaced 2 blocks after block {fork}, but block {fork + 1} was final"):
        indexer.step(position)
    assert contents(engine) == before


def test_the_size_of_batches_leaves_no_trace(story: Story, index: Index, new_database: NewDatabase) -> None:
    made = story.consortium
    engine = open_database(new_database())
    writer = Writer(engine, made.deployment)
    indexer = Indexer(made.client, writer, made.deployment, 0)
    indexer.start()
    for number in range(1, made.client.block_number() + 1):
        writer.extend(indexer._fetch(Position(number - 1, made.client.block(number - 1).hash), number), number)
    assert contents(engine) == contents(index._engine)


def test_the_index_is_the_state_that_all_events_add_up_to(story: Story, index: Index) -> None:
    made = story.consortium
    events = []
    for number in range(1, made.client.block_number() + 1):
        block = read_block(made.client, number)
        logs = (log for receipt in block.receipts for log in receipt.logs)
        decoded = (decode_log(log, Moment(number, block.header.timestamp), made.deployment) for log in logs)
        events += [event for event in decoded if event is not None]
    snapshot = index.as_of()
    state = replay(events, made.deployment)
    assert {key: snapshot.get(key) for key in state} == state
    assert sum(snapshot.count(kind) for kind in {type(item) for item in state.values()}) == len(state)


def test_a_receipt_is_read_as_of_a_block(story: Story, index: Index) -> None:
    early, late = index.as_of(story.issued_at), index.as_of(story.pledged_at)
    before, after = early.one(Receipt, story.receipt), late.one(Receipt, story.receipt)
    assert before is not None
    assert after is not None
    assert (before.word.live_pledges, after.word.live_pledges) == (0, 1)
    assert after.pledges == (story.pledge,)
    assert early.one(Pledge, story.pledge) is None
    assert index.as_of(story.issued_at - 1).one(Receipt, story.receipt) is None


def test_receipts_are_found_by_what_they_are_now(story: Story, index: Index) -> None:
    now = index.as_of()
    assert [item.id for item in now.find(Receipt).items] == [story.other, story.receipt]
    assert [item.id for item in now.find(Receipt, keeper=OTHER_KEEPER).items] == [story.other]
    assert [item.id for item in now.find(Receipt, held=1, owner=DEPOSITOR).items] == [story.receipt]
    assert index.as_of(story.pledged_at).find(Receipt, held=1).items == ()
    assert now.count(Receipt, pledged=1) == 1


def test_items_are_found_by_their_ends(story: Story, index: Index) -> None:
    now = index.as_of()
    assert [item.id for item in now.find(Pledge, receipt=story.receipt, pledgee=BANK).items] == [story.pledge]
    assert [item.id for item in now.find(Facility, lender=BANK).items] == [story.facility]
    assert [item.id for item in now.find(Cover, facility=story.facility, insurer=INSURER).items] == [story.cover]
    facility = now.one(Facility, story.facility)
    assert facility is not None
    assert [each.state for each in facility.instalments] == [0, 1, 0]
    fleet = now.fleet(KEEPER)
    assert fleet is not None
    assert fleet.word.devices == 2
    oracles = now.oracles()
    assert oracles is not None
    assert len(oracles.members) == 4


def test_pages_together_are_the_whole_list(index: Index) -> None:
    now = index.as_of()
    found: list[Entity] = []
    page = now.find(Entity, limit=3)
    while True:
        found += page.items
        if page.next is None:
            break
        page = now.find(Entity, limit=3, after=page.next)
    assert [item.number for item in found] == list(range(8, 0, -1))
    assert [item.number for item in now.find(Entity, oldest_first=True, limit=2).items] == [1, 2]


def test_a_history_carries_the_head_after_each_act(story: Story, index: Index) -> None:
    now = index.as_of()
    history = now.history(Contract.RECEIPTS, story.receipt)
    assert [each.transition.read()[0] for each in history] == ["ISSUE", "PLEDGE", "HOLD", "CLEAR_HOLD", "HOLD"]
    receipt = now.one(Receipt, story.receipt)
    assert receipt is not None
    assert history[-1].head == receipt.head
    assert len(index.as_of(story.pledged_at).history(Contract.RECEIPTS, story.receipt)) == 2


def test_a_refused_second_pledge_is_known_by_its_cause(story: Story, index: Index) -> None:
    [refusal] = index.as_of().refusals().items
    assert (refusal.contract, refusal.act, refusal.cause) == ("PledgeRegistry", "pledge", "AlreadyPledged")
    assert {each.name: each.value for each in refusal.args} == {"receipt": "0x" + story.receipt.hex(), "ordinal": "1"}
    assert refusal.tx_hash == story.refused
    sender = index.as_of().account(refusal.sender)
    assert isinstance(sender, Account)
    assert sender.entity == OTHER_BANK
    assert index.as_of(story.pledged_at).refusals().items == ()


def test_alerts_say_what_stands_and_whom_it_concerns(story: Story, index: Index) -> None:
    page = alerts(index.as_of())
    assert [(each.kind, each.standing) for each in page.items] == [
        (AlertKind.RECEIPT_HOLD, True),
        (AlertKind.RECEIPT_HOLD, True),
        (AlertKind.DOUBLE_PLEDGE, False),
    ]
    assert set(page.items[0].entities) == {BANK, DEPOSITOR, KEEPER}
    assert page.items[2].entities == (OTHER_BANK,)


def test_notices_follow_the_chain(story: Story, index: Index) -> None:
    head = index.head()
    assert head is not None
    rows = index.notices((story.issued_at, 1), head.number)
    assert [row.event for row in rows][:4] == [
        "facility.open",
        "cover.register",
        "receipt.pledge",
        "transaction.refused",
    ]
    assert index.notices((head.number, 1 << 30), head.number) == ()


def test_the_header_in_the_index_is_the_sealed_one(story: Story, index: Index) -> None:
    header, seal = index.header(story.issued_at)
    assert header.hash() == story.consortium.client.block(story.issued_at).hash
    assert seal is not None


def test_the_migrations_make_what_the_tables_say(new_database: NewDatabase) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = open_database(new_database())
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
