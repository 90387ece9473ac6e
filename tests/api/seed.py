"""A small state of the chain: seven entities with accounts, a receipt, a facility with a held rule, a panel."""

from dataclasses import replace
from functools import cache

from ledger_node.keys import LocalSigner
from registry import items, structs
from registry.acts import Contract
from registry.items import Item, Key, Kind, Moment, entity_id
from registry.transitions import Deployment
from registry.words import EntityWord, FacilityWord, PledgeWord, ReceiptWord, ReviewWord

BANK, OTHER_BANK, KEEPER, INSURER, OWNER, INSPECTOR, REGULATOR = range(1, 8)
KIND_CODES = {BANK: 1, OTHER_BANK: 1, KEEPER: 2, INSURER: 3, OWNER: 4, INSPECTOR: 5, REGULATOR: 6}
NOW = Moment(9, 1_790_000_000)
DEPLOYMENT = Deployment(20590, {contract: bytes([number]) * 20 for number, contract in enumerate(Contract, start=0x41)})
RECEIPT = b"\x11" * 32
FACILITY = b"\x22" * 32
REVIEW = b"\x33" * 32
PLEDGE = b"\x44" * 32


@cache
def signer(entity: int) -> LocalSigner:
    """The one account of an entity."""
    return LocalSigner(entity.to_bytes(32, "big"))


def state() -> dict[Key, Item]:
    found: dict[Key, Item] = {}
    for entity, kind in KIND_CODES.items():
        word = EntityWord(kind, 1, 1, 0, 0, 1)
        found[Key(Kind.ENTITY, entity_id(entity))] = items.Entity(
            entity_id(entity), word, bytes(32), bytes([entity]) * 32, NOW
        )
        account = signer(entity).address
        found[Key(Kind.ACCOUNT, account)] = items.Account(account, entity, 2, 1, NOW)
    found[Key(Kind.PANEL, (1).to_bytes(2, "big"))] = items.Panel(1, 2, BANK | KEEPER << 32 | INSURER << 64)
    found[Key(Kind.RECEIPT, RECEIPT)] = receipt()
    found[Key(Kind.FACILITY, FACILITY)] = facility()
    found[Key(Kind.REVIEW, REVIEW)] = review()
    return found


def receipt() -> items.Receipt:
    terms = structs.Issue(
        b"\x01" * 32, OWNER, KEEPER, 1, 0, 24_560, b"\x02" * 32, b"\x03" * 32, bytes(32), 1_789_000_000_000
    )
    word = ReceiptWord(OWNER, KEEPER, 0, 1, 0, 0, 1, 1, 24_560, 0)
    return items.Receipt(RECEIPT, word, b"\x05" * 32, terms, NOW)


def facility() -> items.Facility:
    terms = structs.Facility(BANK, OWNER, 1, 2, 3, b"\x06" * 32, b"\x07" * 32, b"\x08" * 32, 1_789_000_000_000)
    firing = structs.Firing(0, 1, b"\x09" * 32, b"\x0a" * 32, 1_789_999_000_000, REVIEW, 0)
    word = FacilityWord(BANK, OWNER, 1, 1, 2, 3, 3, 1, 1, 10_000, 1)
    instalments = (
        items.Instalment(1, 0, NOW),
        items.Instalment(2, 1_792_000_000_000),
        items.Instalment(),
    )
    return items.Facility(
        FACILITY, word, b"\x0b" * 32, terms, NOW, instalments, (1_789_999_000_000, 0),
        holds=(items.RuleHold(firing, NOW),),
    )  # fmt: skip


def review() -> items.Review:
    opening = structs.ReviewOpening(FACILITY, 3, 0, 1, b"\x0a" * 32)
    return items.Review(REVIEW, ReviewWord(1, 0, 1, 0, NOW.time + 86_400, 1, 0), b"\x0c" * 32, opening, NOW)


def pledge() -> items.Pledge:
    terms = structs.Pledge(RECEIPT, 1, OWNER, KEEPER, BANK, FACILITY, b"\x0d" * 32, 1_789_000_000_000)
    word = PledgeWord(BANK, OWNER, 1, 1, 1, 1, int.from_bytes(RECEIPT[:12], "big"))
    return items.Pledge(PLEDGE, word, terms, NOW)


def revoked(entity: int) -> dict[Key, Item]:
    """The same state with the entity's account revoked."""
    found = state()
    key = Key(Kind.ACCOUNT, signer(entity).address)
    account = found[key]
    assert isinstance(account, items.Account)
    found[key] = replace(account, status=2)
    return found
