"""Agreement: refusals, then that f oracles that lie do not move what is agreed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.hashing import keccak256, sha256
from ledger_node.keys import LocalSigner
from ledger_node.merkle import leaf_hash, verify_padded
from ledger_node.secp256k1 import recover, sign_digest
from oracle.agreement import Fault, Refused, agree, check_against_own, check_proposal, check_report, leader
from oracle.formats.observation import NO_SOURCES
from oracle.formats.report import Proposal, Report
from oracle.formats.segment import Quality
from tests.oracle.judgement_kit import (
    CONFIG,
    DAY,
    MINUTE,
    ORACLE_KEYS,
    ORACLE_SIGNERS,
    ORACLES,
    observed,
    report,
    schema,
)

SCHEMA = schema()


def reports(*values: int) -> dict[int, Report]:
    return {place: report(place, observed(value)) for place, value in enumerate(values)}


def proposal(*values: int, attempt: int = 0, by: int = 0) -> Proposal:
    told = tuple(reports(*values).values())
    return Proposal(SCHEMA.id, DAY, attempt, told).signed(CONFIG, ORACLE_SIGNERS[by])


def fault_of(error: pytest.ExceptionInfo[Refused]) -> Fault:
    return error.value.fault


def test_a_report_of_another_schema_is_refused() -> None:
    with pytest.raises(Refused) as error:
        check_report(report(0, observed(1, schema=b"x" * 32)), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.WRONG_SCHEMA


def test_a_report_of_a_time_that_is_no_slot_is_refused() -> None:
    with pytest.raises(Refused) as error:
        check_report(report(0, observed(1, DAY + 1)), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.NOT_A_SLOT


def test_a_report_with_other_metrics_is_refused() -> None:
    with pytest.raises(Refused) as error:
        check_report(report(0, observed(1, metric=b"x" * 32)), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.WRONG_METRICS


def test_a_report_signed_by_a_stranger_is_refused() -> None:
    made = report(0, observed(1))
    with pytest.raises(Refused) as error:
        check_report(made.signed(CONFIG, LocalSigner(b"\x09" * 32)), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.NOT_AN_ORACLE


def test_a_report_changed_after_signing_is_refused() -> None:
    made = report(0, observed(1))
    with pytest.raises(Refused) as error:
        check_report(replace(made, observations=(observed(2),)), SCHEMA, CONFIG)
    assert fault_of(error) in (Fault.NOT_AN_ORACLE, Fault.BAD_SIGNATURE)


def test_a_report_for_another_set_of_oracles_is_refused() -> None:
    other = replace(CONFIG, digest=b"x" * 32)
    with pytest.raises(Refused):
        check_report(report(0, observed(1)), SCHEMA, other)


def test_two_reports_are_too_few_for_four_oracles() -> None:
    with pytest.raises(Refused) as error:
        agree(reports(1, 1), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.TOO_FEW_REPORTS


def test_a_proposal_out_of_turn_is_refused() -> None:
    with pytest.raises(Refused) as error:
        check_proposal(proposal(1, 1, 1, by=1), SCHEMA, CONFIG)
    assert fault_of(error) is Fault.NOT_LEADER


def test_a_proposal_with_one_oracle_twice_is_refused() -> None:
    told = tuple(reports(1, 1, 1).values())
    twice = Proposal(SCHEMA.id, DAY, 0, (*told[:2], told[1])).signed(CONFIG, ORACLE_SIGNERS[0])
    with pytest.raises(Refused) as error:
        check_proposal(twice, SCHEMA, CONFIG)
    assert fault_of(error) is Fault.REPORT_TWICE


def test_a_proposal_that_most_reports_contradict_is_not_signed() -> None:
    with pytest.raises(Refused) as error:
        check_against_own(report(0, observed(1)), reports(1, 2, 2), CONFIG.f)
    assert fault_of(error) is Fault.CONTRADICTS_OWN


def test_a_proposal_with_one_lie_is_signed() -> None:
    check_against_own(report(0, observed(1)), reports(1, 1, 2), CONFIG.f)


def test_the_turn_passes_on_with_each_slot_and_attempt() -> None:
    assert [leader(SCHEMA, DAY + at * MINUTE, 0, 4) for at in range(5)] == [0, 1, 2, 3, 0]
    assert [leader(SCHEMA, DAY, attempt, 4) for attempt in range(5)] == [0, 1, 2, 3, 0]


@pytest.mark.parametrize("lie", [-(1 << 63), 0, (1 << 63) - 1])
@pytest.mark.parametrize("liar", [0, 1, 2])
def test_one_lying_oracle_does_not_move_the_value(lie: int, liar: int) -> None:
    values = [100, 101, 102]
    values[liar] = lie
    (agreed,) = agree(reports(*values), SCHEMA, CONFIG).observations
    assert 100 <= agreed.value <= 102


@pytest.mark.parametrize("flag", list(Quality))
def test_one_lying_oracle_does_not_change_the_flag(flag: Quality) -> None:
    told = reports(7, 7, 7)
    told[1] = report(1, observed(0, flag=flag))
    (agreed,) = agree(told, SCHEMA, CONFIG).observations
    assert (agreed.value, agreed.flag, agreed.sources) == (7, Quality.PASS, b"o" * 32)


def test_a_value_between_one_honest_and_one_lying_oracle_is_not_evaluated() -> None:
    told = reports(100, -9000, 0)
    told[2] = report(2, observed(0, flag=Quality.MISSING, sources=NO_SOURCES))
    (agreed,) = agree(told, SCHEMA, CONFIG).observations
    assert agreed.flag is Quality.NOT_EVALUATED


def test_what_most_call_missing_is_missing() -> None:
    told = {place: report(place, observed(0, flag=Quality.MISSING)) for place in (0, 1)} | {2: report(2, observed(5))}
    (agreed,) = agree(told, SCHEMA, CONFIG).observations
    assert (agreed.value, agreed.flag, agreed.count, agreed.sources) == (0, Quality.MISSING, 0, NO_SOURCES)


def test_three_different_flags_are_not_evaluated() -> None:
    flags = (Quality.PASS, Quality.SUSPECT, Quality.FAIL)
    told = {place: report(place, observed(5, flag=flag)) for place, flag in enumerate(flags)}
    (agreed,) = agree(told, SCHEMA, CONFIG).observations
    assert agreed.flag is Quality.NOT_EVALUATED


def test_the_agreed_salt_is_made_of_the_reports_salts_by_position() -> None:
    told = {place: report(place, observed(5, salt=bytes([place]) * 32)) for place in (0, 2, 3)}
    (agreed,) = agree(told, SCHEMA, CONFIG).observations
    assert agreed.salt == sha256(b"cangdan/agreed-salt/1" + b"".join(bytes([place]) * 32 for place in (0, 2, 3)))


def test_observations_come_first_then_checkpoints_by_position() -> None:
    told = {place: report(place, observed(5), size=place + 1) for place in (3, 1, 0)}
    made = agree(told, SCHEMA, CONFIG)
    assert made.leaves[0] == made.observations[0].leaf()
    checkpoints = [told[place].checkpoint.leaf(SCHEMA.id, DAY, ORACLES[place]) for place in (0, 1, 3)]
    assert list(made.leaves[1:]) == checkpoints
    for index, leaf in enumerate(made.leaves):
        assert verify_padded(leaf_hash(leaf), index, made.tree.proof(index), made.tree.root)


def test_the_round_digest_is_the_typed_data_of_the_hub() -> None:
    made = agree(reports(1, 1, 1), SCHEMA, CONFIG)
    type_hash = keccak256(b"Round(bytes32 configDigest,bytes32 schema,uint64 slot,bytes32 root,uint32 leaves)")
    domain_type = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    hub = CONFIG.domain.verifying_contract.rjust(32, b"\0")
    domain = keccak256(domain_type + keccak256(b"Cangdan") + keccak256(b"1") + (20590).to_bytes(32, "big") + hub)
    words = CONFIG.digest + SCHEMA.id + DAY.to_bytes(32, "big") + made.tree.root + (4).to_bytes(32, "big")
    assert made.digest(CONFIG) == keccak256(b"\x19\x01" + domain + keccak256(type_hash + words))
    assert recover(made.digest(CONFIG), sign_digest(ORACLE_KEYS[0], made.digest(CONFIG))) == ORACLES[0]


honest = st.integers(-1000, 1000)


@settings(deadline=None)
@given(st.lists(honest, min_size=2, max_size=3), st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 3))
def test_an_agreed_value_lies_between_honest_ones(told: list[int], lie: int, at: int) -> None:
    values = [*told[:at], lie, *told[at:]]
    (agreed,) = agree(reports(*values), SCHEMA, CONFIG).observations
    assert agreed.flag is Quality.PASS
    assert min(told) <= agreed.value <= max(told)
