"""Acts on facilities, reviews, covers and claims."""

from msgspec.structs import replace

from ledger_node.bindings.constants import ClaimState, InstalmentState
from registry import structs
from registry.consents import digest_of
from registry.effects.step import Changes, State, Step
from registry.items import Claim, Cover, Facility, Instalment, Key, Kind, Review, RuleHold, claim_id
from registry.words import CoverWord, FacilityWord, ReviewWord


def facility(state: State, step: Step) -> Changes:
    """An act of CreditBook. Raises StateError."""
    del state
    key = Key(Kind.FACILITY, step.id)
    word = FacilityWord.unpack(step.event.word)
    act = step.act
    if isinstance(act, structs.Facility):
        if digest_of(type(act), step.event.data, step.deployment) != step.id:
            raise step.wrong("the id is not the digest of the facility")
        due = (Instalment(),) * act.instalments
        return {key: Facility(step.id, word, step.head, act, step.at, due, (0,) * act.rules)}
    before = step.before
    if not isinstance(before, Facility):
        raise step.wrong("the facility was not opened")
    after = replace(before, word=word, head=step.head)
    if isinstance(act, structs.Firing):
        after = _fired(before, after, step, act)
    elif isinstance(act, structs.Repayment):
        after = _with_instalment(after, step, act.instalment, Instalment(InstalmentState.PAID, paid=step.at))
    elif isinstance(act, structs.Clearing):
        after = replace(after, holds=tuple(hold for hold in before.holds if hold.firing.rule != act.rule))
    elif isinstance(act, structs.Closing):
        after = replace(after, closed=step.at)
    return {key: after}


def _fired(before: Facility, after: Facility, step: Step, act: structs.Firing) -> Facility:
    if act.rule >= len(before.guards):
        raise step.wrong("the facility has no such rule")
    if act.slot <= before.guards[act.rule]:
        raise step.wrong("the evidence is not newer than what the rule acted on")
    guards = tuple(act.slot if rule == act.rule else slot for rule, slot in enumerate(before.guards))
    after = replace(after, guards=guards)
    if step.name == "HOLD":
        return replace(after, holds=(*before.holds, RuleHold(act, step.at)))
    if step.name == "DEFER":
        ordinal = int.from_bytes(act.target, "big")
        return _with_instalment(after, step, ordinal, Instalment(InstalmentState.DEFERRED, act.due_ms))
    return after


def _with_instalment(after: Facility, step: Step, ordinal: int, changed: Instalment) -> Facility:
    if ordinal >= len(after.instalments):
        raise step.wrong("the facility has no such instalment")
    if changed.state == InstalmentState.PAID:
        changed = replace(changed, due_ms=after.instalments[ordinal].due_ms)
    instalments = tuple(changed if at == ordinal else each for at, each in enumerate(after.instalments))
    return replace(after, instalments=instalments)


def review(state: State, step: Step) -> Changes:
    """An act of ReviewBoard. Raises StateError."""
    del state
    key = Key(Kind.REVIEW, step.id)
    word = ReviewWord.unpack(step.event.word)
    if isinstance(step.act, structs.ReviewOpening):
        return {key: Review(step.id, word, step.head, step.act, step.at)}
    before = step.before
    if not isinstance(before, Review) or not isinstance(step.act, structs.ReviewOutcome):
        raise step.wrong("the review was not opened")
    return {key: replace(before, word=word, head=step.head, outcome=step.act, decided=step.at)}


def cover(state: State, step: Step) -> Changes:
    """An act of CoverBook. Raises StateError."""
    key = Key(Kind.COVER, step.id)
    word = CoverWord.unpack(step.event.word)
    act = step.act
    if isinstance(act, structs.Cover):
        if digest_of(type(act), step.event.data, step.deployment) != step.id:
            raise step.wrong("the id is not the digest of the cover")
        return {key: Cover(step.id, word, step.head, act, step.at)}
    before = step.before
    if not isinstance(before, Cover):
        raise step.wrong("the cover was not registered")
    after = replace(before, word=word, head=step.head)
    if isinstance(act, structs.ClaimOpening):
        opened = Claim(step.id, act, ClaimState.OPEN, step.at)
        return {key: after, Key(Kind.CLAIM, claim_id(step.id, act.claim)): opened}
    if not isinstance(act, structs.ClaimDecision):
        raise step.wrong("the act is not one of a cover")
    claim_key = Key(Kind.CLAIM, claim_id(step.id, act.claim))
    claim = state.get(claim_key)
    if not isinstance(claim, Claim):
        raise step.wrong("the claim was not opened")
    return {key: after, claim_key: replace(claim, state=act.verdict, decision=act, decided=step.at)}
