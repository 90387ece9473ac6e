"""What a chain's genesis file says about its headers, and what following them gives (docs/formats/headers.md)."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from ledger_node.hashing import keccak256
from ledger_node.headers import Header

EMPTY_OMMERS = keccak256(b"\xc0")
"""The hash of an empty list of uncles."""
GAS_LIMIT_CEILING = 2**63
NUMBER_CEILING, TIME_CEILING = 2**53, 2**48
"""Above all that a chain comes to, and what files of the product can say of a block's number and time."""
ZERO_HASH = bytes(32)


class Consensus(StrEnum):
    """Who seals a block: the embedded ledger's one key, a quorum of validators, or one signer of a set in turn."""

    EMBEDDED = "embedded"
    QBFT = "qbft"
    CLIQUE = "clique"


class Client(StrEnum):
    """The engine whose corners the counting of votes follows."""

    GETH = "geth"
    GOQUORUM = "goquorum"
    BESU = "besu"


class Step(StrEnum):
    """The rules for a header, as they are named when one fails."""

    FORMAT = "format"
    GENESIS = "genesis"
    CHECKPOINT = "checkpoint"
    NUMBER = "number"
    PARENT = "parent"
    TIME = "time"
    FIELDS = "fields"
    EXTRA = "extra"
    SET = "set"
    PROPOSER = "proposer"
    SIGNER = "signer"
    RECENT = "recent"
    TURN = "turn"
    VOTE = "vote"
    SEALS = "seals"
    HASH = "hash"
    FINAL = "final"


class HeaderRefused(Exception):
    """A header breaks a rule of its chain: which step, and what is wrong."""

    def __init__(self, step: Step, rule: str) -> None:
        super().__init__(f"{step.value}: {rule}")
        self.step = step
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Period:
    """From block `start` on, a block comes at least `seconds` after its parent."""

    start: int
    seconds: int


@dataclass(frozen=True, slots=True)
class SetChange:
    """The genesis file replaces the set: `validators` (ascending) seal from block `start` on."""

    start: int
    validators: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of a chain before any header is read.

    `genesis` is block 0 where a genesis file gave it. `gas_limit` is that of every block of an embedded ledger, and
    `sealer` its key's address. `london` is the first block with a base fee.
    """

    consensus: Consensus
    chain_id: int
    genesis_hash: bytes
    genesis: Header | None = None
    client: Client = Client.GETH
    epoch: int = 30_000
    london: int | None = None
    periods: tuple[Period, ...] = (Period(0, 0),)
    sets: tuple[SetChange, ...] = ()
    sealer: bytes | None = None
    gas_limit: int | None = None

    def period(self, number: int) -> int:
        """The block period in seconds at a block."""
        at = bisect_right(self.periods, number, key=lambda each: each.start) - 1
        return self.periods[at].seconds if at >= 0 else 0

    def set_from(self, number: int) -> tuple[bytes, ...] | None:
        """The set that the genesis file orders from this block on, None when it orders none here."""
        return next((each.validators for each in self.sets if each.start == number), None)

    def has_base_fee(self, number: int) -> bool:
        """Whether London rules hold at a block."""
        return self.london is not None and number >= self.london


@dataclass(frozen=True, slots=True)
class Vote:
    """A vote that waits: `voter` wants `subject` in the set, or out of it."""

    voter: bytes
    subject: bytes
    add: bool


@dataclass(frozen=True, slots=True)
class Recent:
    """Who sealed a block of late (Clique)."""

    number: int
    signer: bytes


@dataclass(frozen=True, slots=True)
class Tip:
    """The block up to which headers were followed, as far as its child's rules need it."""

    number: int
    hash: bytes
    timestamp: int
    gas_limit: int
    gas_used: int
    base_fee_per_gas: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """What is known after a block: who may seal the next one (ascending), waiting votes, recent signers."""

    tip: Tip
    validators: tuple[bytes, ...]
    votes: tuple[Vote, ...] = ()
    recents: tuple[Recent, ...] = ()


def tip_of(header: Header, block_hash: bytes) -> Tip:
    """The tip that a header makes."""
    return Tip(header.number, block_hash, header.timestamp, header.gas_limit, header.gas_used, header.base_fee_per_gas)


def refuse(step: Step, rule: str) -> NoReturn:
    """Raises HeaderRefused."""
    raise HeaderRefused(step, rule)


def check_link(rules: Rules, parent: Tip, header: Header) -> None:
    """Number, parent hash and time follow on the parent's. Raises HeaderRefused."""
    if header.number != parent.number + 1:
        refuse(Step.NUMBER, f"block {header.number} does not follow block {parent.number}")
    if header.parent_hash != parent.hash:
        refuse(Step.PARENT, f"parentHash is not the hash of block {parent.number}")
    least = parent.timestamp + rules.period(header.number)
    if header.timestamp < least:
        refuse(Step.TIME, f"timestamp {header.timestamp} is before {least}, the parent's and the block period")


def check_common_fields(header: Header) -> None:
    """What every consensus here fixes of a header. Raises HeaderRefused."""
    if header.number >= NUMBER_CEILING:
        refuse(Step.FIELDS, "number must be below 2^53")
    if header.timestamp >= TIME_CEILING:
        refuse(Step.FIELDS, "timestamp must be below 2^48")
    if header.ommers_hash != EMPTY_OMMERS:
        refuse(Step.FIELDS, "sha3Uncles is not that of no uncles")
    if header.gas_limit >= GAS_LIMIT_CEILING:
        refuse(Step.FIELDS, "gasLimit must be below 2^63")
    if header.gas_used > header.gas_limit:
        refuse(Step.FIELDS, "gasUsed is over gasLimit")
