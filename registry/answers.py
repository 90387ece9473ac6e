"""Answers about receipts and facilities, as JSON: the API shows them, and the verifier derives them from proven state.

Pure. An answer holds nothing but what the chain proves and the opened documents of its commitments, so that a bundle
can prove all of it (docs/formats/bundle.md, "Answers").
"""

from collections.abc import Sequence
from typing import Protocol

from ledger_node.bindings.constants import (
    EntityKind,
    EntityStatus,
    FacilityStatus,
    InstalmentState,
    PledgeStatus,
    ReceiptHold,
    ReceiptStatus,
)
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from oracle.formats.rule import Action
from registry import structs
from registry.acts import Contract
from registry.effects.step import State
from registry.items import (
    Entity,
    Facility,
    Hold,
    Instalment,
    Key,
    Kind,
    Moment,
    Pledge,
    Receipt,
    RuleHold,
    entity_id,
)
from registry.transitions import Transition

_ZERO = bytes(32)


class UnknownItem(LookupError):
    """There is no such receipt or facility in this state."""


class Source(State, Protocol):
    """Where answers come from: items, transitions of records, and documents that may be shown."""

    def transitions(self, contract: Contract, id_: bytes) -> Sequence[Transition]:
        """All transitions of a record, oldest first."""

    def opened(self, commitment: bytes) -> JsonValue:
        """The content of a commitment, None when it is not shown."""


def receipt_answer(source: Source, id_: bytes) -> dict[str, JsonValue]:
    """What is true of a receipt. Raises UnknownItem."""
    receipt = source.get(Key(Kind.RECEIPT, id_))
    if not isinstance(receipt, Receipt):
        raise UnknownItem(f"receipt {data_hex(id_)} is unknown")
    word, terms = receipt.word, receipt.terms
    return {
        "id": data_hex(id_),
        "status": ReceiptStatus(word.status).name,
        "owner": word.owner,
        "keeper": word.keeper,
        "quantity": str(word.quantity),
        "profile": word.profile,
        "flags": word.flags,
        "seq": word.seq,
        "livePledges": word.live_pledges,
        "holds": [_receipt_hold(hold) for hold in receipt.holds],
        "pledges": [_pledge(source, pledge) for pledge in receipt.pledges],
        "contentHash": data_hex(terms.content_hash),
        "content": source.opened(terms.content_hash),
        "positionKey": data_hex(terms.position_key),
        "unitKeysHash": data_hex(terms.unit_keys_hash),
        "draftedAt": terms.drafted_at,
        "replaces": None if terms.replaces == _ZERO else data_hex(terms.replaces),
        "replacedBy": None if receipt.replaced_by is None else data_hex(receipt.replaced_by),
        "issued": _moment(receipt.issued),
        "ended": None if receipt.ended is None else _moment(receipt.ended),
        "orderHash": None if receipt.delivery is None else data_hex(receipt.delivery.order_hash),
        "order": None if receipt.delivery is None else source.opened(receipt.delivery.order_hash),
        "parties": [_party(source, entity) for entity in receipt_parties(source, receipt)],
        "history": _history(source, Contract.RECEIPTS, id_),
    }


def facility_answer(source: Source, id_: bytes) -> dict[str, JsonValue]:
    """What is true of a facility. Raises UnknownItem."""
    facility = source.get(Key(Kind.FACILITY, id_))
    if not isinstance(facility, Facility):
        raise UnknownItem(f"facility {data_hex(id_)} is unknown")
    word, terms = facility.word, facility.terms
    return {
        "id": data_hex(id_),
        "status": FacilityStatus(word.status).name,
        "lender": word.lender,
        "borrower": word.borrower,
        "panel": word.panel,
        "rules": word.rules,
        "draws": word.draws,
        "deferred": word.deferred,
        "limitFactorBps": word.limit_factor,
        "seq": word.seq,
        "held": word.holds != 0,
        "holds": [_rule_hold(hold) for hold in facility.holds],
        "instalments": [_instalment(at, each) for at, each in enumerate(facility.instalments)],
        "lastSlots": [str(slot) for slot in facility.guards],
        "termsHash": data_hex(terms.terms_hash),
        "terms": source.opened(terms.terms_hash),
        "rulesRoot": data_hex(terms.rules_root),
        "scheduleRoot": data_hex(terms.schedule_root),
        "draftedAt": terms.drafted_at,
        "opened": _moment(facility.opened),
        "closed": None if facility.closed is None else _moment(facility.closed),
        "parties": [_party(source, entity) for entity in (word.lender, word.borrower)],
        "history": _history(source, Contract.CREDIT, id_),
    }


def receipt_parties(source: State, receipt: Receipt) -> tuple[int, ...]:
    """Owner, keeper, all who ever were pledgees, and the authorities whose holds stand; each once, ascending."""
    pledges = (source.get(Key(Kind.PLEDGE, id_)) for id_ in receipt.pledges)
    found = {each.word.pledgee for each in pledges if isinstance(each, Pledge)}
    found |= {hold.order.authority for hold in receipt.holds}
    return tuple(sorted(found | {receipt.word.owner, receipt.word.keeper}))


def _pledge(source: Source, id_: bytes) -> JsonValue:
    pledge = source.get(Key(Kind.PLEDGE, id_))
    if not isinstance(pledge, Pledge):
        raise UnknownItem(f"pledge {data_hex(id_)} is unknown")
    word, terms = pledge.word, pledge.terms
    return {
        "id": data_hex(id_),
        "status": PledgeStatus(word.status).name,
        "rank": word.rank,
        "ordinal": word.ordinal,
        "pledgor": word.pledgor,
        "pledgee": word.pledgee,
        "keeper": terms.keeper,
        "facility": None if terms.facility == _ZERO else data_hex(terms.facility),
        "termsHash": data_hex(terms.terms_hash),
        "terms": source.opened(terms.terms_hash),
        "draftedAt": terms.drafted_at,
        "made": _moment(pledge.made),
        "released": None if pledge.released is None else _moment(pledge.released),
    }


def _party(source: Source, number: int) -> JsonValue:
    entity = source.get(Key(Kind.ENTITY, entity_id(number)))
    if not isinstance(entity, Entity):
        raise UnknownItem(f"entity {number} is unknown")
    return {
        "entity": number,
        "kind": EntityKind(entity.word.kind).name,
        "status": EntityStatus(entity.word.status).name,
        "group": entity.word.group,
        "accounts": entity.word.accounts,
        "seq": entity.word.seq,
    }


def _receipt_hold(hold: Hold) -> JsonValue:
    order = hold.order
    return {
        "bit": order.bit,
        "kind": ReceiptHold(order.bit).name,
        "authority": order.authority,
        "orderHash": data_hex(order.order_hash),
        "since": _moment(hold.since),
    }


def _rule_hold(hold: RuleHold) -> JsonValue:
    return {"rule": hold.firing.rule, "since": _moment(hold.since), **firing_answer(hold.firing)}


def firing_answer(firing: structs.Firing) -> dict[str, JsonValue]:
    """What a transition says of a rule that fired."""
    return {
        "action": Action(firing.action).name,
        "evidence": data_hex(firing.evidence),
        "ruleLeaf": data_hex(firing.rule_leaf),
        "slot": str(firing.slot),
        "target": data_hex(firing.target),
        "dueMs": str(firing.due_ms),
    }


def _instalment(ordinal: int, instalment: Instalment) -> JsonValue:
    return {
        "ordinal": ordinal,
        "state": InstalmentState(instalment.state).name,
        "deferredToMs": str(instalment.due_ms) if instalment.due_ms else None,
        "paid": None if instalment.paid is None else _moment(instalment.paid),
    }


def _history(source: Source, contract: Contract, id_: bytes) -> list[JsonValue]:
    return [
        {"seq": each.seq, "act": each.read()[0], "at": _moment(each.at)} for each in source.transitions(contract, id_)
    ]


def _moment(at: Moment) -> JsonValue:
    return {"block": at.block, "time": at.time}
