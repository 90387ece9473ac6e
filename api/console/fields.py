"""The fields of documents and of signed structs in words: names, values, units, and records by name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from api.acts.kinds import Act
from api.console.frame import Frame
from api.console.phrases import Say
from api.console.references import Reference, refer
from api.console.words import amount, quantity
from api.drafts import Draft
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex
from registry.consents import message
from registry.items import Kind

_ENTITIES = frozenset(
    {"depositor", "keeper", "pledgor", "pledgee", "holder", "lender", "borrower", "insurer", "insured", "inspector",
     "entity"}
)  # fmt: skip
_TIMES = frozenset({"draftedAt", "takenAt", "start", "end"})
_RECORDS = {
    "receipt": Kind.RECEIPT, "facility": Kind.FACILITY, "pledge": Kind.PLEDGE, "review": Kind.REVIEW,
    "cover": Kind.COVER, "subject": Kind.FACILITY,
}  # fmt: skip
_COUNTED = frozenset({"claim", "instalment", "draw", "ordinal"})
"""Numbers that start from 0 on the chain and from 1 for people."""
_DIGEST = re.compile(r"0x[0-9a-f]{64}\Z")
_CLUSTERS = re.compile(r"(\w+)/(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Fact:
    """A field in words: a plain `value`, else a `record` by name, else a `digest` that is shown on demand."""

    name: str
    value: str = ""
    record: Reference | None = None
    digest: str = ""


def signed_facts(frame: Frame, draft: Draft) -> list[Fact]:
    """What is signed, field by field: entities and records by name, times as people read them."""
    names = {**field_words(frame.say), **struct_words(frame.say)}
    verdicts = _verdicts(frame.say)
    return [
        Fact(names[name], verdicts[draft.act, value])
        if isinstance(value, int) and (draft.act, value) in verdicts and name == "verdict"
        else _signed(frame, draft.act, names.get(name, name), name, value)
        for name, value in message(draft.consent).items()
    ]


def document_facts(frame: Frame, content: JsonValue) -> list[Fact]:
    """A document as its reader needs it, in the order of `field_words`; its schema is left out."""
    return list(_facts(frame, content, (), field_words(frame.say)))


def document_name(name: str, say: Say) -> str:
    """What a draft's document is: `clause/0` becomes "Clause 1"."""
    names = {
        "content": say("Content of the receipt"),
        "terms": say("Terms"),
        "amount": say("Amount"),
        "order": say("Delivery order"),
        "result": say("Result of the inspection"),
        "reason": say("Reason"),
    }
    counted = {"clause": say("Clause %d"), "amount": say("Instalment %d")}
    found = _CLUSTERS.match(name)
    if found and found[1] in counted:
        return counted[found[1]] % (int(found[2]) + 1)
    return names.get(name, name)


def _verdicts(say: Say) -> dict[tuple[Act, int], str]:
    return {
        (Act.DECISION, 1): say("Clear: the hold ends"),
        (Act.DECISION, 2): say("Uphold: the hold stays"),
        (Act.CLAIM_DECISION, 2): say("Accept the claim"),
        (Act.CLAIM_DECISION, 3): say("Reject the claim"),
    }


def _signed(frame: Frame, act: Act, words: str, name: str, value: object) -> Fact:
    if isinstance(value, bytes):
        if not any(value):
            return Fact(words, frame.say("none"))
        if name in _RECORDS:
            return Fact(words, record=refer(frame, _RECORDS[name], value))
        return Fact(words, digest=data_hex(value))
    if not isinstance(value, int):
        return Fact(words, str(value))
    if name in _ENTITIES:
        return Fact(words, f"{frame.name(value)} ({value})")
    if name == "rules" and act is Act.COVER:
        numbers = [str(at + 1) for at in range(32) if value >> at & 1]
        return Fact(frame.say("Rules that open claims under it"), ", ".join(numbers) or frame.say("none"))
    if name == "panel":
        return Fact(words, frame.say(", ").join(frame.name(each) for each in frame.sight.members_of(value)))
    if name in _TIMES:
        return Fact(words, frame.moment(value // 1000))
    return Fact(words, str(value + 1) if name in _COUNTED else f"{value:,}")


def _facts(frame: Frame, content: JsonValue, path: tuple[str, ...], names: dict[str, str]) -> Iterator[Fact]:
    label = " · ".join(names.get(step, step) for step in path)
    if isinstance(content, dict):
        if content.keys() == {"minor", "currency"}:
            yield Fact(label, amount(_whole(content["minor"]), str(content["currency"]), frame.language))
            return
        measured = "quantity" in content and "unit" in content
        order = {name: at for at, name in enumerate(names)}
        for name, value in sorted(content.items(), key=lambda each: order.get(each[0], len(order))):
            if name == "schema" or (name == "unit" and measured):
                continue
            if name == "quantity" and measured:
                words = quantity(_whole(value), str(content["unit"]), frame.language)
                yield Fact(" · ".join(names.get(step, step) for step in (*path, name)), words)
                continue
            yield from _facts(frame, value, (*path, name), names)
    elif isinstance(content, list):
        if not content:
            yield Fact(label, frame.say("none"))
        elif all(isinstance(each, str) and not _DIGEST.match(each) for each in content):
            yield Fact(label, ", ".join(str(each) for each in content))
        else:
            for at, value in enumerate(content):
                yield from _facts(frame, value, (*path, str(at + 1)), names)
    else:
        yield _plain(frame, label, path[-1], content)


def _plain(frame: Frame, label: str, name: str, value: JsonValue) -> Fact:
    if isinstance(value, bool):
        return Fact(label, frame.say("yes") if value else frame.say("no"))
    if isinstance(value, str) and _DIGEST.match(value):
        kind = _RECORDS.get(name)
        if kind is None:
            return Fact(label, digest=value)
        return Fact(label, record=refer(frame, kind, bytes.fromhex(value[2:])))
    if isinstance(value, int) and name.endswith("Bps"):
        return Fact(label, f"{value / 100:.2f} %")
    if isinstance(value, str):
        return Fact(label, _codes(frame.say).get((name, value), value))
    if isinstance(value, int):
        return Fact(label, str(value + 1) if name in _COUNTED else f"{value:,}")
    return Fact(label, str(value))


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _codes(say: Say) -> dict[tuple[str, str], str]:
    """Values that are codes, in words."""
    return {
        ("medium", "electronic"): say("electronic"),
        ("medium", "paper"): say("paper"),
        ("per", "day"): say("a day"),
        ("per", "week"): say("a week"),
        ("per", "month"): say("a month"),
        ("per", "year"): say("a year"),
        ("per", "whole"): say("the whole term"),
        ("purpose", "drawdown"): say("drawdown"),
        ("purpose", "instalment"): say("instalment"),
        ("purpose", "repayment"): say("repayment"),
        ("legalProfile", "CN"): say("law of China"),
    }


def field_words(say: Say) -> dict[str, str]:
    """The names of documents' fields, in the order in which people read them."""
    return {**_paper_words(say), **_party_words(say), **_goods_words(say), **_credit_words(say)}


def _goods_words(say: Say) -> dict[str, str]:
    return {
        "goods": say("Goods"),
        "grade": say("Grade"),
        "spec": say("Specification"),
        "packaging": say("Packaging"),
        "pieces": say("Pieces"),
        "marks": say("Marks"),
        "quantity": say("Quantity"),
        "unit": say("Unit of quantity"),
        "quality": say("Quality"),
        "statement": say("Statement"),
        "certificateHash": say("Certificate's digest"),
        "lossStandardBps": say("Usual loss"),
        "unitIds": say("Labels"),
        "deviceIds": say("Devices"),
        "commingled": say("Commingled"),
        "pool": say("Pool"),
        "saidToContain": say("Said to contain"),
        "keeperOwnsGoods": say("The keeper owns the goods"),
        "storagePlace": say("Storage place"),
        "site": say("Site"),
        "building": say("Building"),
        "bin": say("Bin"),
        "storageFrom": say("Stored from"),
        "storageTo": say("Stored until"),
        "storageFee": say("Storage fee"),
        "storageAgreement": say("Storage agreement"),
        "fieldWarehousing": say("Field warehousing"),
        "per": say("For each"),
    }


def _party_words(say: Say) -> dict[str, str]:
    return {
        "keeper": say("Keeper"),
        "depositor": say("Depositor"),
        "holder": say("Holder"),
        "pledgor": say("Pledgor"),
        "pledgee": say("Pledgee"),
        "lender": say("Lender"),
        "borrower": say("Borrower"),
        "insurer": say("Insurer"),
        "insured": say("Insured"),
        "inspector": say("Inspector"),
        "name": say("Name"),
        "localName": say("Second name"),
        "id": say("Legal identifier"),
        "address": say("Address"),
        "licence": say("Licence"),
        "thirdPartyClaims": say("Claims of third parties"),
        "claimant": say("Claimant"),
        "claim": say("Claim"),
    }


def _credit_words(say: Say) -> dict[str, str]:
    return {
        "debt": say("Debt"),
        "debtKind": say("Kind of debt"),
        "scope": say("What the pledge secures"),
        "delivery": say("How the goods are handed over"),
        "limit": say("Limit"),
        "rateBps": say("Rate a year"),
        "purpose": say("Purpose"),
        "termFrom": say("Term from"),
        "termTo": say("Term until"),
        "covenants": say("Clauses' digests"),
        "warningBps": say("Warning line"),
        "liquidationBps": say("Liquidation line"),
        "amount": say("Amount"),
        "ordinal": say("Place in the order"),
        "lienOrAdvances": say("Lien or advances"),
        "insurance": say("Insurance"),
        "sum": say("Sum insured"),
        "perils": say("Perils"),
        "charges": say("Charges"),
        "chargesPaid": say("Charges are paid"),
        "minor": say("Minor units"),
        "currency": say("Currency"),
    }


def _paper_words(say: Say) -> dict[str, str]:
    return {
        "label": say("Kind of paper"),
        "receiptNo": say("Receipt no."),
        "orderNo": say("Order no."),
        "receipt": say("Receipt"),
        "replaces": say("Replaces"),
        "rightsNotice": say("Rights of the holder"),
        "negotiable": say("Negotiable"),
        "deliverTo": say("Deliver to"),
        "issuedAt": say("Issued"),
        "issuePlace": say("Place of issue"),
        "medium": say("Medium"),
        "legalProfile": say("Law"),
        "number": say("Number"),
        "title": say("Title"),
        "text": say("Text"),
        "discloses": say("What a firing discloses"),
        "subject": say("Subject"),
        "takenAt": say("Taken"),
        "method": say("Method"),
        "finding": say("Finding"),
        "code": say("Reason code"),
        "date": say("Date"),
        "hash": say("Digest of the text"),
        "start": say("From"),
        "end": say("To"),
    }


def struct_words(say: Say) -> dict[str, str]:
    """The names of signed fields that no document has."""
    return {
        "amountHash": say("Digest of the amount"),
        "contentHash": say("Digest of the content"),
        "termsHash": say("Digest of the terms"),
        "orderHash": say("Digest of the order"),
        "resultHash": say("Digest of the result"),
        "reason": say("Digest of the reason"),
        "unitKeysHash": say("Digest of the unit keys"),
        "positionKey": say("Key of the place"),
        "rulesRoot": say("Root of the rules"),
        "scheduleRoot": say("Root of the schedule"),
        "fleetRoot": say("Root of the devices"),
        "revocationRoot": say("Root of the revoked devices"),
        "cover": say("Cover"),
        "facility": say("Facility"),
        "pledge": say("Pledge"),
        "review": say("Review"),
        "inspection": say("Inspection"),
        "entity": say("Entity"),
        "devices": say("Devices"),
        "revoked": say("Revoked"),
        "epoch": say("Epoch"),
        "draftedAt": say("Drafted"),
        "draw": say("Number of the drawdown"),
        "instalment": say("Instalment"),
        "instalments": say("Instalments"),
        "rules": say("Rules"),
        "panel": say("Panel"),
        "seq": say("Receipt as of its change no."),
        "pledgeSeq": say("Pledge as of its change no."),
        "profile": say("Legal profile"),
        "flags": say("Flags"),
        "verdict": say("Verdict"),
    }
