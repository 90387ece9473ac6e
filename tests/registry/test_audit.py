"""The audit on the embedded ledger: every field that its storage has otherwise is named."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger_node.client import BlockId
from registry import slots
from registry.acts import Contract
from registry.audit import audit, rebuild
from registry.digest import digest, logical_state
from registry.expectations import expectations
from registry.items import Entity, Facility, Key, Kind, Receipt
from registry.state import StateError
from tests.registry.bundles import Bundles
from tests.registry.consortium import BANK, KEEPER, PANEL, Consortium, LocalClient
from tests.registry.story import Story


class Altered(LocalClient):
    """A node one of whose storage slots somebody has set to another value."""

    def __init__(self, made: Consortium, contract: Contract, slot: int, flip: int) -> None:
        super().__init__(made.provider)
        self._place = (made.addresses[contract.value], slot)
        self._flip = flip

    def storage(self, address: bytes, slot: int, block: BlockId = "latest") -> int:
        value = super().storage(address, slot, block)
        return value ^ self._flip if (address, slot) == self._place else value


def entity(number: int) -> bytes:
    return number.to_bytes(32, "big")


def cases(told: Story) -> list[tuple[Contract, int, int, str]]:
    receipt, facility = told.receipt, told.facility
    word, head = slots.record_slots(Contract.RECEIPTS, receipt)
    return [
        (Contract.RECEIPTS, word, 1, "owner"),
        (Contract.RECEIPTS, word, 1 << 32, "keeper"),
        (Contract.RECEIPTS, word, 1 << 64, "holds"),
        (Contract.RECEIPTS, word, 1 << 96, "status"),
        (Contract.RECEIPTS, word, 1 << 104, "live_pledges"),
        (Contract.RECEIPTS, word, 1 << 176, "quantity"),
        (Contract.RECEIPTS, head, 1, "head"),
        (Contract.RECEIPTS, slots.member(Contract.RECEIPTS, "_balances", entity(4)), 1, "balance"),
        (Contract.PLEDGES, slots.pledge_slot(told.pledge), 1, "pledgee"),
        (Contract.PLEDGES, slots.pledge_slot(told.pledge), 3 << 96, "status"),
        (Contract.CREDIT, slots.record_slots(Contract.CREDIT, facility)[0], 1 << 64, "holds"),
        (Contract.CREDIT, slots.facility_slots(facility)[0], 1, "rulesRoot"),
        (Contract.CREDIT, slots.facility_slots(facility)[1], 1, "scheduleRoot"),
        (Contract.CREDIT, slots.facility_slots(facility)[2], 1 << 4, "instalment 1"),
        (Contract.ENGINE, slots.guard_slot(facility, 1), 7, "lastSlot 1"),
        (Contract.ENGINE, slots.base(Contract.ENGINE, "breaker"), 1 << 32, "lenderLimit"),
        (Contract.PARTICIPANTS, slots.record_slots(Contract.PARTICIPANTS, entity(BANK))[0], 1, "kind"),
        (Contract.PARTICIPANTS, slots.base(Contract.PARTICIPANTS, "entityCount"), 1, "entityCount"),
        (Contract.DEVICES, slots.fleet_slots(KEEPER)[0], 1, "fleetRoot"),
        (Contract.HUB, slots.base(Contract.HUB, "config"), 1 << 192, "f"),
        (Contract.REVIEWS, slots.member(Contract.REVIEWS, "panels", entity(PANEL)), 1, "members"),
        (Contract.COVERS, slots.cover_slots(told.cover)[1], 1, "start"),
        (Contract.COVERS, slots.cover_slots(told.cover)[1], 1 << 128, "rules"),
        (Contract.COVERS, slots.covered_slot(told.facility, 1), 1, "rule 1"),
        (Contract.HOLD_DESK, slots.nested(slots.member(Contract.HOLD_DESK, "placed", receipt), b"\3"), 1, "placed 3"),
        (Contract.RECEIPTS, slots.member(Contract.RECEIPTS, "_wired", b"\2"), 1, "address"),
        (Contract.CREDIT, slots.base(Contract.CREDIT, "_authority"), 1, "address"),
    ]


@pytest.mark.parametrize("number", range(27))
def test_an_altered_field_is_named(story: Story, number: int) -> None:
    contract, slot, flip, field = cases(story)[number]
    made = story.consortium
    found = audit(Altered(made, contract, slot, flip), made.deployment).differences
    assert [(each.contract, each.field) for each in found] == [(contract.value, field)]
    assert found[0].expected != found[0].observed


@pytest.mark.parametrize("kind", ["goods", "account"])
def test_an_altered_goods_key_or_account_is_named(story: Story, kind: str) -> None:
    made = story.consortium
    state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
    wanted = {"goods": Contract.GOODS, "account": Contract.PARTICIPANTS}[kind]
    fields = {"goods": "generation", "account": "role"}[kind]
    slot = next(
        each.slot for each in expectations(state, made.deployment) if each.contract is wanted and fields in each.fields
    )
    found = audit(Altered(made, wanted, slot, 1 << 32 if kind == "account" else 1), made.deployment).differences
    assert [each.field for each in found] == [fields]


def test_events_that_contradict_each_other_are_told(story: Story) -> None:
    class Short(LocalClient):
        def logs(self, *args: object, **more: object):
            found = super().logs(*args, **more)  # type: ignore[arg-type]
            pledged = next(at for at, each in enumerate(found) if each.topics[1:] == (story.receipt, entity(2)))
            return (*found[:pledged], *found[pledged + 1 :])

    made = story.consortium
    with pytest.raises(StateError):
        audit(Short(made.provider), made.deployment)


@pytest.mark.parametrize("which", ["story", "watch"])
def test_a_whole_ledger_has_no_difference(story: Story, bundles: Bundles, which: str) -> None:
    made = story.consortium if which == "story" else bundles.watch.consortium
    result = audit(made.client, made.deployment)
    assert result.differences == ()
    assert result.slots >= 100


def test_the_digest_holds_what_happened_and_no_ids_or_times(story: Story) -> None:
    made = story.consortium
    state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
    text = str(logical_state(state))
    assert "'quantity': '24560'" in text
    for id_ in (story.receipt, story.facility, story.pledge, story.cover):
        assert id_.hex() not in text
    assert "1790000" not in text


def test_the_same_acts_at_other_times_have_the_same_digest(tmp_path: Path) -> None:
    digests = []
    for name, clock in (("a", 1_790_000_000.0), ("b", 1_795_000_000.0)):
        made = Consortium(tmp_path / name, clock).deploy().populate()
        receipt = made.issue()
        made.pledge(receipt)
        state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
        digests.append(digest(state))
        made.hold(receipt)
        state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
        digests.append(digest(state))
        made.close()
    assert digests[0] == digests[2] != digests[1] == digests[3]


def test_a_changed_state_has_another_digest(story: Story) -> None:
    made = story.consortium
    state, _ = rebuild(made.client, made.deployment, 0, made.client.block_number())
    before = digest(state)
    receipt, facility = state[Key(Kind.RECEIPT, story.receipt)], state[Key(Kind.FACILITY, story.facility)]
    bank = state[Key(Kind.ENTITY, entity(BANK))]
    assert isinstance(receipt, Receipt)
    assert isinstance(facility, Facility)
    assert isinstance(bank, Entity)
    for item in (
        replace(receipt, word=replace(receipt.word, quantity=1)),
        replace(facility, word=replace(facility.word, draws=9)),
        replace(bank, word=replace(bank.word, status=2)),
    ):
        kind = {Receipt: Kind.RECEIPT, Facility: Kind.FACILITY, Entity: Kind.ENTITY}[type(item)]
        assert digest({**state, Key(kind, item.id): item}) != before
