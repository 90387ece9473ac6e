"""Items of the chain as JSON, with what the asker's documents add. Amounts are minor units with their currency."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from api.records.papers import Papers
from api.records.sight import Sight
from api.times import rfc3339
from ledger_node.abi_types import Struct
from ledger_node.bindings.constants import (
    ClaimState,
    EntityKind,
    EntityStatus,
    FacilityStatus,
    InstalmentState,
    PledgeStatus,
    ReceiptHold,
    ReceiptStatus,
    ReviewStatus,
    Verdict,
)
from ledger_node.covers import rules_of
from ledger_node.hexvalues import address_hex, data_hex
from oracle.formats.rule import Action
from oracle.rules import explain
from registry.documents.fields import Money, Strict
from registry.firings import decode_firing
from registry.index.alerts import Alert
from registry.index.queries import Recorded
from registry.index.refusals import Refusal
from registry.items import (
    Claim,
    Cover,
    Entity,
    Facility,
    Firing,
    Fleet,
    Moment,
    Pledge,
    Receipt,
    Review,
    Round,
)

Json = dict[str, Any]
_NOTHING = bytes(32)


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders for one asker: names of those whom a record names, documents that the asker was given."""

    sight: Sight
    papers: Papers
    name_of: Callable[[int], str | None]
    zone: ZoneInfo

    def entity(self, entity: Entity) -> Json:
        """A legal entity; its name is told to itself and to the regulator only."""
        own = self.sight.principal.is_regulator or self.sight.principal.entity == entity.number
        return {
            "entity": entity.number,
            "kind": written(EntityKind(entity.word.kind)),
            "status": written(EntityStatus(entity.word.status)),
            "name": self.name_of(entity.number) if own else None,
            "accounts": entity.word.accounts,
            "group": entity.word.group or None,
            "idHash": data_hex(entity.id_hash),
            "registered": self.moment(entity.registered),
            "seq": entity.word.seq,
            "head": data_hex(entity.head),
        }

    def receipt(self, receipt: Receipt) -> Json:
        """A receipt with its pledges and holds."""
        word, content = receipt.word, self.papers.content(receipt)
        return {
            "id": data_hex(receipt.id),
            "status": written(ReceiptStatus(word.status)),
            "owner": self.party(word.owner),
            "keeper": self.party(word.keeper),
            "quantity": str(word.quantity),
            "unit": None if content is None else content.unit,
            "held": word.holds != 0,
            "pledged": word.live_pledges != 0,
            "holds": [
                {
                    "authority": written(ReceiptHold(hold.order.bit)),
                    "by": self.party(hold.order.authority),
                    "orderHash": data_hex(hold.order.order_hash),
                    "since": self.moment(hold.since),
                }
                for hold in receipt.holds
            ],
            "pledges": [self.pledge(pledge) for pledge in self.sight.pledges_of(receipt)],
            "profile": word.profile,
            "flags": word.flags,
            "contentHash": data_hex(receipt.terms.content_hash),
            "content": self.document(content),
            "positionKey": data_hex(receipt.terms.position_key),
            "unitKeysHash": data_hex(receipt.terms.unit_keys_hash),
            "replaces": _id(receipt.terms.replaces),
            "replacedBy": None if receipt.replaced_by is None else data_hex(receipt.replaced_by),
            "draftedAt": rfc3339(receipt.terms.drafted_at, self.zone),
            "issued": self.moment(receipt.issued),
            "ended": None if receipt.ended is None else self.moment(receipt.ended),
            "seq": word.seq,
            "head": data_hex(receipt.head),
        }

    def pledge(self, pledge: Pledge) -> Json:
        """A pledge with its terms."""
        word = pledge.word
        return {
            "id": data_hex(pledge.id),
            "status": written(PledgeStatus(word.status)),
            "receipt": data_hex(pledge.terms.receipt),
            "rank": word.rank,
            "ordinal": word.ordinal,
            "pledgor": self.party(word.pledgor),
            "pledgee": self.party(word.pledgee),
            "keeper": self.party(pledge.terms.keeper),
            "facility": _id(pledge.terms.facility),
            "termsHash": data_hex(pledge.terms.terms_hash),
            "terms": self.document(self.papers.pledge_terms(pledge.terms.terms_hash)),
            "made": self.moment(pledge.made),
            "released": None if pledge.released is None else self.moment(pledge.released),
        }

    def facility(self, facility: Facility, history: tuple[Recorded, ...]) -> Json:
        """A facility with instalments and holds; sums as far as the asker knows the amounts."""
        word, sums = facility.word, self.papers.sums(facility, history)
        return {
            "id": data_hex(facility.id),
            "status": written(FacilityStatus(word.status)),
            "lender": self.party(word.lender),
            "borrower": self.party(word.borrower),
            "panel": word.panel,
            "held": word.holds != 0,
            "holds": [
                {
                    "rule": hold.firing.rule,
                    "review": data_hex(hold.firing.target),
                    "evidence": data_hex(hold.firing.evidence),
                    "slot": rfc3339(hold.firing.slot, self.zone),
                    "since": self.moment(hold.since),
                }
                for hold in facility.holds
            ],
            "limitFactorBps": word.limit_factor,
            "draws": word.draws,
            "drawn": None if sums is None else self.document(sums[0]),
            "repaid": None if sums is None else self.document(sums[1]),
            "rules": word.rules,
            "instalments": self.instalments(facility),
            "termsHash": data_hex(facility.terms.terms_hash),
            "terms": self.document(self.papers.facility_terms(facility)),
            "rulesRoot": data_hex(facility.terms.rules_root),
            "scheduleRoot": data_hex(facility.terms.schedule_root),
            "opened": self.moment(facility.opened),
            "closed": None if facility.closed is None else self.moment(facility.closed),
            "seq": word.seq,
            "head": data_hex(facility.head),
        }

    def instalments(self, facility: Facility) -> list[Json]:
        """The instalments with their states; dates and amounts as far as the asker knows them."""
        planned = {each.ordinal: each for each in self.papers.schedule(facility)}
        rows: list[Json] = []
        for ordinal, instalment in enumerate(facility.instalments):
            plan = planned.get(ordinal)
            rows.append(
                {
                    "ordinal": ordinal,
                    "state": written(InstalmentState(instalment.state)),
                    "periodStart": None if plan is None else rfc3339(plan.start, self.zone),
                    "due": None if plan is None else rfc3339(plan.due, self.zone),
                    "deferredTo": rfc3339(instalment.due_ms, self.zone) if instalment.due_ms else None,
                    "amount": None if plan is None or plan.amount is None else self.document(plan.amount),
                    "paid": None if instalment.paid is None else self.moment(instalment.paid),
                }
            )
        return rows

    def review(self, review: Review) -> Json:
        """A review, what opened it, and how it was decided."""
        word, outcome = review.word, review.outcome
        return {
            "id": data_hex(review.id),
            "status": written(ReviewStatus(word.status)),
            "facility": data_hex(review.opening.facility),
            "facilitySeq": review.opening.facility_seq,
            "rule": review.opening.rule,
            "action": action_name(review.opening.action),
            "evidence": data_hex(review.opening.evidence),
            "panel": word.panel,
            "members": [self.party(entity) for entity in self.sight.members_of(word.panel)],
            "opened": self.moment(review.opened),
            "decideBy": rfc3339(word.deadline * 1000, self.zone),
            "verdict": written(Verdict(word.verdict)) if word.verdict else None,
            "reason": None if outcome is None else self.document(self.papers.reason(outcome.decision.reason)),
            "decided": None if review.decided is None else self.moment(review.decided),
            "seq": word.seq,
            "head": data_hex(review.head),
        }

    def cover(self, cover: Cover) -> Json:
        """An insurance cover with its claims."""
        return {
            "id": data_hex(cover.id),
            "insurer": self.party(cover.word.insurer),
            "insured": self.party(cover.word.insured),
            "facility": data_hex(cover.terms.facility),
            "rules": rules_of(cover.terms),
            "start": rfc3339(cover.terms.start, self.zone),
            "end": rfc3339(cover.terms.end, self.zone),
            "termsHash": data_hex(cover.terms.terms_hash),
            "terms": self.document(self.papers.cover_terms(cover.terms.terms_hash)),
            "claims": [self.claim(claim) for claim in self.sight.parts(Claim, cover=cover.id)],
            "registered": self.moment(cover.registered),
            "seq": cover.word.seq,
            "head": data_hex(cover.head),
        }

    def claim(self, claim: Claim) -> Json:
        """A claim that a rule opened."""
        decision = claim.decision
        return {
            "cover": data_hex(claim.cover),
            "claim": claim.opening.claim,
            "state": written(ClaimState(claim.state)),
            "facility": data_hex(claim.opening.facility),
            "evidence": data_hex(claim.opening.evidence),
            "slot": rfc3339(claim.opening.slot, self.zone),
            "opened": self.moment(claim.opened),
            "reason": None if decision is None else self.document(self.papers.reason(decision.reason)),
            "decided": None if claim.decided is None else self.moment(claim.decided),
        }

    def fleet(self, fleet: Fleet) -> Json:
        """An entity's devices: how many, and the roots."""
        return {
            "entity": self.party(fleet.terms.entity),
            "epoch": fleet.word.epoch,
            "devices": fleet.word.devices,
            "revoked": fleet.word.revoked,
            "fleetRoot": data_hex(fleet.terms.fleet_root),
            "revocationRoot": data_hex(fleet.terms.revocation_root),
            "set": self.moment(fleet.set),
            "seq": fleet.word.seq,
            "head": data_hex(fleet.head),
        }

    def round(self, round_: Round) -> Json:
        """An anchored round; which oracles signed, by position."""
        return {
            "id": data_hex(round_.id),
            "schema": data_hex(round_.schema),
            "slot": rfc3339(round_.slot, self.zone),
            "root": data_hex(round_.root),
            "leaves": round_.leaves,
            "signers": [at for at in range(32) if round_.mask >> at & 1],
            "oracleSet": round_.epoch,
            "anchored": self.moment(round_.anchored),
        }

    def firing(self, firing: Firing) -> Json:
        """A rule that fired: its clause, values and thresholds, and what would have had to differ."""
        told = explain(decode_firing(firing.firing))
        clause = self.papers.clause(told.clause)
        return {
            "facility": data_hex(firing.facility),
            "facilitySeq": firing.facility_seq,
            "rule": told.rule,
            "action": action_name(told.action),
            "clauseHash": data_hex(told.clause),
            "clause": self.document(clause),
            "from": rfc3339(told.first_slot, self.zone),
            "to": rfc3339(told.last_slot, self.zone),
            "conditions": [
                {
                    "metric": data_hex(each.condition.metric),
                    "subject": data_hex(each.condition.subject),
                    "kind": each.condition.kind.name.lower(),
                    "sentence": each.sentence,
                    "threshold": str(each.condition.threshold),
                    "values": [
                        {
                            "slot": rfc3339(seen.slot, self.zone),
                            "value": str(seen.value),
                            "flag": int(seen.flag),
                            "readings": seen.count,
                            "sources": data_hex(seen.sources),
                        }
                        for seen in each.run
                    ],
                    "wouldNotHaveFired": {
                        "slot": rfc3339(each.nearest.slot, self.zone),
                        "value": str(each.nearest.value),
                        "instead": str(each.nearest.instead),
                    },
                }
                for each in told.conditions
            ],
            "at": self.moment(firing.at),
        }

    def alert(self, alert: Alert) -> Json:
        """Something that somebody should look at."""
        firing = alert.firing
        return {
            "kind": alert.kind.value.lower(),
            "subject": alert.subject,
            "key": data_hex(alert.key),
            "standing": alert.standing,
            "entities": list(alert.entities),
            "rule": None if firing is None else firing.rule,
            "evidence": None if firing is None else data_hex(firing.evidence),
            "target": None if firing is None else data_hex(firing.target),
            "refusal": None if alert.refusal is None else self.refusal(alert.refusal),
            "at": self.moment(alert.at),
        }

    def refusal(self, refusal: Refusal) -> Json:
        """A transaction that the contracts refused, by name."""
        return {
            "transaction": data_hex(refusal.tx_hash),
            "sender": address_hex(refusal.sender),
            "contract": refusal.contract,
            "act": refusal.act,
            "cause": refusal.cause,
            "args": {argument.name: argument.value for argument in refusal.args},
            "at": self.moment(refusal.at),
        }

    def transition(self, recorded: Recorded) -> Json:
        """One entry of a record's history, with what its head was made from."""
        transition = recorded.transition
        name, act = transition.read()
        return {
            "seq": transition.seq,
            "act": name.lower().replace("_", "-"),
            "fields": fields_of(act),
            "word": f"{transition.word:#066x}",
            "data": data_hex(transition.data),
            "head": data_hex(recorded.head),
            "transaction": data_hex(recorded.tx_hash),
            "at": self.moment(transition.at),
        }

    def party(self, entity: int) -> Json:
        """An entity that a record names."""
        return {"entity": entity, "name": self.name_of(entity)}

    def moment(self, moment: Moment) -> Json:
        """A block and its time."""
        return {"block": moment.block, "time": rfc3339(moment.time * 1000, self.zone)}

    def document(self, document: Strict | Money | None) -> Any:
        """A document's JSON, None when the asker was not given it."""
        return None if document is None else document.model_dump(mode="json", by_alias=True, exclude_none=True)


def fields_of(act: Struct) -> Json:
    """The fields of an act's struct: numbers as texts, bytes as hexadecimal."""
    return {name: _plain(value) for name, value in act.message().items()}


def written(member: IntEnum) -> str:
    """A number of the contracts by its name, as the API writes it: device-fault."""
    return member.name.lower().replace("_", "-")


def action_name(action: int) -> str:
    """The name of a rule's action."""
    return Action(action).name.lower()


def _plain(value: object) -> Any:
    if isinstance(value, bytes):
        return address_hex(value) if len(value) == 20 else data_hex(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value if isinstance(value, bool) else str(value)


def _id(value: bytes) -> str | None:
    return None if value == _NOTHING else data_hex(value)
