"""Receipts for people: the list with its search, and the page of one receipt."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.frame import Frame, Framed
from api.console.phrases import Tag, act_words, authority, pledge_tag, receipt_tag
from api.console.proofs import receipt_panel
from api.console.references import Reference, receipt_quantity, receipt_title, refer
from api.console.words import amount
from api.v1.drafts import digest_of
from ledger_node.bindings.constants import ReceiptStatus
from ledger_node.hexvalues import data_hex
from registry.acts import Contract
from registry.items import Kind, Pledge, Receipt

router = APIRouter(include_in_schema=False)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A receipt in a list."""

    href: str
    title: str
    number: str
    quantity: str
    keeper: str
    owner: str
    tag: Tag


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a history: when, what, and the facts that say more."""

    time: str
    title: str
    block: int
    transaction: str
    fields: dict[str, str]


@router.get("/receipts")
def receipts(frame: Framed, q: str = "", page: int = 1) -> Response:
    """The member's receipts, found by number, goods, unit label or id."""
    found = [row_of(frame, receipt) for receipt in frame.sight.every(Receipt) if _matches(frame, receipt, q.strip())]
    start = max(page - 1, 0) * PAGE
    heading = frame.count("%d receipt", "%d receipts", len(found)) % len(found)
    return frame.page(
        "receipts.html",
        heading=heading,
        rows=found[start : start + PAGE],
        query=q,
        page=page,
        more=len(found) > start + PAGE,
    )


@router.get("/receipts/{receipt_id}")
def receipt(frame: Framed, receipt_id: str) -> Response:
    """One receipt: what it is, its consequence, its history, its proof."""
    found = frame.sight.one(Receipt, digest_of("receipt_id", receipt_id))
    content = frame.papers.content(found)
    word = found.word
    history = frame.state.snapshot.history(Contract.RECEIPTS, found.id)
    events = [
        Event(
            frame.moment(each.transition.at.time),
            act_words("receipt", each.transition.read()[0], frame.say),
            each.transition.at.block,
            data_hex(each.tx_hash),
            {},
        )
        for each in reversed(history)
    ]
    return frame.page(
        "receipt.html",
        heading=f"{receipt_title(frame, found, content)}: {_state(frame, found)}",
        consequence=_consequence(frame, found),
        receipt=found,
        content=content,
        fee=None
        if content is None
        else amount(content.storage_fee.amount.minor, content.storage_fee.amount.currency, frame.language),
        receipt_tag=receipt_tag(word.status, word.holds != 0, word.live_pledges != 0, frame.say),
        pledges=[
            (pledge, _facility_of(frame, pledge), pledge_tag(pledge.word.status, frame.say))
            for pledge in frame.sight.pledges_of(found)
        ],
        holds=[(authority(hold.order.bit, frame.say), hold) for hold in found.holds],
        events=events,
        quantity=receipt_quantity(frame, found, content),
        panel=receipt_panel(frame, found),
    )


def row_of(frame: Frame, receipt: Receipt) -> Row:
    """A receipt in a list."""
    content, word = frame.papers.content(receipt), receipt.word
    return Row(
        href=frame.link(f"/receipts/{data_hex(receipt.id)}"),
        title=receipt_title(frame, receipt, content),
        number="" if content is None else content.receipt_no,
        quantity=receipt_quantity(frame, receipt, content),
        keeper=frame.name(word.keeper),
        owner=frame.name(word.owner),
        tag=receipt_tag(word.status, word.holds != 0, word.live_pledges != 0, frame.say),
    )


def _state(frame: Frame, receipt: Receipt) -> str:
    word = receipt.word
    if word.status == ReceiptStatus.DELIVERED:
        return frame.say("delivered")
    if word.status == ReceiptStatus.CANCELLED:
        return frame.say("cancelled and replaced")
    parts = [frame.say("pledged")] if word.live_pledges else []
    parts += [frame.say("held")] if word.holds else []
    return frame.say(" and ").join(parts) or frame.say("free")


def _facility_of(frame: Frame, pledge: Pledge) -> Reference | None:
    return refer(frame, Kind.FACILITY, pledge.terms.facility) if any(pledge.terms.facility) else None


def _consequence(frame: Frame, receipt: Receipt) -> str:
    word = receipt.word
    if word.status != ReceiptStatus.ACTIVE:
        return frame.say("This receipt has ended; its record stays.")
    if word.holds:
        return frame.say("Nothing can be done with the goods until the authority that placed the hold clears it.")
    if word.live_pledges:
        return frame.say("The goods cannot leave or be pledged again until the pledgee releases them.")
    return frame.say("The holder may pledge the goods or have them delivered.")


def _matches(frame: Frame, receipt: Receipt, query: str) -> bool:
    if not query:
        return True
    content = frame.papers.content(receipt)
    words = [data_hex(receipt.id)]
    if content is not None:
        place = content.storage_place
        words += [content.receipt_no, content.goods.name, *content.unit_ids, place.bin or "", place.building]
    return any(query.lower() in word.lower() for word in words)
