"""Acts on entities, their accounts and their fleets."""

from msgspec.structs import replace

from ledger_node.bindings.constants import AccountRole
from registry import structs
from registry.effects.step import Changes, State, Step
from registry.items import Account, AccountStatus, Entity, Fleet, Key, Kind
from registry.words import EntityWord, FleetWord


def entity(state: State, step: Step) -> Changes:
    """An act of ParticipantRegistry. Raises StateError."""
    key = Key(Kind.ENTITY, step.id)
    word = EntityWord.unpack(step.event.word)
    number = int.from_bytes(step.id, "big")
    act = step.act
    if isinstance(act, structs.Registration):
        account = Account(act.account, number, AccountRole.ADMIN, AccountStatus.LIVE, step.at)
        return {
            key: Entity(step.id, word, step.head, act.id_hash, step.at),
            Key(Kind.ACCOUNT, act.account): account,
        }
    before = step.before
    if not isinstance(before, Entity):
        raise step.wrong("the entity is not registered")
    after = replace(before, word=word, head=step.head)
    if isinstance(act, structs.AccountChange):
        status = AccountStatus.LIVE if step.name == "ADD_ACCOUNT" else AccountStatus.REVOKED
        account = Account(act.account, number, act.role, status, step.at)
        return {key: after, Key(Kind.ACCOUNT, act.account): account}
    if isinstance(act, structs.DraftWithdrawal):
        after = replace(after, withdrawn_drafts=(*before.withdrawn_drafts, act.digest))
    return {key: after}


def fleet(state: State, step: Step) -> Changes:
    """An act of DeviceRegistry. Raises StateError."""
    del state
    if not isinstance(step.act, structs.Fleet) or step.act.entity != int.from_bytes(step.id, "big"):
        raise step.wrong("the fleet is another entity's")
    return {Key(Kind.FLEET, step.id): Fleet(step.id, FleetWord.unpack(step.event.word), step.head, step.act, step.at)}
