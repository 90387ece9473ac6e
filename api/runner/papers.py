"""What a pack's parties ask the API to draft: the bodies of POST /v1/drafts (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.runner.agreements import Names
from api.runner.pack import Pack
from api.runner.pack_parts import Condition, Facility, Instalment, Party, Receipt, Rule
from api.runner.quantities import duration_ms, scaled
from ledger_node.canonical_json import dumps
from ledger_node.hashing import keccak256
from ledger_node.hexvalues import data_hex
from oracle.formats.covenant import FORMAT as COVENANT_FORMAT
from oracle.formats.covenant import parse as parse_covenant
from oracle.formats.rule import Comparator
from oracle.formats.schema import Schema
from oracle.formats.schema import to_json as schema_to_json
from oracle.formats.segment import Quality

Body = dict[str, Any]
_COMPARATORS = {each.sign: each.name.lower() for each in Comparator}
_DISCLOSES = "This clause, and the observations of the window in which it fires."


@dataclass(frozen=True, slots=True)
class Papers:
    """Makes the requests of one played pack; `now` is the day it is played on, RFC 3339."""

    pack: Pack
    names: Names
    now: str

    def issue(self, key: str, replaces: str | None) -> Body:
        """A receipt for the goods of that name."""
        receipt = self.pack.receipts[key]
        body: Body = {
            "act": "issue",
            "depositor": self.names.entities[receipt.depositor],
            "keeper": self.names.entities[receipt.keeper],
            "content": self._content(receipt, replaces),
            "units": [unit.model_dump() for unit in receipt.units],
        }
        return body if replaces is None else {**body, "replaces": replaces}

    def _content(self, receipt: Receipt, replaces: str | None) -> Body:
        keeper, depositor = self.pack.parties[receipt.keeper], self.pack.parties[receipt.depositor]
        watching = [name for name, device in self.pack.devices.items() if device.watches == receipt.watched]
        content: Body = {
            "schema": "cangdan/receipt/1",
            "label": "仓单",
            "keeper": {**_party(keeper), "licence": keeper.licence},
            "depositor": _party(depositor),
            "holder": _party(depositor),
            "issuedAt": self.now,
            "quantity": receipt.quantity,
            "unit": receipt.unit,
            "unitIds": [unit.label for unit in receipt.units],
            "deviceIds": [data_hex(self.names.device(self.pack.devices[name].owner, name)) for name in watching],
            **receipt.content,
        }
        return content if replaces is None else {**content, "replaces": replaces}

    def pledge(self, key: str, receipt: str, to: str, debt: Body, facility: str | None) -> Body:
        """A pledge of the receipt with that id to the party `to`."""
        goods = self.pack.receipts[key]
        terms = {
            "schema": "cangdan/pledge-terms/1",
            "pledgor": _party(self.pack.parties[goods.depositor]),
            "pledgee": _party(self.pack.parties[to]),
            "debtKind": "loan",
            "debt": debt,
            "termFrom": str(goods.content["storageFrom"]),
            "termTo": str(goods.content["storageTo"]),
            "goods": str(goods.content["goods"]["name"]),
            "quantity": goods.quantity,
            "unit": goods.unit,
            "scope": "principal, interest and costs of enforcement",
            "delivery": "endorsement of the receipt, signed by the keeper",
        }
        body: Body = {"act": "pledge", "receipt": receipt, "pledgee": self.names.entities[to], "terms": terms}
        return body if facility is None else {**body, "facility": facility}

    def delivery(self, key: str, receipt: str, order: str) -> Body:
        """The delivery of a receipt's goods to their depositor by an order of that number."""
        goods = self.pack.receipts[key]
        fee = goods.content["storageFee"]["amount"]
        paper = {
            "schema": "cangdan/delivery-order/1",
            "orderNo": order,
            "receipt": receipt,
            "deliverTo": self.pack.parties[goods.depositor].name,
            "quantity": goods.quantity,
            "unit": goods.unit,
            "charges": fee,
            "chargesPaid": True,
        }
        return {"act": "delivery", "receipt": receipt, "order": paper}

    def facility(self, key: str, panel: int, schemas: Mapping[str, Schema]) -> Body:
        """A facility with its rules and instalments."""
        facility = self.pack.facilities[key]
        terms = {
            "schema": "cangdan/facility-terms/1",
            "lender": _party(self.pack.parties[facility.lender]),
            "borrower": _party(self.pack.parties[facility.borrower]),
            "limit": {"minor": facility.limit, "currency": facility.currency},
            "rateBps": facility.rate_bps,
            "purpose": facility.purpose,
            "termFrom": _day(facility.instalments[0].start),
            "termTo": _day(facility.instalments[-1].due),
        }
        return {
            "act": "facility",
            "lender": self.names.entities[facility.lender],
            "borrower": self.names.entities[facility.borrower],
            "panel": panel,
            "terms": terms,
            "rules": [self._rule(number, rule, schemas) for number, rule in enumerate(facility.rules, start=1)],
            "schedule": [_instalment(payment, facility) for payment in facility.instalments],
        }

    def _rule(self, number: int, rule: Rule, schemas: Mapping[str, Schema]) -> Body:
        clause = {
            "schema": "cangdan/clause/1",
            "number": str(number),
            "title": rule.title,
            "text": f"{rule.clause.en}\n{rule.clause.zh}",
            "discloses": _DISCLOSES,
        }
        return {
            "action": rule.action,
            "parameter": rule.days,
            "singleKind": rule.single_kind,
            "windowMs": duration_ms(rule.within),
            "clause": clause,
            "conditions": [self._condition(condition, schemas[condition.schema_]) for condition in rule.when],
        }

    def _condition(self, condition: Condition, schema: Schema) -> Body:
        sign, figure = condition.value.split(" ", 1)
        exp10 = next(metric.exp10 for metric in schema.metrics if metric.name == condition.metric)
        return {
            "schema": data_hex(schema.id),
            "subject": data_hex(self.names.subject(condition.subject)),
            "metric": data_hex(keccak256(condition.metric.encode())),
            "periodMs": schema.period_ms,
            "kind": condition.kind,
            "comparator": _COMPARATORS[sign],
            "count": condition.running,
            "missingSkips": condition.missing == "skips",
            "flags": [Quality[flag.upper()].value for flag in condition.accept],
            "threshold": str(scaled(figure, exp10)),
        }

    def cover(self, key: str, facility: str) -> Body:
        """The insurance cover of that name."""
        cover = self.pack.covers[key]
        terms = {
            "schema": "cangdan/cover-terms/1",
            "insurer": _party(self.pack.parties[cover.insurer]),
            "insured": _party(self.pack.parties[cover.insured]),
            "sum": {"minor": cover.sum, "currency": self.pack.facilities[cover.facility].currency},
            "perils": cover.perils,
            "start": cover.start,
            "end": cover.end,
        }
        parties = {"insurer": self.names.entities[cover.insurer], "insured": self.names.entities[cover.insured]}
        under = [at for at, rule in enumerate(self.pack.facilities[cover.facility].rules) if rule.cover == key]
        return {"act": "cover", **parties, "facility": facility, "rules": under, "terms": terms}

    def inspection(self, inspector: str, facility: str, finding: str, taken_at: str) -> Body:
        """An inspector's recount of what a facility rests on."""
        result = {
            "schema": "cangdan/inspection/1",
            "subject": facility,
            "inspector": self.pack.parties[inspector].name,
            "takenAt": taken_at,
            "method": "count and weighing on site",
            "finding": finding,
        }
        return {"act": "inspection", "subject": facility, "result": result}


def covenant(drafted: Body, names: Sequence[str], schemas: Sequence[Schema], grantees: Sequence[int]) -> bytes:
    """The covenant that goes to the oracles (canonical JSON), put together from the draft of a facility."""
    openings, extras = drafted["documents"], drafted["extras"]
    facility = drafted["typedData"]["message"]
    rules = [
        {"name": name, "clause": _opening(openings[f"clause/{at}"]), **{k: v for k, v in rule.items() if k != "clause"}}
        for at, (name, rule) in enumerate(zip(names, extras["rules"], strict=True))
    ]
    schedule = [
        {
            "periodStartMs": payment["periodStartMs"],
            "dueMs": payment["dueMs"],
            "amount": _opening(openings[f"amount/{payment['ordinal']}"]),
        }
        for payment in extras["schedule"]
    ]
    whole: Body = {
        "format": COVENANT_FORMAT,
        "facility": {key: int(facility[key]) for key in ("lender", "borrower", "panel", "draftedAt")},
        "terms": _opening(openings["terms"]),
        "rules": rules,
        "schedule": schedule,
        "schemas": [schema_to_json(schema) for schema in schemas],
    }
    return parse_covenant(dumps({**whole, "grantees": list(grantees)} if grantees else whole)).encoded


def _opening(document: Body) -> Body:
    return {"salt": document["salt"], "content": document["content"]}


def _party(party: Party) -> Body:
    return {"name": party.name, "id": party.identifier, "address": party.address}


def _day(time: str) -> str:
    return datetime.fromisoformat(time).date().isoformat()


def _instalment(payment: Instalment, facility: Facility) -> Body:
    amount = {"minor": payment.amount, "currency": facility.currency}
    return {"periodStart": payment.start, "due": payment.due, "amount": amount}
