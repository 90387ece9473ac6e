"""What is offered for gas: at first, and when an act does not get into a block."""

from dataclasses import dataclass

from ledger_node.client import ChainClient
from ledger_node.transactions import NO_FEE, DynamicFee, Fee, LegacyFee

LEAST_RAISE = 10
"""Percent by which tip and cap must both rise, or nodes do not take a replacement (geth's --txpool.pricebump)."""


@dataclass(frozen=True, slots=True)
class GasPolicy:
    """What is offered for gas, and how much is added in percent to an estimate of it.

    An act that is in no block after `bump_after` seconds is signed again with the same nonce and a fee that is
    `bump_percent` higher, never above `ceiling` wei a gas (ten times the first fee when it is None). Without a fee
    nothing is raised.
    """

    fee: Fee = NO_FEE
    margin: int = 25
    bump_after: float = 60.0
    bump_percent: int = 13
    ceiling: int | None = None

    def __post_init__(self) -> None:
        if self.bump_percent < LEAST_RAISE:
            raise ValueError(f"bump_percent: must be at least {LEAST_RAISE}, nodes refuse a replacement below")

    @classmethod
    def of_chain(cls, client: ChainClient, tip: int = 1) -> "GasPolicy":
        """Twice the base fee of the newest block and `tip` wei; on a chain without base fees what the node asks for."""
        base = client.block().header.base_fee_per_gas
        if base:
            return cls(DynamicFee(2 * base + tip, tip))
        price = client.gas_price() if base is None else 0
        return cls(LegacyFee(price)) if price else cls()

    def offered(self, base_fee: int) -> Fee:
        """The fee of a new act when the newest block's base fee is this many wei."""
        if not isinstance(self.fee, DynamicFee):
            return self.fee
        cap = max(self.fee.max_fee, 2 * base_fee + self.fee.priority_fee)
        return DynamicFee(max(self.fee.max_fee, min(cap, self._ceiling())), self.fee.priority_fee)

    def raised(self, fee: Fee, base_fee: int) -> Fee | None:
        """The fee that replaces `fee`; None when it cannot rise enough below the ceiling, or there is none."""
        ceiling = self._ceiling()
        if isinstance(fee, LegacyFee):
            price = min(self._more(fee.gas_price), ceiling)
            return LegacyFee(price) if price >= _least(fee.gas_price) else None
        tip = self._more(fee.priority_fee)
        cap = min(max(self._more(fee.max_fee), 2 * base_fee + tip), ceiling)
        return DynamicFee(cap, tip) if cap >= max(_least(fee.max_fee), tip) else None

    def _ceiling(self) -> int:
        if self.ceiling is not None:
            return self.ceiling
        return 10 * (self.fee.max_fee if isinstance(self.fee, DynamicFee) else self.fee.gas_price)

    def _more(self, wei: int) -> int:
        return wei + -(-wei * self.bump_percent // 100)


def _least(wei: int) -> int:
    """The least that replaces `wei`: 0 is replaced by nothing that costs nothing."""
    return max(wei + -(-wei * LEAST_RAISE // 100), 1)
