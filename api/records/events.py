"""The published catalogue of events: what webhooks and live pages tell, by name. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """One entry: its name (kind of record and act), what happened, and who is told."""

    name: str
    says: str
    seen_by: str
    live: bool = True

    @property
    def kind(self) -> str:
        """The kind of record that it is about."""
        return self.name.partition(".")[0]


_RECEIPT = "holder, keeper, pledgees of the receipt, the regulator"
_FACILITY = "lender, borrower, insurers and insured, panel of the facility, the regulator"
_REVIEW = "the panel, and who sees the facility"
_COVER = "insurer, insured, lender, borrower, the regulator"
_ALL = "every member"
_FLEET = "its entity, members whose goods or credit it watches, the regulator"

EVENTS: dict[str, EventType] = {
    each.name: each
    for each in (
        EventType("receipt.issue", "A receipt was issued.", _RECEIPT),
        EventType("receipt.pledge", "A receipt was pledged.", _RECEIPT),
        EventType("receipt.release", "A pledge of a receipt was released.", _RECEIPT),
        EventType("receipt.deliver", "The goods of a receipt were delivered; the receipt has ended.", _RECEIPT),
        EventType("receipt.cancel", "A receipt was cancelled and replaced.", _RECEIPT),
        EventType("receipt.hold", "A hold was placed on a receipt.", _RECEIPT),
        EventType("receipt.clear-hold", "A hold on a receipt was cleared.", _RECEIPT),
        EventType("facility.open", "A facility was opened.", _FACILITY),
        EventType("facility.draw", "Money was drawn.", _FACILITY),
        EventType("facility.repay", "An instalment was paid.", _FACILITY),
        EventType("facility.hold", "A rule held the facility; a review is open.", _FACILITY),
        EventType("facility.defer", "A rule deferred an instalment.", _FACILITY),
        EventType("facility.note", "A rule fired that only tells, or opened a review or a claim.", _FACILITY),
        EventType("facility.clear-hold", "A review cleared a hold.", _FACILITY),
        EventType("facility.close", "A facility was closed.", _FACILITY),
        EventType("rule.fire", "A rule fired on observations; the facility's own event says what it did.", _FACILITY),
        EventType("breaker.trip", "Too many automatic actions: this one waits for a review.", _FACILITY),
        EventType("review.open", "A review was opened.", _REVIEW),
        EventType("review.decide", "A review was decided.", _REVIEW),
        EventType("cover.register", "A cover was registered.", _COVER),
        EventType("cover.open-claim", "A rule opened a claim.", _COVER),
        EventType("cover.decide-claim", "A claim was decided.", _COVER),
        EventType("transaction.refused", "The contracts refused a transaction.", "who sent it, the regulator"),
        EventType("entity.register", "A legal entity was registered.", _ALL, live=False),
        EventType("entity.add-account", "An entity was given an account.", _ALL, live=False),
        EventType("entity.revoke-account", "An account of an entity was revoked.", _ALL, live=False),
        EventType("entity.set-group", "An entity was put into a group.", _ALL, live=False),
        EventType("entity.suspend", "An entity was suspended.", _ALL),
        EventType("entity.reinstate", "An entity may act again.", _ALL),
        EventType("entity.withdraw-consents", "An entity withdrew its consents of the past.", _ALL, live=False),
        EventType("entity.withdraw-draft", "An entity withdrew its consent to one draft.", _ALL, live=False),
        EventType("fleet.set-fleet", "The devices of an entity were set.", _FLEET, live=False),
        EventType("panel.set", "A panel of reviewers was set.", _ALL, live=False),
        EventType("oracles.set", "The set of oracles was changed.", _ALL, live=False),
        EventType("round.anchor", "A round of observations was anchored; there are many.", _ALL, live=False),
    )
}
"""`live`: whether a page that shows records is out of date after it."""
TEST = "webhook.test"
"""What a webhook is sent when its member asks for a test; not of the chain."""
