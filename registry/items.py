"""What the chain's events add up to: one value type for each kind of thing, as it stands after some block."""

from enum import IntEnum, StrEnum

from ledger_node.bindings.constants import InstalmentState
from ledger_node.values import Value, Wide
from registry import structs
from registry.words import CoverWord, EntityWord, FacilityWord, FleetWord, PledgeWord, ReceiptWord, ReviewWord


class Kind(StrEnum):
    """The kinds of items, each with what its key's id is."""

    # The text's own, instead of one that runs as Python for each look-up.
    __hash__ = str.__hash__

    ENTITY = "entity"
    """The record's id: the entity's number, 32 bytes."""
    ACCOUNT = "account"
    """The account's address."""
    FLEET = "fleet"
    """The record's id: the entity's number, 32 bytes."""
    RECEIPT = "receipt"
    PLEDGE = "pledge"
    GOODS = "goods"
    """The goods key."""
    FACILITY = "facility"
    FIRING = "firing"
    """The facility's id and the seq (4 bytes) of the transition that the firing caused."""
    REVIEW = "review"
    PANEL = "panel"
    """The panel's number, 2 bytes."""
    COVER = "cover"
    CLAIM = "claim"
    """The cover's id and the claim's number, 2 bytes."""
    ORACLES = "oracles"
    """The set's epoch, 4 bytes."""
    ROUND = "round"
    """keccak256(abi.encode(schema, slot))."""
    BREAKER = "breaker"
    """Nothing: there is one."""
    TRIP = "trip"
    """The facility's id, the block's number (8 bytes) and the log's place in it (4 bytes)."""
    PART = "part"
    """The contract's name, a colon, and the part's number (1 byte)."""


class Key(Value, frozen=True, cache_hash=True):
    """What an item is found by: its kind and its id there."""

    kind: Kind
    id: bytes


class Moment(Value, frozen=True):
    """When something took effect: block number and block time in seconds."""

    block: int
    time: int


class Entity(Value, frozen=True):
    """A legal entity; `id_hash` is the keyed tag of its legal identifier."""

    id: bytes
    word: EntityWord
    head: bytes
    id_hash: bytes
    registered: Moment
    withdrawn_drafts: tuple[bytes, ...] = ()

    @property
    def number(self) -> int:
        """The number that words and consents name the entity by."""
        return int.from_bytes(self.id, "big")


class AccountStatus(IntEnum):
    """Whether an account speaks for its entity; ParticipantRegistry keeps the numbers to itself."""

    LIVE = 1
    REVOKED = 2


class Account(Value, frozen=True):
    """An account; `role` is an AccountRole, `status` an AccountStatus."""

    address: bytes
    entity: int
    role: int
    status: int
    since: Moment


class Fleet(Value, frozen=True):
    """An entity's devices as last set."""

    id: bytes
    word: FleetWord
    head: bytes
    terms: structs.Fleet
    set: Moment


class Hold(Value, frozen=True):
    """A hold bit of a receipt that stands."""

    order: structs.HoldOrder
    since: Moment


class Receipt(Value, frozen=True):
    """A receipt; `pledges` has the ids of all its pledges in their order."""

    id: bytes
    word: ReceiptWord
    head: bytes
    terms: structs.Issue
    issued: Moment
    pledges: tuple[bytes, ...] = ()
    holds: tuple[Hold, ...] = ()
    delivery: structs.Delivery | None = None
    replaced_by: bytes | None = None
    ended: Moment | None = None


class Pledge(Value, frozen=True):
    """A pledge of a receipt."""

    id: bytes
    word: PledgeWord
    terms: structs.Pledge
    made: Moment
    released: Moment | None = None


class Goods(Value, frozen=True):
    """A goods key: odd generation while the receipt holds it, even while it is free."""

    key: bytes
    receipt: bytes
    generation: int


class Instalment(Value, frozen=True):
    """One instalment; `state` is an InstalmentState, `due_ms` the date that a deferral set, else 0."""

    state: int = InstalmentState.DUE
    due_ms: int = 0
    paid: Moment | None = None


class RuleHold(Value, frozen=True):
    """A rule's hold on a facility that stands."""

    firing: structs.Firing
    since: Moment


class Facility(Value, frozen=True):
    """A facility; `guards` has for each rule the last slot (ms) that it acted on."""

    id: bytes
    word: FacilityWord
    head: bytes
    terms: structs.Facility
    opened: Moment
    instalments: tuple[Instalment, ...]
    guards: tuple[int, ...]
    holds: tuple[RuleHold, ...] = ()
    closed: Moment | None = None


class Firing(Value, frozen=True):
    """What a rule fired on: `firing` is abi.encode(Rule, Observation[][])."""

    facility: bytes
    facility_seq: int
    rule_leaf: bytes
    firing: bytes
    at: Moment


class Review(Value, frozen=True):
    """A review of what a rule did; `outcome` is the last decision."""

    id: bytes
    word: ReviewWord
    head: bytes
    opening: structs.ReviewOpening
    opened: Moment
    outcome: structs.ReviewOutcome | None = None
    decided: Moment | None = None


class Panel(Value, frozen=True):
    """A panel of reviewers; `members` has 32 bits each, the first in the lowest bits."""

    number: int
    required: int
    members: Wide


class Cover(Value, frozen=True):
    """An insurance cover."""

    id: bytes
    word: CoverWord
    head: bytes
    terms: structs.Cover
    registered: Moment


class Claim(Value, frozen=True):
    """A claim under a cover; `state` is a ClaimState."""

    cover: bytes
    opening: structs.ClaimOpening
    state: int
    opened: Moment
    decision: structs.ClaimDecision | None = None
    decided: Moment | None = None


class Oracles(Value, frozen=True):
    """A set of oracles, f of which may lie; the one with the highest epoch is in force."""

    epoch: int
    config_digest: bytes
    f: int
    members: tuple[bytes, ...]
    data: bytes


class Round(Value, frozen=True):
    """An anchored round; `slot` in ms of event time; bit i of `mask`: the oracle at position i signed."""

    id: bytes
    schema: bytes
    slot: int
    root: bytes
    leaves: int
    mask: int
    epoch: int
    anchored: Moment


class Breaker(Value, frozen=True):
    """The circuit breaker: at most so many actions in a window of seconds."""

    window: int
    lender_limit: int
    consortium_limit: int


class Trip(Value, frozen=True):
    """The breaker turned an action into a review; `lender` 0 means the consortium's limit."""

    facility: bytes
    lender: int
    actions: int
    at: Moment


class Part(Value, frozen=True):
    """The contract that plays a part for another, once and for ever."""

    contract: str
    part: int
    address: bytes


Record = Entity | Fleet | Receipt | Facility | Review | Cover
"""Items that are records: with a word, a head, and a provable history."""
Item = (
    Record | Account | Pledge | Goods | Firing | Panel | Claim | Oracles | Round | Breaker | Trip | Part
)  # fmt: skip
TYPES: dict[Kind, type[Item]] = {
    Kind.ENTITY: Entity,
    Kind.ACCOUNT: Account,
    Kind.FLEET: Fleet,
    Kind.RECEIPT: Receipt,
    Kind.PLEDGE: Pledge,
    Kind.GOODS: Goods,
    Kind.FACILITY: Facility,
    Kind.FIRING: Firing,
    Kind.REVIEW: Review,
    Kind.PANEL: Panel,
    Kind.COVER: Cover,
    Kind.CLAIM: Claim,
    Kind.ORACLES: Oracles,
    Kind.ROUND: Round,
    Kind.BREAKER: Breaker,
    Kind.TRIP: Trip,
    Kind.PART: Part,
}


def entity_id(number: int) -> bytes:
    """The id of an entity's records, 32 bytes."""
    return number.to_bytes(32, "big")


def claim_id(cover: bytes, number: int) -> bytes:
    """The id of a claim's key."""
    return cover + number.to_bytes(2, "big")


def firing_id(facility: bytes, seq: int) -> bytes:
    """The id of a firing's key."""
    return facility + seq.to_bytes(4, "big")
