"""Blocks of a busy consortium, made one by one as they are asked for: what they hold does not grow with how many came.

Goods come in, are pledged to many facilities, put on hold, released and go out; facilities are opened, drawn, repaid
and closed; rounds are anchored and rules fire. Logs are as the contracts emit them; headers commit to none of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from random import Random

from msgspec.structs import astuple, replace

from ledger_node.abi_types import Event, Struct
from ledger_node.bindings import events
from ledger_node.bindings.constants import (
    EntityActs,
    FacilityActs,
    FacilityStatus,
    ReceiptActs,
    ReceiptHold,
    ReceiptStatus,
    RuleAction,
)
from ledger_node.chain_values import Log, Receipt
from ledger_node.hashing import keccak256
from ledger_node.headers import Header
from registry import structs
from registry.acts import Contract
from registry.consents import digest_of
from registry.index.source import Block
from registry.index.writer import Fetched
from registry.items import entity_id
from registry.transitions import Deployment
from registry.words import EntityWord, FacilityWord, ReceiptWord, Word

DEPLOYMENT = Deployment(20590, {each: keccak256(each.value.encode())[:20] for each in Contract})
GENESIS = bytes(32)
ACTS = 40
"""Acts in a block."""
STOCK, FACILITIES, ENTITIES = 2_000, 200, 100
_SECONDS = 5
_START = 1_700_000_000
_ZERO = bytes(32)
_FIRING_BYTES = 640
Emitted = tuple[Contract, tuple[bytes, ...], bytes]


@dataclass(slots=True)
class _Stored:
    """A receipt whose goods are there; `pledge` is the one that is live."""

    id: bytes
    word: ReceiptWord
    keys: tuple[bytes, ...]
    pledge: bytes | None = None


@dataclass(slots=True)
class _Open:
    """A facility; `slot` is the last that a rule acted on."""

    id: bytes
    word: FacilityWord
    slot: int = 0
    repaid: int = 0


class Market:
    """The same blocks for the same seed. At most STOCK receipts and FACILITIES facilities are open at any time."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._stock: list[_Stored] = []
        self._credit: list[_Open] = []
        self._number = 0
        self._logs: list[Emitted] = []
        self._fresh = count()

    def blocks(self, wanted: int) -> Iterator[Fetched]:
        """Blocks until they have at least so many events."""
        parent, told = GENESIS, 0
        while told < wanted:
            self._number += 1
            acts = [self._registrations()] if self._number == 1 else [self._act() for _ in range(ACTS)]
            acts.append(self._round())
            told += sum(map(len, acts))
            block = _sealed(self._number, parent, acts)
            parent = block.hash
            yield Fetched(block)

    @property
    def _time(self) -> int:
        return _START + self._number * _SECONDS

    def _act(self) -> list[Emitted]:
        """The logs of one transaction."""
        self._logs = []
        draw = self._random.random()
        if len(self._credit) < FACILITIES // 4 or draw < 0.02:
            self._open()
        elif draw < 0.10:
            self._service(self._random.choice(self._credit))
        elif draw < 0.13:
            self._fire(self._random.choice(self._credit))
        elif len(self._stock) < STOCK // 20 or (draw < 0.40 and len(self._stock) < STOCK):
            self._issue()
        else:
            self._handle(self._random.randrange(len(self._stock)))
        return self._logs

    def _handle(self, at: int) -> None:
        """Something that happens to goods in the store."""
        stored, draw = self._stock[at], self._random.random()
        if stored.word.holds:
            self._hold(stored, on=False)
        elif draw < 0.2:
            self._hold(stored, on=True)
        elif stored.pledge is not None:
            self._release(stored, stored.pledge)
        elif draw < 0.6 and stored.word.ordinal < 3:
            self._pledge(stored)
        else:
            self._stock[at] = self._stock[-1]
            self._stock.pop()
            self._deliver(stored)

    # --- receipts

    def _issue(self) -> None:
        owner, keeper, *_ = self._random.sample(range(1, ENTITIES + 1), 2)
        keys = tuple(self._new() for _ in range(self._random.randint(1, 4)))
        issue = structs.Issue(
            self._new(), owner, keeper, 1, 0, 1_000 + self._number, keys[0], keccak256(b"".join(keys[1:])), _ZERO,
            self._time * 1000 - 1,
        )  # fmt: skip
        data = _words(issue)
        id_ = digest_of(structs.Issue, data, DEPLOYMENT)
        word = ReceiptWord(owner, keeper, 0, ReceiptStatus.ACTIVE, 0, 0, 0, 1, issue.quantity, 0)
        stored = _Stored(id_, word, keys)
        self._stock.append(stored)
        self._emit(Contract.RECEIPTS, events.Transfer, _number(0), entity_id(owner), id_)
        self._receipt(stored, ReceiptActs.ISSUE, data)
        self._emit(Contract.GOODS, events.GoodsClaimed, id_, data=_keys(keys))

    def _pledge(self, stored: _Stored) -> None:
        word = stored.word
        facility = self._random.choice(self._credit)
        pledge = structs.Pledge(
            stored.id, word.seq, word.owner, word.keeper, facility.word.lender, facility.id, self._new(), self._sent()
        )
        data = _words(pledge)
        stored.pledge = digest_of(structs.Pledge, data, DEPLOYMENT)
        self._emit(Contract.RECEIPTS, events.Locked, data=stored.id)
        self._receipt(stored, ReceiptActs.PLEDGE, data, live_pledges=1, ordinal=word.ordinal + 1)

    def _release(self, stored: _Stored, pledge: bytes) -> None:
        stored.pledge = None
        self._emit(Contract.RECEIPTS, events.Unlocked, data=stored.id)
        self._receipt(stored, ReceiptActs.RELEASE, _words(structs.Release(pledge, 1, 1, self._sent())), live_pledges=0)

    def _deliver(self, stored: _Stored) -> None:
        word = stored.word
        delivery = structs.Delivery(stored.id, word.seq, word.owner, word.keeper, self._new(), self._sent())
        self._receipt(stored, ReceiptActs.DELIVER, _words(delivery), status=ReceiptStatus.DELIVERED)
        self._emit(Contract.GOODS, events.GoodsFreed, stored.id, data=_keys(stored.keys))
        self._emit(Contract.RECEIPTS, events.Transfer, entity_id(word.owner), _number(0), stored.id)

    def _hold(self, stored: _Stored, on: bool) -> None:
        bit, act = ReceiptHold.MANUAL, ReceiptActs.HOLD if on else ReceiptActs.CLEAR_HOLD
        order = structs.HoldOrder(stored.id, bit, stored.word.keeper, self._new(), _ZERO if on else self._new())
        if stored.pledge is None:
            self._emit(Contract.RECEIPTS, events.Locked if on else events.Unlocked, data=stored.id)
        self._receipt(stored, act, _words(order), holds=1 << bit if on else 0)

    def _receipt(self, stored: _Stored, act: int, data: bytes, **changed: int) -> None:
        stored.word = replace(stored.word, seq=stored.word.seq + 1, **changed)
        self._transition(Contract.RECEIPTS, stored.id, act, stored.word, data)

    # --- credit

    def _open(self) -> None:
        if len(self._credit) == FACILITIES:
            closed = self._credit.pop(self._random.randrange(FACILITIES))
            self._facility(
                closed, FacilityActs.CLOSE, _words(structs.Closing(closed.word.lender)), status=FacilityStatus.CLOSED
            )
        lender, borrower, *_ = self._random.sample(range(1, ENTITIES + 1), 2)
        terms = structs.Facility(lender, borrower, 1, 4, 12, self._new(), self._new(), self._new(), self._sent())
        data = _words(terms)
        word = FacilityWord(
            lender, borrower, 0, FacilityStatus.OPEN, terms.rules, terms.instalments, 0, 1, 0, 10_000, 0
        )
        opened = _Open(digest_of(structs.Facility, data, DEPLOYMENT), word)
        self._credit.append(opened)
        self._facility(opened, FacilityActs.OPEN, data)

    def _service(self, facility: _Open) -> None:
        """A drawdown or a repayment."""
        if facility.repaid < facility.word.instalments and facility.word.draws > facility.repaid:
            act = structs.Repayment(facility.id, facility.repaid, self._new(), self._sent())
            facility.repaid += 1
            self._facility(facility, FacilityActs.REPAY, _words(act))
        else:
            draw = structs.Drawdown(facility.id, facility.word.draws, self._new(), self._sent())
            self._facility(facility, FacilityActs.DRAW, _words(draw), draws=facility.word.draws + 1)

    def _fire(self, facility: _Open) -> None:
        """A rule takes note of something."""
        facility.slot += 1_000
        leaf, firing = self._new(), self._random.randbytes(_FIRING_BYTES)
        act = structs.Firing(1, RuleAction.REVIEW, leaf, keccak256(firing), facility.slot, _ZERO, 0)
        self._facility(facility, FacilityActs.NOTE, _words(act))
        data = _number(facility.word.seq) + _number(64) + _number(len(firing)) + firing
        self._emit(Contract.ENGINE, events.RuleFired, facility.id, leaf, data=data)

    def _facility(self, facility: _Open, act: int, data: bytes, **changed: int) -> None:
        facility.word = replace(facility.word, seq=facility.word.seq + 1, **changed)
        self._transition(Contract.CREDIT, facility.id, act, facility.word, data)

    # --- the others

    def _registrations(self) -> list[Emitted]:
        self._logs = []
        for entity in range(1, ENTITIES + 1):
            word = EntityWord(1 + entity % 6, 1, 1, 0, 0, 1)
            act = structs.Registration(word.kind, self._new(), self._new()[:20])
            self._transition(Contract.PARTICIPANTS, entity_id(entity), EntityActs.REGISTER, word, _words(act))
        return self._logs

    def _round(self) -> list[Emitted]:
        self._logs = []
        data = b"".join((_number(self._time * 1000), self._new(), _number(64), _number(7)))
        self._emit(Contract.HUB, events.RoundAnchored, self._new(), keccak256(b"schema"), _number(1), data=data)
        return self._logs

    def _transition(self, contract: Contract, id_: bytes, act: int, word: Word, data: bytes) -> None:
        packed = word.pack()
        body = b"".join((_number(packed >> 128 & 0xFFFFFFFF), _number(packed), _number(96), _number(len(data)), data))
        padded = body + bytes(-len(data) % 32)
        self._emit(contract, events.Transition, id_, _number(act), data=padded)

    def _emit(self, contract: Contract, event: type[Event], *topics: bytes, data: bytes = b"") -> None:
        self._logs.append((contract, (event.TOPIC, *topics), data))

    def _new(self) -> bytes:
        return keccak256(b"%d" % next(self._fresh))

    def _sent(self) -> int:
        return self._time * 1000 - 1


def _sealed(number: int, parent: bytes, acts: Sequence[Sequence[Emitted]]) -> Block:
    header = Header(
        parent_hash=parent, ommers_hash=_ZERO, coinbase=bytes(20), state_root=_ZERO, transactions_root=_ZERO,
        receipts_root=_ZERO, logs_bloom=bytes(256), difficulty=1, number=number, gas_limit=10**7, gas_used=0,
        timestamp=_START + number * _SECONDS, extra_data=b"", mix_hash=_ZERO, nonce=bytes(8),
    )  # fmt: skip
    hash_, places = header.hash(), count()
    receipts = []
    for at, act in enumerate(acts):
        tx = keccak256(_number(number) + _number(at))
        logs = tuple(
            Log(DEPLOYMENT.addresses[contract], topics, data, number, hash_, tx, at, next(places))
            for contract, topics, data in act
        )
        receipts.append(
            Receipt(tx, at, number, hash_, bytes(20), None, None, True, 0, 0, bytes(256), 0, logs, None, None)
        )
    return Block(hash_, header, None, tuple(receipts))


def _words(act: Struct) -> bytes:
    """abi.encode of a struct of words."""
    return b"".join(_number(value) if isinstance(value, int) else value.rjust(32, b"\0") for value in astuple(act))


def _keys(keys: Sequence[bytes]) -> bytes:
    return b"".join(chain((_number(32), _number(len(keys))), keys))


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")
