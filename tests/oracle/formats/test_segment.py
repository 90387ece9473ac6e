"""Segments: each refusal by its reason, then round trips, then that no change of a byte gets through."""

import random
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.formats import cbor
from oracle.formats.cose import P256_ORDER, DeviceKey, DevicePublicKey, KeyRefused
from oracle.formats.reasons import Reason
from oracle.formats.segment import (
    MAX_SEGMENT,
    Context,
    Quality,
    Reading,
    SegmentRefused,
    SignedSegment,
    TimeSource,
    parse,
    sign,
    verify,
)
from tests.oracle.intake_kit import CONTEXT, DEVICE, EDDSA_KEY, KEY, OTHER_KEY, OneKey, content, signed

FLEET = OneKey(KEY.public)


def refusal(raw: bytes, fleet: OneKey = FLEET, context: Context = CONTEXT) -> SegmentRefused:
    with pytest.raises(SegmentRefused) as caught:
        verify(raw, fleet, context)
    return caught.value


def resigned(payload: bytes, key: DeviceKey = KEY) -> bytes:
    """A whole segment around any payload bytes, signed by hand through cbor2, for faults that `sign` refuses."""
    protected = cbor2.dumps({1: int(key.public.algorithm), 4: key.public.kid})
    aad = cbor2.dumps(["clr/seg/1", CONTEXT.chain_id, CONTEXT.registry])
    signature = key.sign(cbor2.dumps(["Signature1", protected, aad, payload]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


NAMES_OF_FIELDS = (
    "version",
    "device",
    "boot",
    "seq",
    "prev",
    "block",
    "t0",
    "mono",
    "source",
    "firmware",
    "calibration",
)


def fields(**changes: object) -> list[object]:
    values = cbor2.loads(content().payload())
    assert isinstance(values, list)
    return [changes.get(name, value) for name, value in zip((*NAMES_OF_FIELDS, "readings"), values, strict=True)]


def test_a_segment_over_sixty_kilobytes_is_oversized() -> None:
    assert refusal(b"\xd2" * (MAX_SEGMENT + 1)).reason is Reason.OVERSIZED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"device": bytes(15)}, "device"),
        ({"device": "d" * 16}, "device"),
        ({"boot": -1}, "boot"),
        ({"boot": 1 << 32}, "boot"),
        ({"seq": 1 << 53}, "seq"),
        ({"prev": bytes(31)}, "prev"),
        ({"block": bytes(33)}, "epochBlockHash"),
        ({"t0": -5}, "t0_ms"),
        ({"t0": 1 << 48}, "t0_ms"),
        ({"mono": b""}, "mono_ms"),
        ({"source": 6}, "timeSource"),
        ({"firmware": ""}, "firmware"),
        ({"calibration": 0}, "calibration"),
        ({"readings": 0}, "readings"),
        ({"readings": [0]}, r"readings[0]"),
        ({"readings": [[0, 1, 2, 0]]}, r"readings[0]"),
        ({"readings": [[-1, 1, 2, 0, 1]]}, "readings[0].dt_ms"),
        ({"readings": [[5, 1, 2, 0, 1], [4, 1, 2, 0, 1]]}, "readings[1].dt_ms"),
        ({"readings": [[0, 1 << 16, 2, 0, 1]]}, "readings[0].channel"),
        ({"readings": [[0, 1, 1 << 63, 0, 1]]}, "readings[0].value"),
        ({"readings": [[0, 1, -(1 << 63) - 1, 0, 1]]}, "readings[0].value"),
        ({"readings": [[0, 1, 2, 19, 1]]}, "readings[0].exp10"),
        ({"readings": [[0, 1, "tag", 1, 1]]}, "readings[0].exp10"),
        ({"readings": [[0, 1, 2, 0, 5]]}, "readings[0].quality"),
        ({"readings": [[0, 1, 2, 0, 9]]}, "readings[0].value"),
        ({"readings": [[0, 1, "tag", 0, 9]]}, "readings[0].value"),
        ({"readings": [[0, 1, "货" * 22, 0, 1]]}, "readings[0].value"),
        ({"readings": [[0, 1, bytes(31), 0, 1]]}, "readings[0].value"),
        ({"readings": [[0, 1, [], 0, 1]]}, "readings[0].value"),
    ],
)
def test_a_field_out_of_range_is_malformed_and_named(changes: dict[str, object], field: str) -> None:
    refused = refusal(resigned(cbor2.dumps(fields(**changes))))
    assert refused.reason is Reason.MALFORMED
    assert refused.detail.startswith(field + ":")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        cbor2.dumps({1: 2}),
        cbor2.dumps(fields()[:-1]),
        cbor2.dumps([*fields(), 0]),
        cbor2.dumps(fields()) + b"\x00",
        cbor2.dumps(fields()).replace(b"\x8c\x01", b"\x8c\x18\x01", 1),
        cbor2.dumps(fields(readings=[[0, 1, 1.5, 0, 1]])),
        cbor2.dumps(fields(readings=[[0, 1, None, 0, 1]])),
        cbor2.dumps(fields(boot=True)),
        cbor2.dumps(fields(t0=cbor2.CBORTag(1, 5))),
    ],
)
def test_a_payload_that_is_not_the_strict_array_is_malformed(payload: bytes) -> None:
    assert refusal(resigned(payload)).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts,
        lambda parts: cbor2.CBORTag(98, parts),
        lambda parts: cbor2.CBORTag(18, [*parts, 0]),
        lambda parts: cbor2.CBORTag(18, [parts[0], {4: b"kid"}, *parts[2:]]),
        lambda parts: cbor2.CBORTag(18, [cbor2.dumps({1: -7}), *parts[1:]]),
        lambda parts: cbor2.CBORTag(18, [cbor2.dumps({1: -35, 4: KEY.public.kid}), *parts[1:]]),
        lambda parts: cbor2.CBORTag(18, [cbor2.dumps({4: KEY.public.kid, 1: -7}), *parts[1:]]),
        lambda parts: cbor2.CBORTag(18, [*parts[:2], None, parts[3]]),
        lambda parts: cbor2.CBORTag(18, [*parts[:3], parts[3][:63]]),
        lambda parts: cbor2.CBORTag(18, [*parts[:3], parts[3] + b"\x00"]),
    ],
)
def test_any_other_envelope_is_malformed(change: object) -> None:
    parts = cbor2.loads(signed().raw).value
    assert refusal(cbor2.dumps(change(parts))).reason is Reason.MALFORMED  # type: ignore[operator]


def test_a_device_of_no_fleet_is_unknown() -> None:
    assert refusal(signed(device=bytes(16)).raw).reason is Reason.UNKNOWN_DEVICE


def test_a_segment_signed_by_another_devices_key_is_of_the_wrong_device() -> None:
    assert refusal(signed(OTHER_KEY).raw).reason is Reason.WRONG_DEVICE


def test_a_foreign_signature_under_the_devices_kid_is_bad() -> None:
    forged = replace(signed(OTHER_KEY), kid=KEY.public.kid)
    assert refusal(forged.raw).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("context", [Context(1, CONTEXT.registry), Context(CONTEXT.chain_id, bytes(20))])
def test_a_segment_for_another_chain_or_registry_is_a_bad_signature(context: Context) -> None:
    assert refusal(signed(context=context).raw).reason is Reason.BAD_SIGNATURE


def test_a_high_s_is_refused_by_name() -> None:
    good = signed()
    s = P256_ORDER - int.from_bytes(good.signature[32:], "big")
    assert refusal(replace(good, signature=good.signature[:32] + s.to_bytes(32, "big")).raw).reason is Reason.HIGH_S


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, P256_ORDER.to_bytes(32, "big") * 2])
def test_a_signature_out_of_range_is_bad(signature: bytes) -> None:
    assert refusal(replace(signed(), signature=signature).raw).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "encoded", [b"", KEY.public.encoded[:-1], KEY.public.encoded + b"\x00", KEY.public.encoded[:43] + bytes(32)]
)
def test_a_cose_key_of_another_form_or_off_the_curve_is_refused(encoded: bytes) -> None:
    with pytest.raises(KeyRefused):
        DevicePublicKey(encoded)


def test_content_too_long_for_one_segment_is_not_signed() -> None:
    with pytest.raises(SegmentRefused, match="oversized|more than"):
        signed(readings=tuple(Reading(0, 1, b"d" * 32) for _ in range(2000)))


def test_content_out_of_range_is_not_signed() -> None:
    with pytest.raises(SegmentRefused, match="boot"):
        signed(boot=-1)


@pytest.mark.parametrize("key", [KEY, EDDSA_KEY])
def test_a_signed_segment_verifies_and_its_bytes_are_cose(key: DeviceKey) -> None:
    sent = signed(key)
    assert verify(sent.raw, OneKey(key.public), CONTEXT) == sent
    protected, unprotected, payload, _ = cbor2.loads(sent.raw).value
    assert (cbor2.loads(protected), unprotected) == ({1: int(key.public.algorithm), 4: key.public.kid}, {})
    assert resigned(payload, key) == sent.raw


def test_a_segment_without_readings_says_that_the_device_lives() -> None:
    assert verify(signed(readings=()).raw, FLEET, CONTEXT).content.last_ms == content().t0_ms


def test_the_published_example_is_what_the_code_makes() -> None:
    text = Path("docs/formats/segment.md").read_text(encoding="utf-8")
    assert signed().raw.hex() in text.replace("\n", "")
    assert all(f"`{reason.value}` | {reason.meaning} |" in text for reason in Reason)


QUALITIES = st.sampled_from([Quality.PASS, Quality.SUSPECT, Quality.FAIL])
QUANTITIES = st.tuples(
    st.just(0), st.integers(0, 65535), st.integers(-(2**63), 2**63 - 1), st.integers(-18, 18), QUALITIES
)
NAMES = st.text(max_size=16) | st.binary(min_size=32, max_size=32)
READINGS = (QUANTITIES | st.tuples(st.just(7), st.integers(0, 65535), NAMES, st.just(0), QUALITIES)).map(
    lambda fields: Reading(*fields)
)


@given(
    readings=st.lists(READINGS, max_size=20),
    boot=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 2**53 - 1),
    times=st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1)),
    source=st.sampled_from(TimeSource),
    digest=st.binary(min_size=32, max_size=32),
    key=st.sampled_from([KEY, EDDSA_KEY]),
)
def test_every_valid_segment_round_trips(
    readings: list[Reading],
    boot: int,
    seq: int,
    times: tuple[int, int],
    source: TimeSource,
    digest: bytes,
    key: DeviceKey,
) -> None:
    made = content(
        readings=tuple(sorted(readings, key=lambda each: each.dt_ms)),
        boot=boot,
        seq=seq,
        t0_ms=times[0],
        mono_ms=times[1],
        time_source=source,
        prev=digest,
    )
    sent = sign(made, key, CONTEXT)
    got = verify(sent.raw, OneKey(key.public), CONTEXT)
    assert (got, got.content) == (sent, made)
    assert cbor.dumps(cbor.loads(sent.payload)) == sent.payload


@given(st.data())
@settings(max_examples=300)
def test_any_changed_byte_is_refused_with_a_reason(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([SENT, SENT_EDDSA])).raw)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert refusal(bytes(raw), Both()).reason in Reason  # type: ignore[arg-type]


def test_a_hundred_thousand_random_inputs_raise_nothing_but_refusals() -> None:
    chance = random.Random(3)
    for number in range(100_000):
        noise = chance.randbytes(chance.randrange(200))
        raw = SENT.raw[: chance.randrange(len(SENT.raw))] + noise if number % 2 else noise
        try:
            verify(raw, FLEET, CONTEXT)
        except SegmentRefused:
            continue
        pytest.fail(f"accepted {raw.hex()}")


def test_random_readings_inside_a_sound_envelope_raise_nothing_but_refusals() -> None:
    chance = random.Random(4)
    payload = SENT.payload
    reasons: set[Reason] = set()
    for _ in range(20_000):
        at = chance.randrange(len(payload))
        changed = payload[:at] + chance.randbytes(chance.randrange(1, 6)) + payload[at + chance.randrange(6) :]
        raw = replace(SENT, payload=changed).raw
        try:
            parse(raw)
        except SegmentRefused as error:
            reasons.add(error.reason)
    assert reasons == {Reason.MALFORMED}


SENT: SignedSegment = signed()
SENT_EDDSA: SignedSegment = signed(EDDSA_KEY, device=bytes(16))


class Both:
    def find(self, device: bytes) -> OneKey | None:
        return {DEVICE: FLEET, bytes(16): OneKey(EDDSA_KEY.public)}.get(device)
