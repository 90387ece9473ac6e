"""State from events: out-of-place events are refused by record and seq, the rest gives what the model's storage has."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.acts import Contract
from registry.items import Account, Claim, Facility, Goods, Item, Key, Kind, Moment, Pledge, Receipt, claim_id
from registry.state import RECORDS, HeadMismatch, StateError, apply, check_record, record_of, replay
from registry.transitions import Deployment, Event, EventError, Transition, decode_log
from tests.registry.model import ADDRESSES, CHAIN_ID, NAMES, ZERO, Model, ModelLog, keccak, number, topic

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


BANK, KEEPER, INSURER, DEPOSITOR = 1, 2, 3, 4


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
        decode_log(replace(log, data=log.data[:-32]), Moment(1, 1), DEPLOYMENT)


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
        possible[data.draw(st.sampled_from(sorted(possible)), label="act")](data.draw)
        model.tick(data.draw(st.integers(0, 2), label="seconds"))
    agree(model)


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


class Walk:
    """The acts that are possible in a model, each drawing what it needs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.facilities: list[bytes] = []
        self.covers: list[bytes] = []
        self.reviews: list[tuple[bytes, bytes, int]] = []
        self.fresh = 0

    def live(self, pledged: bool | None = None, held: bool | None = None) -> list[bytes]:
        found = []
        for id_ in self.model.issues:
            word = self.model.word("ReceiptRegistry", id_)
            active = word >> 96 & 0xFF == 1
            if active and pledged in (None, bool(word >> 104 & 0xFF)) and held in (None, bool(word >> 64 & 0xFFFFFFFF)):
                found.append(id_)
        return found

    def live_pledges(self) -> list[bytes]:
        return [id_ for id_, word in self.model.pledges.items() if word >> 96 & 0xFF == 1]

    def possible(self):
        acts = {
            "issue": self.issue,
            "account": self.account,
            "group": self.group,
            "fleet": self.fleet,
            "open": self.open,
        }
        if self.live(pledged=False, held=False):
            acts |= {"pledge": self.pledge, "deliver": self.deliver, "replace": self.replace}
        if self.live():
            acts["hold"] = self.hold
        if self.live_pledges():
            acts["release"] = self.release
        if self.facilities:
            acts |= {"draw": self.draw, "repay": self.repay, "fire": self.fire, "cover": self.cover}
        if self.reviews:
            acts["decide"] = self.decide
        if self.covers:
            acts["claim"] = self.claim
        return acts

    def new(self) -> int:
        self.fresh += 1
        return self.fresh

    def issue(self, draw) -> None:
        old = [key for key, word in self.model.claims.items() if not word & 1]
        keys = [keccak(b"k%d" % self.new()), *draw(st.lists(st.sampled_from(old), unique=True) if old else st.just([]))]
        self.model.issue(DEPOSITOR, KEEPER, draw(st.integers(1, (1 << 64) - 1)), keys)

    def account(self, draw) -> None:
        live = [account for account, word in self.model.accounts.items() if word >> 40 == 1]
        if draw(st.booleans()):
            self.model.account(
                draw(st.integers(1, 4)), keccak(b"a%d" % self.new())[:20], draw(st.integers(1, 2)), add=True
            )
        elif live:
            account = draw(st.sampled_from(live))
            word = self.model.accounts[account]
            self.model.account(word & 0xFFFFFFFF, account, word >> 32 & 0xFF, add=False)

    def group(self, draw) -> None:
        self.model.set_group(draw(st.integers(1, 4)), draw(st.integers(0, (1 << 32) - 1)))

    def fleet(self, draw) -> None:
        self.model.set_fleet(draw(st.integers(1, 4)), draw(st.integers(0, 9)), keccak(b"f%d" % self.new()))

    def open(self, draw) -> None:
        self.facilities.append(self.model.facility(BANK, DEPOSITOR, draw(st.integers(1, 32)), draw(st.integers(1, 64))))
        self.model.tick()

    def pledge(self, draw) -> None:
        self.model.pledge(draw(st.sampled_from(self.live(pledged=False, held=False))), BANK)

    def deliver(self, draw) -> None:
        self.model.deliver(draw(st.sampled_from(self.live(pledged=False, held=False))))

    def replace(self, draw) -> None:
        self.model.tick()
        self.model.replace(draw(st.sampled_from(self.live(pledged=False, held=False))))

    def hold(self, draw) -> None:
        receipt = draw(st.sampled_from(self.live()))
        bit = draw(st.integers(0, 31))
        on = not self.model.word("ReceiptRegistry", receipt) >> 64 + bit & 1
        self.model.hold(receipt, bit, KEEPER, on)

    def release(self, draw) -> None:
        self.model.release(draw(st.sampled_from(self.live_pledges())))

    def draw(self, draw) -> None:
        self.model.draw(draw(st.sampled_from(self.facilities)))

    def repay(self, draw) -> None:
        facility = draw(st.sampled_from(self.facilities))
        count = self.model.word("CreditBook", facility) >> 112 & 0xFFFF
        self.model.repay(facility, draw(st.integers(0, count - 1)))

    def fire(self, draw) -> None:
        facility = draw(st.sampled_from(self.facilities))
        word = self.model.word("CreditBook", facility)
        rule = draw(st.integers(0, (word >> 104 & 0xFF) - 1))
        slot = self.model.guards.get((facility, rule), 0) + draw(st.integers(1, 1000))
        act = draw(st.sampled_from([4, 5, 6]))
        if act == 4 and word >> 64 + rule & 1:
            act = 6
        target = number(draw(st.integers(0, (word >> 112 & 0xFFFF) - 1)))
        if act == 4:
            target = self.model.open_review(facility, rule)
            self.reviews.append((target, facility, rule))
        self.model.fire(facility, act, rule, slot, target, b"firing", due=slot)

    def decide(self, draw) -> None:
        at = draw(st.integers(0, len(self.reviews) - 1))
        review, facility, rule = self.reviews[at]
        verdict = draw(st.integers(1, 2))
        self.model.decide(review, verdict)
        if verdict == 1:
            self.reviews.pop(at)
            self.model.clear(facility, rule, review)

    def cover(self, draw) -> None:
        self.covers.append(self.model.cover(INSURER, DEPOSITOR, draw(st.sampled_from(self.facilities))))
        self.model.tick()

    def claim(self, draw) -> None:
        cover = draw(st.sampled_from(self.covers))
        if self.model.word("CoverBook", cover) >> 112 & 0xFFFF == 64:
            return
        claim = self.model.open_claim(cover, self.facilities[0], 5)
        if draw(st.booleans()):
            self.model.decide_claim(cover, claim, draw(st.integers(2, 3)))


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
