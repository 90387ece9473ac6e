"""Acts on receipts, and on the pledges whose acts are transitions of their receipt."""

from typing import Any

from msgspec.structs import replace

from ledger_node.bindings.constants import PledgeStatus
from ledger_node.values import Wide
from registry import structs
from registry.consents import digest_of
from registry.effects.step import Changes, State, Step
from registry.items import Hold, Key, Kind, Pledge, Receipt
from registry.words import PledgeWord, ReceiptWord


def receipt(state: State, step: Step) -> Changes:
    """An act of ReceiptRegistry. Raises StateError."""
    key = Key(Kind.RECEIPT, step.id)
    word = ReceiptWord.unpack(step.event.word)
    act = step.act
    if isinstance(act, structs.Issue):
        if digest_of(type(act), step.event.data, step.deployment) != step.id:
            raise step.wrong("the id is not the digest of the issue")
        return {key: Receipt(step.id, word, step.head, act, step.at)}
    before = step.before
    if not isinstance(before, Receipt):
        raise step.wrong("the receipt was not issued")
    changes: Changes = {}
    changed: dict[str, Any] = {"word": word, "head": step.head}
    if isinstance(act, structs.Pledge):
        made = _pledge(step, act, word)
        changed["pledges"] = (*before.pledges, made.id)
        changes[Key(Kind.PLEDGE, made.id)] = made
    elif isinstance(act, structs.Release):
        changes[Key(Kind.PLEDGE, act.pledge)] = _released(state, step, act)
    else:
        changed |= _changed(before, step)
    changes[key] = replace(before, **changed)
    return changes


def _pledge(step: Step, act: structs.Pledge, word: ReceiptWord) -> Pledge:
    if act.receipt != step.id:
        raise step.wrong("the pledge is of another receipt")
    pledge_word = PledgeWord(
        pledgee=act.pledgee,
        pledgor=act.pledgor,
        status=PledgeStatus.LIVE,
        rank=word.live_pledges,
        ordinal=word.ordinal,
        seq=1,
        receipt_tag=Wide.from_bytes(step.id[:12], "big"),
    )
    return Pledge(digest_of(type(act), step.event.data, step.deployment), pledge_word, act, step.at)


def _released(state: State, step: Step, act: structs.Release) -> Pledge:
    before = state.get(Key(Kind.PLEDGE, act.pledge))
    if not isinstance(before, Pledge) or before.terms.receipt != step.id or before.word.status != PledgeStatus.LIVE:
        raise step.wrong("the pledge is no live pledge of this receipt")
    word = replace(before.word, status=PledgeStatus.RELEASED, seq=before.word.seq + 1)
    return replace(before, word=word, released=step.at)


def _changed(before: Receipt, step: Step) -> dict[str, Any]:
    """What an act that is the receipt's alone changes beside word and head."""
    act = step.act
    if isinstance(act, structs.Delivery):
        return {"delivery": act, "ended": step.at}
    if isinstance(act, structs.Cancellation):
        return {"replaced_by": act.replaced_by, "ended": step.at}
    if not isinstance(act, structs.HoldOrder):
        raise step.wrong("the act is not one of a receipt")
    others = tuple(hold for hold in before.holds if hold.order.bit != act.bit)
    if step.name == "HOLD":
        return {"holds": (*others, Hold(act, step.at))}
    if len(others) == len(before.holds):
        raise step.wrong("the hold does not stand")
    return {"holds": others}
