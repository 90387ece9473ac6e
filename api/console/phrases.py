"""The words for what the chain says, in the reader's language: states with their tags, acts, authorities, actions."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger_node.bindings.constants import (
    ClaimState,
    FacilityStatus,
    InstalmentState,
    PledgeStatus,
    ReceiptHold,
    ReceiptStatus,
    ReviewStatus,
    Verdict,
)
from oracle.formats.rule import Action, Comparator, EvidenceKind

Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Tag:
    """A word with its kind: good, wait, warn, act, past, unknown; each kind has its shape and colour."""

    kind: str
    words: str


def receipt_tag(status: int, held: bool, pledged: bool, say: Say) -> Tag:
    """The state of a receipt in a tag."""
    if status == ReceiptStatus.DELIVERED:
        return Tag("past", say("delivered"))
    if status == ReceiptStatus.CANCELLED:
        return Tag("past", say("cancelled"))
    if held:
        return Tag("act", say("held"))
    return Tag("wait", say("pledged")) if pledged else Tag("good", say("free"))


def facility_tag(status: int, held: bool, say: Say) -> Tag:
    """The state of a facility in a tag."""
    if status == FacilityStatus.CLOSED:
        return Tag("past", say("closed"))
    return Tag("act", say("held")) if held else Tag("good", say("open"))


def instalment_tag(state: int, say: Say) -> Tag:
    """The state of an instalment in a tag."""
    tags = {
        InstalmentState.DUE: Tag("wait", say("due")),
        InstalmentState.PAID: Tag("good", say("paid")),
        InstalmentState.DEFERRED: Tag("warn", say("deferred")),
    }
    return tags[InstalmentState(state)]


def pledge_tag(status: int, say: Say) -> Tag:
    """The state of a pledge in a tag."""
    return Tag("wait", say("live")) if status == PledgeStatus.LIVE else Tag("past", say("released"))


def review_tag(status: int, verdict: int, say: Say) -> Tag:
    """The state of a review in a tag."""
    if status == ReviewStatus.OPEN:
        return Tag("act", say("undecided"))
    return Tag("good", say("cleared")) if verdict == Verdict.CLEAR else Tag("warn", say("upheld"))


def claim_tag(state: int, say: Say) -> Tag:
    """The state of a claim in a tag."""
    tags = {
        ClaimState.OPEN: Tag("act", say("undecided")),
        ClaimState.ACCEPTED: Tag("good", say("accepted")),
        ClaimState.REJECTED: Tag("past", say("rejected")),
    }
    return tags[ClaimState(state)]


def authority(bit: int, say: Say) -> str:
    """Whose hold a bit of a receipt is."""
    names = {
        ReceiptHold.COURT: say("court"),
        ReceiptHold.TAMPER: say("tamper alarm"),
        ReceiptHold.DEVICE_FAULT: say("device fault"),
        ReceiptHold.MANUAL: say("keeper"),
    }
    return names[ReceiptHold(bit)]


def action_words(action: int, say: Say) -> str:
    """What a rule did."""
    names = {
        Action.HOLD: say("credit held"),
        Action.REVIEW: say("review opened"),
        Action.DEFER: say("instalment deferred"),
        Action.OPEN_CLAIM: say("insurance claim opened"),
        Action.NOTIFY: say("parties told"),
    }
    return names.get(Action(action), Action(action).name.lower())


def act_words(contract: str, name: str, say: Say) -> str:
    """An entry of a record's history."""
    names = {
        ("receipt", "ISSUE"): say("Issued by the keeper for the depositor"),
        ("receipt", "PLEDGE"): say("Pledged"),
        ("receipt", "RELEASE"): say("Pledge released"),
        ("receipt", "DELIVER"): say("Goods delivered"),
        ("receipt", "CANCEL"): say("Cancelled and replaced"),
        ("receipt", "HOLD"): say("Hold placed"),
        ("receipt", "CLEAR_HOLD"): say("Hold cleared"),
        ("facility", "OPEN"): say("Facility opened"),
        ("facility", "DRAW"): say("Money drawn"),
        ("facility", "REPAY"): say("Instalment paid"),
        ("facility", "HOLD"): say("Held by a rule"),
        ("facility", "DEFER"): say("Instalment deferred by a rule"),
        ("facility", "NOTE"): say("A rule fired"),
        ("facility", "CLEAR_HOLD"): say("Hold cleared by review"),
        ("facility", "CLOSE"): say("Facility closed"),
    }
    return names.get((contract, name), name)


def draft_words(act: str, say: Say) -> str:
    """An act as the title of its draft."""
    names = {
        "issue": say("Issue a receipt"),
        "pledge": say("Pledge a receipt"),
        "release": say("Release a pledge"),
        "delivery": say("Deliver goods"),
        "fleet": say("Set a fleet of devices"),
        "facility": say("Open a facility"),
        "drawdown": say("Draw money"),
        "repayment": say("Confirm a repayment"),
        "cover": say("Take insurance cover"),
        "claim-decision": say("Decide a claim"),
        "inspection": say("Sign an inspection"),
        "decision": say("Decide a review"),
    }
    return names[act]


def effect_words(act: str, say: Say) -> str:
    """What an act does once it is on the chain, and what undoes it."""
    names = {
        "issue": say("A receipt comes into being. It cannot be edited; it can be cancelled and replaced."),
        "pledge": say("The receipt is locked for the pledgee. Only the pledgee can release it."),
        "release": say("The pledge ends. To secure the debt again, a new pledge is needed."),
        "delivery": say("The goods leave and the receipt ends for ever."),
        "fleet": say("From now on only readings of these devices count."),
        "facility": say("The rules act by themselves from now on, as their clauses say."),
        "drawdown": say("The drawdown is recorded. It is refused while the facility is held."),
        "repayment": say("The instalment counts as paid. This cannot be taken back."),
        "cover": say("The rules that it names open their claims under this cover and under no other in its period."),
        "claim-decision": say("The claim is decided. This cannot be taken back."),
        "inspection": say("Your finding may be used to decide a review."),
        "decision": say("The review is decided. A cleared hold frees the facility at once."),
    }
    return names[act]


def alert_words(kind: str, say: Say) -> Tag:
    """An alert in a tag."""
    names = {
        "HOLD": Tag("act", say("credit held")),
        "REVIEW": Tag("warn", say("review opened")),
        "DEFER": Tag("warn", say("instalment deferred")),
        "OPEN_CLAIM": Tag("act", say("claim opened")),
        "NOTIFY": Tag("wait", say("parties told")),
        "RECEIPT_HOLD": Tag("act", say("receipt held")),
        "BREAKER": Tag("act", say("circuit breaker")),
        "DOUBLE_PLEDGE": Tag("act", say("double pledge refused")),
        "REFUSED": Tag("past", say("act refused")),
    }
    return names.get(kind, Tag("unknown", kind))


def comparison(comparator: Comparator, say: Say) -> str:
    """How a value is compared, in words."""
    names = {
        Comparator.BELOW: say("below"),
        Comparator.AT_MOST: say("at most"),
        Comparator.ABOVE: say("above"),
        Comparator.AT_LEAST: say("at least"),
        Comparator.EQUAL: say("equal to"),
        Comparator.UNEQUAL: say("other than"),
    }
    return names[comparator]


def evidence_kind(kind: EvidenceKind, say: Say) -> str:
    """A class of evidence."""
    names = {
        EvidenceKind.MASS: say("mass"),
        EvidenceKind.MOVEMENT: say("movement"),
        EvidenceKind.IMAGE: say("image"),
        EvidenceKind.CLIMATE: say("climate"),
        EvidenceKind.ENERGY: say("energy"),
        EvidenceKind.COUNT: say("count"),
        EvidenceKind.STATE: say("state"),
    }
    return names[kind]


def flag_words(state: str, say: Say) -> str:
    """The state of an observed value."""
    names = {
        "pass": say("pass"),
        "not-evaluated": say("not evaluated"),
        "suspect": say("suspect"),
        "fail": say("fail"),
        "missing": say("missing"),
    }
    return names[state]
