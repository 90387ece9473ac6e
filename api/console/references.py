"""Records as other pages name them: what people call them, a link for those who may follow it, the id."""

from dataclasses import dataclass

from api.console.frame import Frame
from api.console.words import quantity
from ledger_node.hexvalues import data_hex
from registry.documents.receipt import ReceiptContent
from registry.items import Cover, Facility, Key, Kind, Pledge, Receipt, Review


@dataclass(frozen=True, slots=True)
class Reference:
    """A record by name; `href` is empty when the reader may not see its page."""

    name: str
    href: str
    id: str


def receipt_title(frame: Frame, receipt: Receipt, content: ReceiptContent | None) -> str:
    """What a receipt is for, as far as the member was told."""
    if content is None:
        return frame.say("Receipt of %s") % frame.name(receipt.word.keeper)
    return f"{receipt_quantity(frame, receipt, content)} {content.goods.name}"


def receipt_quantity(frame: Frame, receipt: Receipt, content: ReceiptContent | None) -> str:
    """How much a receipt is for; without its content the unit is unknown."""
    return quantity(receipt.word.quantity, "C62" if content is None else content.unit, frame.language)


def facility_title(frame: Frame, facility: Facility) -> str:
    """A facility by whom it is for."""
    return frame.say("Credit to %s") % frame.name(facility.word.borrower)


def refer(frame: Frame, kind: Kind, id_: bytes) -> Reference:
    """A record by its name; one that the reader may not see, or that is not there yet, by its kind alone."""
    found = frame.state.snapshot.get(Key(kind, id_))
    seen = frame.sight.sees_key(Key(kind, id_))
    text = data_hex(id_)
    match found:
        case Receipt() if seen:
            content = frame.papers.content(found)
            number = "" if content is None else f", {content.receipt_no}"
            return Reference(receipt_title(frame, found, content) + number, frame.link(f"/receipts/{text}"), text)
        case Receipt() if (ended := frame.sight.sight_ended(found)) is not None:
            content = frame.papers.content(found)
            name = _kind_words(frame, kind) if content is None else f"{content.goods.name}, {content.receipt_no}"
            return Reference(name, f"/receipts/{text}?as_of_block={ended}", text)
        case Facility() if seen:
            return Reference(facility_title(frame, found), frame.link(f"/facilities/{text}"), text)
        case Review() if seen:
            name = frame.say("Review of rule %d") % (found.opening.rule + 1)
            return Reference(name, frame.link(f"/reviews/{text}"), text)
        case Pledge() if seen:
            receipt = refer(frame, Kind.RECEIPT, found.terms.receipt)
            return Reference(frame.say("Pledge of %s") % receipt.name, receipt.href, text)
        case Cover() if seen:
            facility = refer(frame, Kind.FACILITY, found.terms.facility)
            return Reference(frame.say("Cover of %s") % facility.name, facility.href, text)
        case _:
            return Reference(_kind_words(frame, kind), "", text)


def _kind_words(frame: Frame, kind: Kind) -> str:
    names = {
        Kind.RECEIPT: frame.say("a receipt"),
        Kind.FACILITY: frame.say("a facility"),
        Kind.REVIEW: frame.say("a review"),
        Kind.PLEDGE: frame.say("a pledge"),
        Kind.COVER: frame.say("a cover"),
    }
    return names.get(kind, kind.value)
