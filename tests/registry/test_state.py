"""State from events: out-of-place events are refused by record and seq, the rest gives what the model's storage has."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from registry.acts import Contract
from registry.items import Account, Claim, Facility, Goods, Item, Key, Kind, Moment, Pledge, Receipt, claim_id
from registry.state import RECORDS, HeadMismatch, StateError, apply, check_record, record_of, replay
from registry.transitions import Deployment, Event, EventError, Transition, decode_log
from tests.registry.model import ADDRESSES, CHAIN_ID, NAMES, ZERO, Model, ModelLog, keccak, number, topic
from tests.registry.walk import BANK, DEPOSITOR, KEEPER, Walk

DEPLOYMENT = Deployment(CHAIN_ID, {Contract(name): ADDRESSES[name] for name in NAMES})
KEY_A, KEY_B = keccak(b"place"), keccak(b"unit")


def events_of(model: Model) -> list[Event]:
    decoded = (decode_log(log, Moment(block, time), DEPLOYMENT) for block, time, log in model.logs)
    return [event for event in decoded if event is not None]


def state_of(model: Model) -> dict[Key, Item]:
    return replay(events_of(model), DEPLOYMENT)


@pytest.fixture
def model() -> Model:
    made = Model()
    for kind in (1, 2, 3, 4):
        made.register(kind, bytes([kind]) * 20)
    made.tick()
    return made


def test_a_transition_left_out_is_found_at_the_next_one(model: Model) -> None:
    receipt = model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    model.hold(receipt, 3, KEEPER, on=True)
    model.hold(receipt, 3, KEEPER, on=False)
    events = events_of(model)
    gone = next(at for at, each in enumerate(events) if isinstance(each, Transition) and each.act == 6)
    with pytest.raises(HeadMismatch, match=f"ReceiptRegistry {receipt.hex()} seq 3: must follow seq 1") as error:
        replay(events[:gone] + events[gone + 1 :], DEPLOYMENT)
    assert (error.value.id, error.value.seq) == (receipt, 3)


def test_a_word_that_counts_otherwise_than_its_event_is_refused(model: Model) -> None:
    model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    events = events_of(model)
    issued = next(each for each in events if isinstance(each, Transition) and each.contract is Contract.RECEIPTS)
    with pytest.raises(HeadMismatch, match="its word counts 2"):
        apply({}, replace(issued, word=issued.word + (1 << 128)), DEPLOYMENT)


@pytest.mark.parametrize("change", ["word", "data", "block", "time", "act"])
def test_a_changed_transition_gives_another_head(model: Model, change: str) -> None:
    receipt = model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    model.hold(receipt, 3, KEEPER, on=True)
    events = events_of(model)
    last = events[-1]
    assert isinstance(last, Transition)
    spoilt = {
        "word": replace(last, word=last.word ^ 1 << 176),
        "data": replace(last, data=last.data[:-1] + b"\x01"),
        "block": replace(last, at=Moment(last.at.block + 1, last.at.time)),
        "time": replace(last, at=Moment(last.at.block, last.at.time + 1)),
        "act": replace(last, act=7),
    }[change]
    word, head = model.records["ReceiptRegistry", receipt]
    with pytest.raises(StateError):
        check_record(replay([*events[:-1], spoilt], DEPLOYMENT), Contract.RECEIPTS, receipt, word, head)


def test_a_record_that_storage_has_and_no_event_is_refused() -> None:
    with pytest.raises(HeadMismatch, match="no transition is known"):
        check_record({}, Contract.RECEIPTS, ZERO, 1 << 128, keccak(b""))


def test_a_receipt_whose_id_is_not_its_digest_is_refused(model: Model) -> None:
    model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    issued = events_of(model)[-2]
    assert isinstance(issued, Transition)
    with pytest.raises(StateError, match="the id is not the digest of the issue"):
        apply({}, replace(issued, id=ZERO), DEPLOYMENT)


def test_a_release_of_a_pledge_that_was_never_made_is_refused(model: Model) -> None:
    receipt = model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    pledge = model.pledge(receipt, BANK)
    model.release(pledge)
    events = events_of(model)
    released = events[-1]
    assert isinstance(released, Transition)
    with pytest.raises(StateError, match="no live pledge of this receipt"):
        replay([*events[:-1], replace(released, data=ZERO + released.data[32:])], DEPLOYMENT)


def test_goods_that_another_receipt_holds_are_refused(model: Model) -> None:
    model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    model.tick()
    model.issue(DEPOSITOR, KEEPER, 6, [KEY_A])
    with pytest.raises(StateError, match="another receipt holds the key"):
        state_of(model)


def test_evidence_that_a_rule_acted_on_before_is_refused(model: Model) -> None:
    facility = model.facility(BANK, DEPOSITOR, 2, 3)
    model.fire(facility, 6, 1, 1000, ZERO, b"firing")
    model.fire(facility, 6, 1, 1000, ZERO, b"firing")
    with pytest.raises(StateError, match="not newer"):
        state_of(model)


def test_a_log_of_ours_that_no_interface_knows_is_refused() -> None:
    log = ModelLog(ADDRESSES["CreditBook"], (keccak(b"Unknown()"),), b"", 3)
    with pytest.raises(EventError, match="CreditBook: log 3 of block 7"):
        decode_log(log, Moment(7, 0), DEPLOYMENT)


def test_a_transition_whose_data_is_cut_short_is_refused(model: Model) -> None:
    _, _, log = model.logs[0]
    with pytest.raises(EventError, match="ParticipantRegistry: log 0 of block 1"):
        decode_log(ModelLog(log.address, log.topics, log.data[:-32], log.log_index), Moment(1, 1), DEPLOYMENT)


def test_a_strangers_log_is_nothing() -> None:
    log = ModelLog(b"\x01" * 20, (topic("Transition(bytes32,uint8,uint32,uint256,bytes)"),), b"", 0)
    assert decode_log(log, Moment(1, 1), DEPLOYMENT) is None


def test_a_receipt_keeps_its_pledges_in_order(model: Model) -> None:
    receipt = model.issue(DEPOSITOR, KEEPER, 5, [KEY_A, KEY_B])
    first = model.pledge(receipt, BANK)
    model.release(first)
    model.tick()
    second = model.pledge(receipt, BANK)
    state = state_of(model)
    item = state[Key(Kind.RECEIPT, receipt)]
    assert isinstance(item, Receipt)
    assert item.pledges == (first, second)
    assert (item.word.live_pledges, item.word.ordinal, item.word.seq) == (1, 2, 4)


def test_a_deferred_instalment_keeps_its_date_when_it_is_paid(model: Model) -> None:
    facility = model.facility(BANK, DEPOSITOR, 1, 3)
    model.fire(facility, 5, 0, 1000, number(1), b"firing", due=77)
    model.repay(facility, 1)
    item = state_of(model)[Key(Kind.FACILITY, facility)]
    assert isinstance(item, Facility)
    assert [(each.state, each.due_ms) for each in item.instalments] == [(0, 0), (1, 77), (0, 0)]
    assert item.guards == (1000,)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_state_is_what_the_models_storage_has(data: st.DataObject) -> None:
    model = Model()
    for kind in (1, 2, 3, 4):
        model.register(kind, bytes([kind]) * 20)
    walk = Walk(model)
    for _ in range(data.draw(st.integers(0, 25), label="acts")):
        possible = walk.possible()
        possible[data.draw(st.sampled_from(sorted(possible)), label="act")](Drawn(data))
        model.tick(data.draw(st.integers(0, 2), label="seconds"))
    agree(model)


class Drawn:
    """Draws of tests.registry.walk by hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        self._draw = data.draw

    def randint(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def choice(self, among):
        return self._draw(st.sampled_from(among))

    def some(self, among):
        return self._draw(st.lists(st.sampled_from(among), unique=True)) if among else []


def agree(model: Model) -> None:
    state = state_of(model)
    for (contract, id_), (word, head) in model.records.items():
        check_record(state, Contract(contract), id_, word, head)
    known = {(kind, id_) for (contract, id_) in model.records for kind in [RECORDS[Contract(contract)]]}
    assert {(key.kind, key.id) for key in state if key.kind in RECORDS.values()} == known
    items = [(key, item) for key, item in state.items()]
    assert {key.id: item.word.pack() for key, item in items if isinstance(item, Pledge)} == model.pledges
    assert {key.id: goods_word(item) for key, item in items if isinstance(item, Goods)} == model.claims
    assert {key.id: account_word(item) for key, item in items if isinstance(item, Account)} == model.accounts
    for facility, states in model.instalments.items():
        item = record_of(state, Contract.CREDIT, facility)
        assert isinstance(item, Facility)
        assert sum(each.state << 4 * at for at, each in enumerate(item.instalments)) == states
        assert item.guards == tuple(model.guards.get((facility, rule), 0) for rule in range(item.word.rules))
    for cover, states in model.claim_states.items():
        claims = [state.get(Key(Kind.CLAIM, claim_id(cover, at))) for at in range(64)]
        assert sum(claim.state << 4 * at for at, claim in enumerate(claims) if isinstance(claim, Claim)) == states


def goods_word(item: Goods) -> int:
    return int.from_bytes(item.receipt[:28], "big") << 32 | item.generation


def account_word(item: Account) -> int:
    return item.entity | item.role << 32 | item.status << 40


def test_the_order_of_unrelated_records_does_not_matter(model: Model) -> None:
    first = model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    second = model.issue(DEPOSITOR, KEEPER, 6, [KEY_B])
    model.hold(first, 3, KEEPER, on=True)
    model.hold(second, 3, KEEPER, on=True)
    events = events_of(model)
    assert replay([*events[:-2], events[-1], events[-2]], DEPLOYMENT) == replay(events, DEPLOYMENT)


def test_replaying_changes_no_earlier_value(model: Model) -> None:
    model.issue(DEPOSITOR, KEEPER, 5, [KEY_A])
    events: Iterable[Event] = events_of(model)
    state: dict[Key, Item] = {}
    for event in events:
        before = dict(state)
        changes = apply(state, event, DEPLOYMENT)
        assert state == before
        state.update(changes)
