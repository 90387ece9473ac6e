"""Why the contracts refused an act, in words: the error's own name stands beside them."""

from api.console.phrases import Say


def cause_words(name: str, say: Say) -> str:
    """What an error of the contracts says; empty for one that people at the console do not meet."""
    return {**_of_goods(say), **_of_parties(say), **_of_credit(say)}.get(name, "")


def tried_words(act: str, say: Say) -> str:
    """The act that was tried, by the name of the contract's function; the name itself where there are no words."""
    names = {
        "issue": say("Issue a receipt"),
        "replace": say("Cancel and replace a receipt"),
        "deliver": say("Deliver goods"),
        "pledge": say("Pledge a receipt"),
        "release": say("Release a pledge"),
        "openFacility": say("Open a facility"),
        "draw": say("Draw money"),
        "repay": say("Confirm a repayment"),
        "register": say("Take insurance cover"),
        "decideClaim": say("Decide a claim"),
        "clear": say("Decide a review"),
        "decide": say("Decide a review"),
        "setFleet": say("Set a fleet of devices"),
        "execute": say("Apply a rule"),
        "anchor": say("Anchor a round"),
    }
    return names.get(act, act)


def _of_goods(say: Say) -> dict[str, str]:
    return {
        "AlreadyPledged": say("the receipt is pledged already"),
        "PledgeExists": say("this pledge was made before; a consent counts once"),
        "StaleConsent": say("the receipt has changed since the parties consented"),
        "StalePledgeConsent": say("the pledge has changed since the parties consented"),
        "GoodsAlreadyClaimed": say("another live receipt covers these goods"),
        "ReceiptExists": say("this receipt was issued before"),
        "ArrivalUnproven": say("these goods had left, and no new arrival is proved"),
        "ReceiptHeld": say("the receipt is held"),
        "ReceiptNotActive": say("the receipt has ended"),
        "PledgeNotLive": say("the pledge has been released"),
        "NoLivePledge": say("the receipt has no live pledge"),
        "NotOwner": say("only the holder may do this"),
        "NotKeeper": say("only the keeper may do this"),
        "NotPledgee": say("only the pledgee may do this"),
        "AffiliatedKeeper": say("the keeper belongs to the pledgor's group"),
        "TransferByConsentOnly": say("a receipt changes hands by consent only"),
    }


def _of_parties(say: Say) -> dict[str, str]:
    return {
        "NotConsented": say("a signature is not of a party whose consent is needed"),
        "ConsentWithdrawn": say("a party has withdrawn its consents"),
        "DraftWithdrawn": say("a party has withdrawn this draft"),
        "EntitySuspended": say("a party is suspended"),
        "EntityUnknown": say("a party is not registered"),
        "AccountUnknown": say("the account belongs to no member"),
        "WrongKind": say("a party is not of the kind that this act needs"),
        "TimeInFuture": say("the draft's time lies in the future"),
    }


def _of_credit(say: Say) -> dict[str, str]:
    return {
        "FacilityHeld": say("the facility is held"),
        "FacilityNotOpen": say("the facility is closed"),
        "FacilityExists": say("this facility was opened before"),
        "NotLender": say("only the lender may do this"),
        "StaleDraw": say("another drawdown came first"),
        "InstalmentPaid": say("the instalment is paid"),
        "InstalmentDeferred": say("the instalment is deferred already"),
        "CoverNotInForce": say("the cover was not in force"),
        "RuleCovered": say("another cover takes the rule's claims in this period"),
        "WrongRule": say("the rule opens its claims under another cover"),
        "ClaimNotOpen": say("the claim has been decided"),
        "ReviewDecided": say("the review has been decided"),
        "DecisionTooOld": say("the panel has decided since this decision was drafted"),
        "PanelTaken": say("the facility has its panel already"),
        "NotPartyOfFacility": say("the insured is neither lender nor borrower of the facility"),
        "NotOnPanel": say("the member does not sit on the panel"),
        "InspectionMissing": say("a hold is cleared only on an inspection taken after it"),
        "InspectionTooOld": say("the inspection was taken before the hold"),
        "EvidenceNotNewer": say("the rule has acted on newer readings"),
    }
