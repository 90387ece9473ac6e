"""Random walks of the model: in each state the acts that are possible, each drawing what it needs."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from tests.registry.model import Model, keccak, number

BANK, KEEPER, INSURER, DEPOSITOR = 1, 2, 3, 4
T = TypeVar("T")


class Draws(Protocol):
    """Where choices come from."""

    def randint(self, low: int, high: int, /) -> int:
        """A number, both ends included."""

    def choice(self, among: Sequence[T], /) -> T:
        """One of several."""

    def some(self, among: Sequence[T], /) -> list[T]:
        """Some of several, perhaps none, each once."""


class Walk:
    """The acts that are possible in a model, each drawing what it needs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.facilities: list[bytes] = []
        self.covers: list[bytes] = []
        self.reviews: list[tuple[bytes, bytes, int]] = []
        self.fresh = 0

    def live(self, pledged: bool | None = None, held: bool | None = None) -> list[bytes]:
        found = []
        for id_ in self.model.issues:
            word = self.model.word("ReceiptRegistry", id_)
            active = word >> 96 & 0xFF == 1
            if active and pledged in (None, bool(word >> 104 & 0xFF)) and held in (None, bool(word >> 64 & 0xFFFFFFFF)):
                found.append(id_)
        return found

    def live_pledges(self) -> list[bytes]:
        return [id_ for id_, word in self.model.pledges.items() if word >> 96 & 0xFF == 1]

    def possible(self) -> dict[str, Callable[[Draws], None]]:
        acts = {
            "issue": self.issue,
            "account": self.account,
            "group": self.group,
            "fleet": self.fleet,
            "open": self.open,
        }
        if self.live(pledged=False, held=False):
            acts |= {"pledge": self.pledge, "deliver": self.deliver, "replace": self.replace}
        if self.live():
            acts["hold"] = self.hold
        if self.live_pledges():
            acts["release"] = self.release
        if self.facilities:
            acts |= {"draw": self.draw, "repay": self.repay, "fire": self.fire, "cover": self.cover}
        if self.reviews:
            acts["decide"] = self.decide
        if self.covers:
            acts["claim"] = self.claim
        return acts

    def new(self) -> int:
        self.fresh += 1
        return self.fresh

    def issue(self, draw: Draws) -> None:
        old = [key for key, word in self.model.claims.items() if not word & 1]
        keys = [keccak(b"k%d" % self.new()), *draw.some(old)]
        self.model.issue(DEPOSITOR, KEEPER, draw.randint(1, (1 << 64) - 1), keys)

    def account(self, draw: Draws) -> None:
        live = [account for account, word in self.model.accounts.items() if word >> 40 == 1]
        if draw.randint(0, 1):
            self.model.account(draw.randint(1, 4), keccak(b"a%d" % self.new())[:20], draw.randint(1, 2), add=True)
        elif live:
            account = draw.choice(live)
            word = self.model.accounts[account]
            self.model.account(word & 0xFFFFFFFF, account, word >> 32 & 0xFF, add=False)

    def group(self, draw: Draws) -> None:
        self.model.set_group(draw.randint(1, 4), draw.randint(0, (1 << 32) - 1))

    def fleet(self, draw: Draws) -> None:
        self.model.set_fleet(draw.randint(1, 4), draw.randint(0, 9), keccak(b"f%d" % self.new()))

    def open(self, draw: Draws) -> None:
        self.facilities.append(self.model.facility(BANK, DEPOSITOR, draw.randint(1, 32), draw.randint(1, 64)))
        self.model.tick()

    def pledge(self, draw: Draws) -> None:
        self.model.pledge(draw.choice(self.live(pledged=False, held=False)), BANK)

    def deliver(self, draw: Draws) -> None:
        self.model.deliver(draw.choice(self.live(pledged=False, held=False)))

    def replace(self, draw: Draws) -> None:
        self.model.tick()
        self.model.replace(draw.choice(self.live(pledged=False, held=False)))

    def hold(self, draw: Draws) -> None:
        receipt = draw.choice(self.live())
        bit = draw.randint(0, 31)
        on = not self.model.word("ReceiptRegistry", receipt) >> 64 + bit & 1
        self.model.hold(receipt, bit, KEEPER, on)

    def release(self, draw: Draws) -> None:
        self.model.release(draw.choice(self.live_pledges()))

    def draw(self, draw: Draws) -> None:
        self.model.draw(draw.choice(self.facilities))

    def repay(self, draw: Draws) -> None:
        facility = draw.choice(self.facilities)
        count = self.model.word("CreditBook", facility) >> 112 & 0xFFFF
        self.model.repay(facility, draw.randint(0, count - 1))

    def fire(self, draw: Draws) -> None:
        facility = draw.choice(self.facilities)
        word = self.model.word("CreditBook", facility)
        rule = draw.randint(0, (word >> 104 & 0xFF) - 1)
        slot = self.model.guards.get((facility, rule), 0) + draw.randint(1, 1000)
        act = draw.choice([4, 5, 6])
        if act == 4 and word >> 64 + rule & 1:
            act = 6
        target = number(draw.randint(0, (word >> 112 & 0xFFFF) - 1))
        if act == 4:
            target = self.model.open_review(facility, rule)
            self.reviews.append((target, facility, rule))
        self.model.fire(facility, act, rule, slot, target, b"firing", due=slot)

    def decide(self, draw: Draws) -> None:
        at = draw.randint(0, len(self.reviews) - 1)
        review, facility, rule = self.reviews[at]
        verdict = draw.randint(1, 2)
        self.model.decide(review, verdict)
        if verdict == 1:
            self.reviews.pop(at)
            self.model.clear(facility, rule, review)

    def cover(self, draw: Draws) -> None:
        self.covers.append(self.model.cover(INSURER, DEPOSITOR, draw.choice(self.facilities)))
        self.model.tick()

    def claim(self, draw: Draws) -> None:
        cover = draw.choice(self.covers)
        if self.model.word("CoverBook", cover) >> 112 & 0xFFFF == 64:
            return
        claim = self.model.open_claim(cover, self.facilities[0], 5)
        if draw.randint(0, 1):
            self.model.decide_claim(cover, claim, draw.randint(2, 3))
