"""The verdict on any bytes: by a fleet file, and by an oracle without leaving a trace."""

from pathlib import Path

import pytest

from oracle.admission import advanced
from oracle.check import check_segment
from oracle.formats.fleet import Fleet, Revocation, make_fleet
from oracle.formats.reasons import Reason
from oracle.formats.segment import Reading
from tests.oracle.intake_kit import CONTEXT, DEVICE, FLEET, KEY, OTHER_KEY, PROFILE, RECORD, T0, following, signed
from tests.oracle.intake_kit import open_oracle as open_

FIRST = signed()
NOW = T0 + 180_000


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.MALFORMED),
        (signed(OTHER_KEY).raw, Reason.WRONG_DEVICE),
        (signed(t0_ms=0).raw, Reason.TOO_OLD),
        (signed(t0_ms=NOW).raw, Reason.FUTURE_DATED),
        (signed(readings=(Reading(0, 8, 1),)).raw, Reason.PROFILE_VIOLATION),
        (signed(calibration=bytes(32)).raw, Reason.WRONG_CALIBRATION),
    ],
)
def test_a_refusal_names_its_reason(raw: bytes, reason: Reason) -> None:
    verdict = check_segment(raw, FLEET, CONTEXT, profiles=[PROFILE], arrived_ms=NOW)
    assert (verdict.accepted, verdict.reason) == (False, reason)
    assert verdict.as_json() == {"accepted": False, "reason": reason.value, "detail": verdict.detail}


def test_a_revoked_device_is_refused_by_the_file_that_says_so() -> None:
    fleet = make_fleet(7, 2, [RECORD], [Revocation(DEVICE, NOW)])
    assert check_segment(FIRST.raw, fleet, CONTEXT, arrived_ms=NOW).reason is Reason.REVOKED
    assert check_segment(FIRST.raw, fleet, CONTEXT, arrived_ms=NOW - 1).accepted


def test_a_fleet_without_the_device_refuses_it() -> None:
    assert check_segment(FIRST.raw, Fleet(7, 1, ()), CONTEXT).reason is Reason.UNKNOWN_DEVICE


def test_what_is_not_given_is_not_checked() -> None:
    assert check_segment(signed(t0_ms=0, seq=9, readings=()).raw, FLEET, CONTEXT).accepted


def test_with_a_cursor_the_chain_is_checked() -> None:
    cursor = advanced(FIRST.content, FIRST.digest)
    assert check_segment(following(FIRST).raw, FLEET, CONTEXT, cursor=cursor).accepted
    assert check_segment(signed(seq=2).raw, FLEET, CONTEXT, cursor=cursor).reason is Reason.BROKEN_CHAIN


def test_an_oracle_examines_without_keeping_anything(tmp_path: Path) -> None:
    oracle = open_(tmp_path)
    service = oracle.service
    assert service.examine(FIRST.raw).accepted
    service.accept(FIRST.raw, "test")
    told = [service.examine(raw).reason for raw in (FIRST.raw, signed(readings=()).raw, b"", signed(seq=5).raw)]
    assert told == [Reason.REPLAYED, Reason.EQUIVOCATION, Reason.MALFORMED, Reason.OUT_OF_SEQUENCE]
    assert oracle.reasons() == []
    assert oracle.log.size() == 1
    assert oracle.quarantine.equivocation(DEVICE, KEY.public.kid) is None
