"""The claims about state: what a receipt or a facility is at the bundle's block, with its whole history."""

from ledger_node.abi_types import Struct
from ledger_node.hexvalues import data_hex
from registry.acts import Contract
from registry.answers import receipt_parties
from registry.evidence.proven import Proven
from registry.evidence.steps import StepFailed, StepName
from registry.items import Cover, Facility, Key, Kind, Pledge, Receipt, Review, entity_id
from registry.slots import cover_slots, facility_slots, record_slots

_COMMITMENTS = frozenset(
    {"content_hash", "terms_hash", "order_hash", "clearing_hash", "amount_hash", "reason", "result_hash"}
)


def prove_receipt(proven: Proven, id_: bytes) -> str:
    """The receipt with its pledges and the records of its parties. Raises StepFailed."""
    proven.load(Contract.RECEIPTS, id_)
    receipt = proven.item(Receipt, Key(Kind.RECEIPT, id_))
    pledges = [proven.item(Pledge, Key(Kind.PLEDGE, pledge)) for pledge in receipt.pledges]
    for pledge in pledges:
        proven.check_pledge(pledge.id, pledge.word.pack())
    prove_entities(proven, receipt_parties(proven, receipt))
    word = receipt.word
    live = [f"pledged to {each.word.pledgee} with rank {each.word.rank}" for each in pledges if not each.released]
    said = [f"controlled by {word.owner}", *(live or ["not pledged"]), f"holds {word.holds:#x}", f"{word.seq} acts"]
    return f"receipt {data_hex(id_)}: {', '.join(said)}, none missing"


def prove_facility(proven: Proven, id_: bytes) -> str:
    """The facility with its roots, instalments and the records of its parties. Raises StepFailed."""
    proven.load(Contract.CREDIT, id_)
    facility = proven.item(Facility, Key(Kind.FACILITY, id_))
    states = sum(each.state << 4 * at for at, each in enumerate(facility.instalments))
    due = (facility.terms.rules_root, facility.terms.schedule_root, states.to_bytes(32, "big"))
    names = ("rules root", "schedule root", "instalment states")
    for name, slot, value in zip(names, facility_slots(id_), due, strict=True):
        if proven.slot(Contract.CREDIT, slot) != int.from_bytes(value, "big"):
            raise StepFailed(StepName.HISTORY, f"CreditBook: the {name} in the state are not those of the history")
    prove_entities(proven, (facility.word.lender, facility.word.borrower))
    word = facility.word
    parties = f"lender {word.lender}, borrower {word.borrower}"
    return f"facility {data_hex(id_)}: {parties}, holds {word.holds:#x}, {word.seq} acts, none missing"


def prove_cover(proven: Proven, id_: bytes) -> Cover:
    """A cover with its terms and the records of its parties. Raises StepFailed."""
    proven.load(Contract.COVERS, id_)
    cover = proven.item(Cover, Key(Kind.COVER, id_))
    facility, period, _ = (proven.slot(Contract.COVERS, slot) for slot in cover_slots(id_))
    stated = cover.terms.start | cover.terms.end << 64 | cover.terms.rules << 128
    if facility.to_bytes(32, "big") != cover.terms.facility or period != stated:
        raise StepFailed(StepName.HISTORY, "CoverBook: the terms in the state are not those of the history")
    prove_entities(proven, (cover.word.insurer, cover.word.insured))
    return cover


def prove_review(proven: Proven, id_: bytes) -> Review:
    """A review. Raises StepFailed."""
    proven.load(Contract.REVIEWS, id_)
    return proven.item(Review, Key(Kind.REVIEW, id_))


def prove_entities(proven: Proven, numbers: tuple[int, ...]) -> None:
    """The records of entities. Raises StepFailed."""
    for number in numbers:
        proven.load(Contract.PARTICIPANTS, entity_id(number))


def needed_slots(contract: Contract, id_: bytes) -> tuple[int, ...]:
    """The slots that the proof of a record asks for, beside those of its pledges."""
    more = {Contract.CREDIT: facility_slots, Contract.COVERS: cover_slots}.get(contract)
    return (*record_slots(contract, id_), *(more(id_) if more else ()))


def commitments_of(proven: Proven) -> set[bytes]:
    """All commitments to documents in the histories that were proved."""
    found: set[bytes] = set()
    for record in proven.histories:
        for transition in record.transitions:
            _collect(transition.read()[1], found)
    return found


def _collect(struct: Struct, found: set[bytes]) -> None:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, Struct):
            _collect(value, found)
        elif name in _COMMITMENTS:
            found.add(value)
