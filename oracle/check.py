"""Says of any bytes whether they would be accepted as a segment, and if not, why. Pure; counts and keeps nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from ledger_node.canonical_json import JsonValue
from oracle.admission import Cursor, check_enrolment, check_profile, check_sequence, check_times
from oracle.formats.fleet import Fleet
from oracle.formats.profile import DeviceProfile
from oracle.formats.reasons import Reason
from oracle.formats.segment import Context, SegmentRefused, enrolled, verify


@dataclass(frozen=True, slots=True)
class Verdict:
    """`accepted`, or the reason of the published list and a detail that names the field."""

    accepted: bool
    reason: Reason | None = None
    detail: str = ""

    def as_json(self) -> JsonValue:
        """The published form: accepted, reason (null when accepted), detail."""
        reason = None if self.reason is None else self.reason.value
        return {"accepted": self.accepted, "reason": reason, "detail": self.detail}


ACCEPTED = Verdict(True)


def check_segment(
    raw: bytes,
    fleet: Fleet,
    context: Context,
    *,
    profiles: Iterable[DeviceProfile] = (),
    arrived_ms: int | None = None,
    cursor: Cursor | None = None,
) -> Verdict:
    """The verdict by a fleet file. What is not given is not checked: the profile and the times that depend on it
    without its profile, the times and the revocation without `arrived_ms`, sequence and chain without `cursor`.
    """
    try:
        signed = verify(raw, fleet, context)
        record = enrolled(signed, fleet.find(signed.content.device))
        revoked_at_ms = None if arrived_ms is None else fleet.revoked_at(record.device)
        check_enrolment(signed.content, record, revoked_at_ms, arrived_ms or 0)
        if cursor is not None:
            check_sequence(signed.content, record, cursor)
        profile = next((each for each in profiles if each.digest == record.profile_digest), None)
        if profile is not None:
            if arrived_ms is not None:
                check_times(signed.content, profile, arrived_ms)
            check_profile(signed.content, record, profile)
    except SegmentRefused as error:
        return Verdict(False, error.reason, error.detail)
    return ACCEPTED
