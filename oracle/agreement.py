"""From the reports of several oracles to one round: pure (docs/formats/report.md).

A round rests on the reports of at least 2f+1 of n > 3f oracles. Whatever f of them say, an agreed value lies between
two values that honest oracles reported.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from ledger_node.bindings.structs import Round as RoundStruct
from ledger_node.eip712 import to_sign
from ledger_node.hashing import sha256
from ledger_node.merkle import PaddedTree
from ledger_node.secp256k1 import SignatureError
from ledger_node.signing import TypedData
from oracle.formats.observation import NO_SOURCES, Observation, round_id
from oracle.formats.report import Config, Proposal, Report
from oracle.formats.schema import Schema
from oracle.formats.segment import Quality

_SALT_TAG = b"cangdan/agreed-salt/1"


class Fault(StrEnum):
    """Why a report or a proposal is refused."""

    NOT_AN_ORACLE = "not_an_oracle"
    BAD_SIGNATURE = "bad_signature"
    WRONG_SCHEMA = "wrong_schema"
    NOT_A_SLOT = "not_a_slot"
    WRONG_METRICS = "wrong_metrics"
    NOT_LEADER = "not_leader"
    TOO_FEW_REPORTS = "too_few_reports"
    REPORT_TWICE = "report_twice"
    EQUIVOCATION = "equivocation"
    NOT_OBSERVED = "not_observed"
    CONTRADICTS_OWN = "contradicts_own"
    SIGNED_OTHER = "signed_other"
    TOO_EARLY = "too_early"
    ANCHORED = "anchored"
    UNSIGNED = "unsigned"


class Refused(ValueError):
    """A report or proposal breaks a rule; `fault` is from the published list."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Round:
    """The agreed observations of one slot as a tree: observations in schema order, then reporters' checkpoints."""

    schema: bytes
    slot: int
    observations: tuple[Observation, ...]
    leaves: tuple[bytes, ...]
    tree: PaddedTree

    @property
    def id(self) -> bytes:
        """keccak256(abi.encode(schema, slot))."""
        return round_id(self.schema, self.slot)

    def digest(self, config: Config) -> bytes:
        """The EIP-712 digest that f+1 oracles sign."""
        return self.to_sign(config).digest

    def to_sign(self, config: Config) -> TypedData:
        """What f+1 oracles sign."""
        told = RoundStruct(config.digest, self.schema, self.slot, self.tree.root, len(self.leaves))
        return to_sign(config.domain, RoundStruct.TYPE, told.message())


def check_report(report: Report, schema: Schema, config: Config) -> int:
    """The position of the oracle that signed a report of this schema. Raises Refused."""
    if report.schema != schema.id:
        raise Refused(Fault.WRONG_SCHEMA, "the report is of another schema")
    if not schema.is_slot(report.slot):
        raise Refused(Fault.NOT_A_SLOT, f"{report.slot} is not the start of a slot")
    asked = [(schema.id, report.slot, each.subject, each.id) for each in schema.metrics]
    if [each.place for each in report.observations] != asked:
        raise Refused(Fault.WRONG_METRICS, "observations must be those of the schema, in its order")
    try:
        signer = report.signer(config)
    except SignatureError as error:
        raise Refused(Fault.BAD_SIGNATURE, str(error)) from None
    position = config.position(signer)
    if position is None:
        raise Refused(Fault.NOT_AN_ORACLE, "the report is signed by none of the oracles in force")
    return position


def leader(schema: Schema, slot: int, attempt: int, oracles: int) -> int:
    """The position of the oracle whose turn it is; an event's millisecond serves as its number."""
    number = (slot - schema.start_ms) // (schema.period_ms or 1)
    return (number + attempt) % oracles


def agree(reports: Mapping[int, Report], schema: Schema, config: Config) -> Round:
    """The round of checked reports, by position. Raises Refused (too_few_reports) under 2f+1 of them."""
    if len(reports) < config.quorum:
        raise Refused(Fault.TOO_FEW_REPORTS, f"{len(reports)} of {config.quorum} reports")
    ordered = [reports[position] for position in sorted(reports)]
    slot = ordered[0].slot
    columns = zip(*(each.observations for each in ordered), strict=True)
    agreed = tuple(_agree(column, config.f) for column in columns)
    leaves = [each.leaf() for each in agreed]
    leaves += [
        reports[position].checkpoint.leaf(schema.id, slot, config.oracles[position]) for position in sorted(reports)
    ]
    return Round(schema.id, slot, agreed, tuple(leaves), PaddedTree(leaves))


def check_proposal(proposal: Proposal, schema: Schema, config: Config) -> Round:
    """The round that a leader proposes, with its reports checked. Raises Refused."""
    try:
        signer = proposal.signer(config)
    except SignatureError as error:
        raise Refused(Fault.BAD_SIGNATURE, str(error)) from None
    if config.position(signer) != leader(schema, proposal.slot, proposal.attempt, len(config.oracles)):
        raise Refused(Fault.NOT_LEADER, f"it is another oracle's turn in attempt {proposal.attempt}")
    positions = [check_report(each, schema, config) for each in proposal.reports]
    if any(one >= other for one, other in pairwise(positions)):
        raise Refused(Fault.REPORT_TWICE, "reports must stand by ascending position, one an oracle")
    return agree(dict(zip(positions, proposal.reports, strict=True)), schema, config)


def rebuilt(proposal: Proposal, schema: Schema, config: Config) -> Round:
    """The round that the reports of a proposal yield, under the set of oracles that made it. Raises Refused."""
    return agree({check_report(each, schema, config): each for each in proposal.reports}, schema, config)


def check_against_own(own: Report, proposed: Mapping[int, Report], f: int) -> None:
    """Raises Refused (contradicts_own) when more than f of the reports differ from what this oracle observed itself.

    Up to f oracles may lie; with more, either this oracle or a quorum sees other segments, and it must not sign.
    """
    ours = [each.without_salt() for each in own.observations]
    for place, mine in enumerate(ours):
        others = sum(each.observations[place].without_salt() != mine for each in proposed.values())
        if others > f:
            raise Refused(Fault.CONTRADICTS_OWN, f"{others} reports differ from the own observation {place}")


def agreed_salt(salts: Sequence[bytes]) -> bytes:
    """The salt of an agreed observation: SHA-256 of the tag and the reports' salts, by position."""
    return sha256(_SALT_TAG + b"".join(salts))


def _agree(column: Sequence[Observation], f: int) -> Observation:
    """One observation of what each oracle reported for one place."""
    salt, first = agreed_salt([each.salt for each in column]), column[0]
    flag = _flag(column, f)
    heard = [each for each in column if each.flag is not Quality.MISSING]
    if flag is Quality.MISSING or not heard:
        return Observation(*first.place, 0, flag, 0, NO_SOURCES, salt)
    value = _median([each.value for each in heard])
    if not _bounded([each.value for each in heard], value, f):
        flag = Quality.NOT_EVALUATED
    sources = _commonest([each.sources for each in heard], f)
    return Observation(*first.place, value, flag, _median([each.count for each in heard]), sources, salt)


def _flag(column: Sequence[Observation], f: int) -> Quality:
    """The flag that most oracles gave, of two the graver; not evaluated when no more than f gave it."""
    votes = Counter(each.flag for each in column)
    flag, number = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return flag if number > f else Quality.NOT_EVALUATED


def _median(values: Sequence[int]) -> int:
    """The middle value, of two the lower."""
    return sorted(values)[(len(values) - 1) // 2]


def _bounded(values: Sequence[int], value: int, f: int) -> bool:
    """Whether more than f values lie on either side: then honest ones do."""
    return sum(each <= value for each in values) > f and sum(each >= value for each in values) > f


def _commonest(values: Sequence[bytes], f: int) -> bytes:
    """What more than f oracles named, of two the lower; zeros when none is."""
    votes = Counter(values)
    found, number = min(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return found if number > f else NO_SOURCES
