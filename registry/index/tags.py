"""What items are found by, and whom they concern."""

from functools import lru_cache

from registry.items import (
    Account,
    Claim,
    Cover,
    Entity,
    Facility,
    Firing,
    Fleet,
    Goods,
    Item,
    Pledge,
    Receipt,
    Review,
    Round,
    Trip,
)

Tags = dict[str, bytes]


@lru_cache(1 << 12)
def number(value: int) -> bytes:
    """A number as tags have it, 32 bytes; few entities and states make most."""
    return value.to_bytes(32, "big")


def tags_of(item: Item) -> Tags:
    """The tags of an item: entities by role, status, and the ids of what it belongs to."""
    match item:
        case Goods():
            return {"receipt": item.receipt}
        case Receipt(word=word):
            return {
                "owner": number(word.owner),
                "keeper": number(word.keeper),
                "status": number(word.status),
                "held": number(word.holds != 0),
                "pledged": number(word.live_pledges != 0),
            }
        case Pledge(word=word, terms=terms):
            return {
                "pledgee": number(word.pledgee),
                "pledgor": number(word.pledgor),
                "status": number(word.status),
                "receipt": terms.receipt,
                "facility": terms.facility,
                "keeper": number(terms.keeper),
            }
        case Entity(word=word):
            return {"entityKind": number(word.kind), "status": number(word.status), "idHash": item.id_hash}
        case Account():
            return {"entity": number(item.entity)}
        case Fleet():
            return {"entity": item.id}
        case _:
            return _credit_tags(item)


def _credit_tags(item: Item) -> Tags:
    match item:
        case Facility(word=word):
            return {
                "lender": number(word.lender),
                "borrower": number(word.borrower),
                "status": number(word.status),
                "held": number(word.holds != 0),
            }
        case Firing() | Trip():
            return {"facility": item.facility}
        case Review(word=word, opening=opening):
            tags = {"panel": number(word.panel), "status": number(word.status)}
            return tags | {"facility": opening.facility, "evidence": opening.evidence}
        case Cover(word=word, terms=terms):
            tags = {"insurer": number(word.insurer), "insured": number(word.insured)}
            return tags | {"facility": terms.facility, "status": number(word.status)}
        case Claim():
            return {"cover": item.cover, "status": number(item.state), "facility": item.opening.facility}
        case Round():
            return {"schema": item.schema}
        case _:
            return {}


def parties_of(item: Item) -> tuple[int, ...]:
    """The entities that an item names itself."""
    match item:
        case Entity():
            return (item.number,)
        case Account():
            return (item.entity,)
        case Fleet():
            return (int.from_bytes(item.id, "big"),)
        case Receipt(word=word):
            return (word.owner, word.keeper)
        case Pledge(word=word, terms=terms):
            return (word.pledgor, terms.keeper, word.pledgee)
        case Facility(word=word):
            return (word.lender, word.borrower)
        case Cover(word=word):
            return (word.insurer, word.insured)
        case _:
            return ()
