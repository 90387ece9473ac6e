"""Oracles as the device pages read them: a covenant with two figures, and a day of values with a gap and a fault."""

from api.problems import ProblemError
from api.records.figures import DeviceRefusal, DeviceState
from api.records.oracles import OracleGlance
from ledger_node.hashing import keccak256
from ledger_node.signing import Signer
from oracle.formats.covenant import Covenant, Instalment, Opening
from oracle.formats.metric import Aggregate, Metric
from oracle.formats.observation import Observation
from oracle.formats.rule import Action, Comparator, Condition, EvidenceKind, Rule
from oracle.formats.schema import Kind, Member, Schema, Zone
from oracle.formats.segment import Quality
from registry.evidence.gather import EvidenceMissing
from tests.api.seed import BANK, KEEPER, OWNER, signer

DEVICE = KEEPER.to_bytes(4, "big") + b"\x07" * 12
MINUTE = 60_000
START = 1_790_000_000_000 - 1_790_000_000_000 % (24 * 60 * MINUTE)
SUBJECT = keccak256(b"bay 1")
MASS = Metric("mass-1", SUBJECT, -1, Aggregate.MEAN, (0,))
SCHEMA = Schema(
    name="mass", kind=Kind.PERIOD, period_ms=MINUTE, start_ms=START, zone=Zone(0, 0, 0), lateness_ms=0,
    fleet_entity=KEEPER, salt=b"\x01" * 32, members=(Member(DEVICE, 1, 10_000),), metrics=(MASS,),
)  # fmt: skip
CLAUSE = Opening(b"\x02" * 32, b'{"text":"weight"}')
RULE = Rule(
    0, Action.REVIEW, 0, True, 600_000, CLAUSE.commitment, b"\x03" * 32,
    (
        Condition(
            SCHEMA.id, SUBJECT, MASS.id, MINUTE, EvidenceKind.MASS, Comparator.BELOW, 15, False,
            frozenset({Quality.PASS}), 240_000,
        ),
    ),
)  # fmt: skip
COVENANT = Covenant(
    BANK, OWNER, 2, 0, CLAUSE, (RULE,), ("alone",), (CLAUSE,), (Instalment(0, 0, 1, CLAUSE),), (SCHEMA,)
)


def values() -> list[Observation]:
    """Ten hours of minutes: a steady weight, a gap of half an hour, twenty minutes too light, one suspect value."""
    found = []
    for at in range(600):
        slot = START + at * MINUTE
        value, flag = 245_600 + at * 7 % 13, Quality.PASS
        if 200 <= at < 230:
            value, flag = 0, Quality.MISSING
        if 400 <= at < 420:
            value, flag = 163_800 + at % 5, Quality.FAIL
        if at == 500:
            flag = Quality.SUSPECT
        found.append(Observation(SCHEMA.id, slot, SUBJECT, MASS.id, value, flag, 6, b"\x01" * 32, b"\x02" * 32))
    return found


class CannedReader:
    """What the oracles show to a reader of the covenant."""

    def covenant(self, facility: bytes) -> Covenant:
        return COVENANT

    def observations(self, schema: bytes, start: int, end: int) -> list[Observation]:
        return [each for each in values() if start <= each.slot < end]

    def silent(self) -> dict[bytes, int | None]:
        return {DEVICE: START + 599 * MINUTE + 900}

    def device(self, device: bytes) -> DeviceState:
        if device != DEVICE:
            raise EvidenceMissing("no such device")
        last = START + 599 * MINUTE
        return DeviceState(41, last, last + 900, False, (DeviceRefusal("OUT_OF_SEQUENCE", last, 3),))


class CannedOracles:
    """Oracles that answer lender and borrower, and nobody else; the last of four is silent."""

    def glances(self) -> tuple[OracleGlance, ...]:
        up = tuple(OracleGlance(number, None, 600 - number // 3 * 40, number % 2, 0, 0, 0) for number in (1, 2, 3))
        return (*up, OracleGlance(4, START, None, None, None, None, None))

    def as_member(self, account: Signer, patience: float = 10.0) -> CannedReader:
        if account.address not in (signer(BANK).address, signer(OWNER).address):
            raise ProblemError("oracles-unavailable", "no oracle answers")
        return CannedReader()
