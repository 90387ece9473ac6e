"""The refusals of the embedded ledger, by name."""

from enum import StrEnum


class LedgerError(Exception):
    """The ledger cannot be opened or run as asked; the message names cause and mend."""


class LedgerLocked(LedgerError):
    """Another process has this ledger's directory open."""


class LedgerMismatch(LedgerError):
    """The directory holds a ledger of another genesis, another sealer or another format."""


class PoolRule(StrEnum):
    """The rule that a refused transaction breaks, in geth's words."""

    MALFORMED = "rlp: malformed transaction"
    TYPE = "transaction type not supported"
    OVERSIZED = "oversized data"
    UNPROTECTED = "only replay-protected (EIP-155) transactions allowed over RPC"
    SENDER = "invalid sender"
    GAS_LIMIT = "exceeds block gas limit"
    INTRINSIC_GAS = "intrinsic gas too low"
    NONCE_LOW = "nonce too low"
    NONCE_MAX = "nonce has max value"
    KNOWN = "already known"
    UNDERPRICED = "replacement transaction underpriced"
    FUNDS = "insufficient funds for gas * price + value"
    FULL = "txpool is full"
    SLOW = "sender is suspended"


class PoolError(Exception):
    """A transaction is refused before it enters the pool; nothing of it is kept."""

    def __init__(self, rule: PoolRule, detail: str = "") -> None:
        super().__init__(f"{rule.value}: {detail}" if detail else rule.value)
        self.rule = rule


class ExecutionError(Exception):
    """A call ended without success for a reason other than a revert; the message is geth's."""


class TakesTooLong(Exception):
    """A transaction keeps the ledger from its other work for longer than one may."""


class Reverted(ExecutionError):
    """A call reverted with `data` (the ABI-encoded error, or empty)."""

    def __init__(self, data: bytes) -> None:
        super().__init__("execution reverted")
        self.data = data


class UnknownBlock(Exception):
    """No block has the number or hash that was asked for."""
