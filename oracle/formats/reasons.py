"""Why a segment, a fleet or a peer's log is refused: a published list, docs/formats/segment.md has the same."""

from enum import StrEnum


class Reason(StrEnum):
    """One reason of refusal; its value is the word that answers, logs and files carry."""

    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNKNOWN_DEVICE = "unknown_device"
    WRONG_DEVICE = "wrong_device"
    HIGH_S = "high_s"
    BAD_SIGNATURE = "bad_signature"
    REPLAYED = "replayed"
    EQUIVOCATION = "equivocation"
    QUARANTINED = "quarantined"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"
    OUT_OF_SEQUENCE = "out_of_sequence"
    BROKEN_CHAIN = "broken_chain"
    CLOCK_REGRESSION = "clock_regression"
    TOO_OLD = "too_old"
    FUTURE_DATED = "future_dated"
    WRONG_CALIBRATION = "wrong_calibration"
    PROFILE_VIOLATION = "profile_violation"
    UNKNOWN_EPOCH_BLOCK = "unknown_epoch_block"
    SPLIT_VIEW = "split_view"
    FLEET_UNPROVEN = "fleet_unproven"
    PROFILE_MISSING = "profile_missing"

    @property
    def meaning(self) -> str:
        """What the reason says, in one line."""
        return _MEANINGS[self]


_MEANINGS = {
    Reason.OVERSIZED: "the segment is longer than 61,440 bytes",
    Reason.MALFORMED: "the bytes are not a segment: envelope, CBOR, field count, type or range is wrong",
    Reason.UNKNOWN_DEVICE: "no accepted fleet holds this device",
    Reason.WRONG_DEVICE: "the key that the segment names is not the enrolled key of its device",
    Reason.HIGH_S: "the ES256 signature has s in the upper half of the order",
    Reason.BAD_SIGNATURE: "the device's key did not sign this payload for this chain and registry",
    Reason.REPLAYED: "this payload is in the log already; it is not counted again",
    Reason.EQUIVOCATION: "the device signed two payloads with one sequence number",
    Reason.QUARANTINED: "the device's key equivocated before; only a new key in a new fleet epoch ends it",
    Reason.REVOKED: "the device was revoked before the segment arrived",
    Reason.NOT_YET_VALID: "a reading is older than the device's enrolment",
    Reason.OUT_OF_SEQUENCE: "the sequence number is not the next one; the answer names the one expected",
    Reason.BROKEN_CHAIN: "prev is not the digest of the device's previous payload",
    Reason.CLOCK_REGRESSION: "boot, monotonic or event time runs backwards against the previous segment",
    Reason.TOO_OLD: "a reading is older than the profile allows at arrival",
    Reason.FUTURE_DATED: "a reading is later than the oracle's clock and the profile's allowance",
    Reason.WRONG_CALIBRATION: "the calibration digest is not the enrolled one",
    Reason.PROFILE_VIOLATION: "a channel, value type, exponent or cadence is not what the profile declares",
    Reason.UNKNOWN_EPOCH_BLOCK: "the block hash that shows not-before is not a final block of this chain",
    Reason.SPLIT_VIEW: "an oracle showed two logs that do not extend each other",
    Reason.FLEET_UNPROVEN: "the roots of the fleet file are not those that the chain holds for its entity",
    Reason.PROFILE_MISSING: "the fleet names a profile that does not come with it",
}
