"""The one door: each reason of refusal, and that what is refused never counts; then receipts and replays."""

from dataclasses import replace
from pathlib import Path

import pytest

from oracle.fleets import FleetBundle, FleetRefused
from oracle.formats.fleet import Revocation, make_fleet
from oracle.formats.reasons import Reason
from oracle.formats.segment import Context, Quality, Reading, sign
from oracle.formats.signed import NoteRefused, check_receipt, dump_receipt, load_receipt
from oracle.ingest import Accepted, Arrival
from oracle.ports import ChainUnavailable
from oracle.refusals import Refusal
from tests.oracle.intake_kit import (
    BUNDLE,
    CONTEXT,
    DEVICE,
    EPOCH_BLOCK,
    FLEET,
    KEY,
    OTHER_KEY,
    PROFILE,
    RECORD,
    T0,
    Oracle,
    chain_of,
    content,
    following,
    open_oracle,
    roots_of,
    signed,
)


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return open_oracle(tmp_path)


def refused(oracle: Oracle, raw: bytes) -> Refusal:
    size = oracle.log.size()
    outcome = oracle.service.accept(raw, "test")
    assert isinstance(outcome, Refusal)
    assert oracle.log.size() == size
    assert outcome.reason in oracle.reasons()
    return outcome


def accepted(oracle: Oracle, raw: bytes) -> Accepted:
    outcome = oracle.service.accept(raw, "test")
    assert isinstance(outcome, Accepted), outcome
    return outcome


FIRST = signed()


@pytest.mark.parametrize(
    ("reason", "raw"),
    [
        (Reason.OVERSIZED, bytes(61_441)),
        (Reason.MALFORMED, b"{}"),
        (Reason.UNKNOWN_DEVICE, signed(device=DEVICE[:4] + bytes(12)).raw),
        (Reason.WRONG_DEVICE, signed(OTHER_KEY).raw),
        (Reason.BAD_SIGNATURE, signed(context=Context(1, CONTEXT.registry)).raw),
        (Reason.OUT_OF_SEQUENCE, signed(seq=2).raw),
        (Reason.OUT_OF_SEQUENCE, signed(seq=0).raw),
        (Reason.BROKEN_CHAIN, signed(prev=b"p" * 32).raw),
        (Reason.TOO_OLD, signed(t0_ms=T0 + 180_000 - 3_600_001).raw),
        (Reason.FUTURE_DATED, signed(t0_ms=T0 + 120_001).raw),
        (Reason.WRONG_CALIBRATION, signed(calibration=bytes(32)).raw),
        (Reason.UNKNOWN_EPOCH_BLOCK, signed(epoch_block_hash=bytes(32)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 9, 1),)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 1, "text"),)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 2, 5),)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 3, "text"),)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 1, 5, 1),)).raw),
        (Reason.PROFILE_VIOLATION, signed(readings=(Reading(0, 1, 5), Reading(29_999, 1, 5))).raw),
    ],
)
def test_a_segment_that_breaks_a_rule_is_refused_and_kept_in_quarantine(
    oracle: Oracle, reason: Reason, raw: bytes
) -> None:
    assert refused(oracle, raw).reason is reason
    assert oracle.log.cursor(DEVICE) is None


def test_the_answer_to_a_gap_names_the_expected_number(oracle: Oracle) -> None:
    accepted(oracle, FIRST.raw)
    outcome = refused(oracle, following(following(FIRST)).raw)
    assert (outcome.reason, outcome.expected_seq) == (Reason.OUT_OF_SEQUENCE, 2)


@pytest.mark.parametrize(
    "changes", [{"boot": 0}, {"mono_ms": 4_999}, {"t0_ms": T0 + 119_999, "boot": 2}], ids=["boot", "mono", "event time"]
)
def test_a_clock_that_runs_backwards_is_refused(oracle: Oracle, changes: dict[str, int]) -> None:
    accepted(oracle, FIRST.raw)
    assert refused(oracle, following(FIRST, **changes).raw).reason is Reason.CLOCK_REGRESSION


def test_a_new_boot_may_start_its_monotonic_clock_again(oracle: Oracle) -> None:
    accepted(oracle, FIRST.raw)
    oracle.clock.ms += 180_000
    accepted(oracle, following(FIRST, boot=2, mono_ms=0).raw)


def test_a_body_is_kept_only_of_what_the_device_signed(oracle: Oracle) -> None:
    junk, early = b"junk", signed(seq=2).raw
    assert oracle.quarantine.body(refused(oracle, junk).digest) is None
    assert oracle.quarantine.body(refused(oracle, early).digest) == early


def test_the_same_refused_bytes_fill_one_row(oracle: Oracle) -> None:
    for _ in range(3):
        refused(oracle, b"junk")
    assert [each.count for each in oracle.quarantine.refused()] == [3]


def test_a_replay_gets_the_same_receipt_and_never_counts_again(oracle: Oracle) -> None:
    receipt = accepted(oracle, FIRST.raw).receipt
    oracle.clock.ms += 3_600_000
    again = accepted(oracle, FIRST.raw)
    assert (again.receipt, again.fresh) == (receipt, False)
    assert oracle.log.size() == 1
    assert oracle.reasons() == [Reason.REPLAYED]


def test_an_old_segment_is_answered_even_after_later_ones(oracle: Oracle) -> None:
    receipt = accepted(oracle, FIRST.raw).receipt
    oracle.clock.ms += 180_000
    accepted(oracle, following(FIRST).raw)
    assert accepted(oracle, FIRST.raw).receipt == receipt


def test_the_same_payload_with_another_signature_is_the_same_segment(oracle: Oracle) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    from oracle.formats import cbor
    from oracle.formats.cose import P256_ORDER

    receipt = accepted(oracle, FIRST.raw).receipt
    private = ec.derive_private_key(int.from_bytes(b"\x01" * 32, "big"), ec.SECP256R1())
    protected = bytes.fromhex("a20126045820") + FIRST.kid
    message = cbor.dumps(["Signature1", protected, CONTEXT.external_aad, FIRST.payload])
    r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    other = replace(FIRST, signature=r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big"))
    assert other.raw != FIRST.raw
    assert accepted(oracle, other.raw).receipt == receipt


def test_two_payloads_with_one_number_put_the_key_under_quarantine(oracle: Oracle) -> None:
    accepted(oracle, FIRST.raw)
    other = signed(readings=())
    assert refused(oracle, other.raw).reason is Reason.EQUIVOCATION
    both = oracle.quarantine.equivocation(DEVICE, KEY.public.kid)
    assert both is not None
    assert (both.seq, both.logged, both.other) == (1, FIRST.digest, other.digest)
    assert oracle.quarantine.body(refused(oracle, other.raw).digest) == other.raw
    oracle.clock.ms += 180_000
    assert refused(oracle, following(FIRST).raw).reason is Reason.QUARANTINED


def test_a_new_key_in_a_new_fleet_ends_the_quarantine(oracle: Oracle) -> None:
    accepted(oracle, FIRST.raw)
    refused(oracle, signed(readings=()).raw)
    oracle.clock.ms += 180_000
    fleet = make_fleet(7, 2, [replace(RECORD, key=OTHER_KEY.public)])
    oracle.chain.fleets[7] = roots_of(fleet)
    oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    accepted(oracle, following(FIRST, OTHER_KEY).raw)
    assert refused(oracle, following(FIRST, KEY, seq=3).raw).reason is Reason.WRONG_DEVICE


def test_a_revoked_device_is_refused_from_then_on_but_keeps_its_receipts(oracle: Oracle) -> None:
    receipt = accepted(oracle, FIRST.raw).receipt
    oracle.clock.ms += 180_000
    fleet = make_fleet(7, 2, [RECORD], [Revocation(DEVICE, oracle.clock.ms)])
    oracle.chain.fleets[7] = roots_of(fleet)
    oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    assert refused(oracle, following(FIRST).raw).reason is Reason.REVOKED
    assert accepted(oracle, FIRST.raw).receipt == receipt


def test_readings_before_the_enrolment_are_refused(oracle: Oracle) -> None:
    fleet = make_fleet(7, 2, [replace(RECORD, valid_from_ms=T0 + 1)])
    oracle.chain.fleets[7] = roots_of(fleet)
    oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    assert refused(oracle, FIRST.raw).reason is Reason.NOT_YET_VALID


def test_an_enrolment_may_start_at_a_later_number(oracle: Oracle) -> None:
    fleet = make_fleet(7, 2, [replace(RECORD, first_seq=500)])
    oracle.chain.fleets[7] = roots_of(fleet)
    oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    assert refused(oracle, FIRST.raw).expected_seq == 500
    accepted(oracle, signed(seq=500).raw)


def test_a_fleet_under_other_roots_than_the_chains_is_refused(oracle: Oracle) -> None:
    fleet = make_fleet(7, 2, [replace(RECORD, key=OTHER_KEY.public)])
    with pytest.raises(FleetRefused) as caught:
        oracle.service.fleets.accept(FleetBundle(fleet, (PROFILE,)))
    assert caught.value.reason is Reason.FLEET_UNPROVEN


def test_a_fleet_without_its_profiles_is_refused(oracle: Oracle) -> None:
    with pytest.raises(FleetRefused) as caught:
        oracle.service.fleets.accept(FleetBundle(FLEET, (replace(PROFILE, max_ahead_ms=1),)))
    assert caught.value.reason is Reason.PROFILE_MISSING


def test_a_device_is_unknown_while_the_chain_holds_a_newer_fleet(oracle: Oracle) -> None:
    oracle.chain.fleets[7] = roots_of(make_fleet(7, 2, [RECORD], [Revocation(DEVICE, 0)]))
    oracle.clock.ms += 2_000
    assert refused(oracle, FIRST.raw).reason is Reason.UNKNOWN_DEVICE


def test_a_silent_node_is_bridged_for_ten_minutes_and_then_nothing_is_decided(oracle: Oracle) -> None:
    accepted(oracle, FIRST.raw)
    oracle.chain.down = True
    oracle.clock.ms += 180_000
    second = following(FIRST)
    accepted(oracle, second.raw)
    oracle.clock.ms += 600_000
    with pytest.raises(ChainUnavailable):
        oracle.service.accept(following(second).raw, "test")
    assert oracle.reasons() == []


def test_a_known_fleet_is_not_stored_twice_and_survives_a_restart(oracle: Oracle, tmp_path: Path) -> None:
    assert not oracle.service.fleets.accept(BUNDLE)
    oracle.database.close()
    again = open_oracle(tmp_path)
    kept = again.service.fleets.current(7)
    assert kept is not None
    assert kept.bundle == BUNDLE


def test_a_receipt_names_the_segment_and_is_signed_by_the_oracle(oracle: Oracle) -> None:
    receipt = accepted(oracle, FIRST.raw).receipt
    assert (receipt.device, receipt.seq, receipt.segment_digest) == (DEVICE, 1, FIRST.digest)
    assert (receipt.log_index, receipt.oracle, receipt.time_ms) == (0, oracle.key.address, oracle.clock.ms)
    assert load_receipt(dump_receipt(receipt)) == receipt
    check_receipt(receipt)
    with pytest.raises(NoteRefused):
        check_receipt(replace(receipt, seq=2))


def test_a_batch_takes_a_whole_chain_and_names_what_it_refuses(oracle: Oracle) -> None:
    segments = chain_of(4)
    oracle.clock.ms = segments[-1].content.t0_ms
    raws = [segments[0].raw, b"junk", segments[1].raw, segments[3].raw, segments[2].raw]
    outcomes = oracle.service.accept_many([Arrival(raw, "test") for raw in raws])
    told = [each.reason if isinstance(each, Refusal) else each.receipt.log_index for each in outcomes]
    assert told == [0, Reason.MALFORMED, 1, Reason.OUT_OF_SEQUENCE, 2]


def test_texts_digests_and_missing_values_are_taken(oracle: Oracle) -> None:
    readings = (
        Reading(0, 2, "EPC-300833B2DDD9014000000000"),
        Reading(0, 3, b"s" * 32),
        Reading(1, 1, 0, 0, Quality.MISSING),
    )
    accepted(oracle, sign(content(readings=readings), KEY, CONTEXT).raw)
    assert oracle.log.entry(0).segment.content.readings == readings
    assert oracle.chain.blocks == {EPOCH_BLOCK}
