"""The few numbers under the heading of a first page, by role. Amounts are those that the member was given."""

from collections.abc import Iterable

from api.console.credit import money, outstanding, payments
from api.console.frame import Frame
from api.console.tasks import open_claims, open_reviews
from api.security.roles import Role
from ledger_node.bindings.constants import FacilityStatus, ReceiptStatus
from registry.documents.fields import Money
from registry.items import Cover, Facility, Receipt

Figures = list[tuple[str, str]]


def figures(frame: Frame) -> Figures:
    """What a role wants to know at a glance."""
    role = frame.principal.role
    if role is Role.BANK:
        return _bank(frame)
    if role is Role.INSURER:
        return _insurer(frame)
    if role is Role.INSPECTOR:
        return [(frame.say("Reviews that you sit on"), str(len(open_reviews(frame.sight))))]
    return _goods(frame) + (_borrower(frame) if role is Role.DEPOSITOR else [])


def _bank(frame: Frame) -> Figures:
    lent = [each for each in frame.sight.every(Facility) if each.word.lender == frame.principal.entity]
    held = [each for each in lent if each.word.holds]
    limits = [None if (terms := frame.papers.facility_terms(each)) is None else terms.limit for each in lent]
    owed, stuck = [outstanding(frame, each) for each in lent], [outstanding(frame, each) for each in held]
    open_ = [each for each in lent if each.word.status == FacilityStatus.OPEN and not each.word.holds]
    return [
        (frame.say("Limits agreed"), _sum(frame, limits)),
        (frame.say("Outstanding"), _sum(frame, owed)),
        (frame.say("Of it held"), _sum(frame, stuck)),
        (frame.say("Can still be drawn"), _sum(frame, [_room(frame, each) for each in open_])),
    ]


def _insurer(frame: Frame) -> Figures:
    covers = [each for each in frame.sight.every(Cover) if each.word.insurer == frame.principal.entity]
    known = [frame.papers.cover_terms(each.terms.terms_hash) for each in covers]
    sums = [None if terms is None else terms.sum for terms in known]
    return [
        (frame.say("Covers"), str(len(covers))),
        (frame.say("Sum insured"), _sum(frame, sums)),
        (frame.say("Open claims"), str(len(open_claims(frame.sight)))),
    ]


def _goods(frame: Frame) -> Figures:
    live = [each for each in frame.sight.every(Receipt) if each.word.status == ReceiptStatus.ACTIVE]
    return [
        (frame.say("Live receipts"), str(len(live))),
        (frame.say("Of them pledged"), str(sum(1 for each in live if each.word.live_pledges))),
        (frame.say("Of them held"), str(sum(1 for each in live if each.word.holds))),
    ]


def _borrower(frame: Frame) -> Figures:
    owing = [each for each in frame.sight.every(Facility) if each.word.borrower == frame.principal.entity]
    if not owing:
        return []
    unpaid = [each for facility in owing for each in payments(frame, facility) if each.place != "paid"]
    due = [date for each in unpaid if (date := each.deferred or each.due)]
    rows = [(frame.say("Outstanding"), _sum(frame, [outstanding(frame, each) for each in owing]))]
    return rows + ([(frame.say("Next instalment due"), min(due))] if due else [])


def _room(frame: Frame, facility: Facility) -> Money | None:
    """The limit, by the factor that rules may have set (basis points), less what is outstanding; None: not known."""
    terms, owed = frame.papers.facility_terms(facility), outstanding(frame, facility)
    if terms is None or owed is None:
        return None
    limit = terms.limit.minor * facility.word.limit_factor // 10_000
    return Money(minor=max(limit - owed.minor, 0), currency=terms.limit.currency)


def _sum(frame: Frame, amounts: Iterable[Money | None]) -> str:
    """The amounts added up, each currency by itself; that some were not given to the reader is said after them."""
    totals: dict[str, int] = {}
    known = list(amounts)
    for each in known:
        if each is not None:
            totals[each.currency] = totals.get(each.currency, 0) + each.minor
    parts = [money(frame, Money(minor=total, currency=name)) for name, total in sorted(totals.items())]
    if None in known:
        parts.append(frame.say("not given to you"))
    return " + ".join(parts) or "0"
