"""Fleet files and device profiles: refusals by field, then round trips and roots."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ledger_node import canonical_json
from ledger_node.merkle import leaf_hash, verify_padded
from oracle.formats.fields import FieldError
from oracle.formats.fleet import Fleet, Revocation, device_id, fleet_to_json, load_fleet, make_fleet
from oracle.formats.profile import dump_profile, load_profile
from tests.oracle.intake_kit import DEVICE, EDDSA_KEY, FLEET, KEY, OTHER_KEY, PROFILE, RECORD

SECOND = replace(RECORD, device=DEVICE[:15] + b"\xff", key=EDDSA_KEY.public)


def changed(text: bytes, path: list[str | int], value: object) -> bytes:
    """The JSON text with one member put elsewise, or taken away."""
    whole = json.loads(text)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return canonical_json.dumps(whole)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["format"], "cangdan/fleet/2", "fleet.format"),
        (["entity"], -1, "fleet.entity"),
        (["epoch"], 0, "fleet.epoch"),
        (["extra"], 1, "fleet.extra: is unknown"),
        (["devices"], None, "fleet.devices: is missing"),
        (["devices", 0, "device"], "0x" + "ff" * 16, "begin|first its entity"),
        (["devices", 0, "device"], DEVICE.hex(), r"devices\[0\].device"),
        (["devices", 0, "key"], "0x00", r"devices\[0\].key"),
        (["devices", 0, "key"], 5, r"devices\[0\].key"),
        (["devices", 0, "key"], "0x" + OTHER_KEY.public.encoded[:-1].hex() + "00", r"devices\[0\].key"),
        (["devices", 0, "profileDigest"], "0x12", r"devices\[0\].profileDigest"),
        (["devices", 0, "watches", 0], "0x12", r"devices\[0\].watches\[0\]"),
        (["devices", 0, "validFromMs"], "0", r"devices\[0\].validFromMs"),
        (["devices", 0, "firstSeq"], None, r"devices\[0\].firstSeq: is missing"),
        (["revocations"], [{"device": "0x00000007" + "ee" * 12, "atMs": 1}], "must name a device"),
    ],
)
def test_a_fleet_file_that_breaks_a_rule_is_refused_by_field(path: list[str | int], value: object, told: str) -> None:
    with pytest.raises(FieldError, match=told):
        load_fleet(changed(canonical_json.dumps(fleet_to_json(FLEET)), path, value))


@pytest.mark.parametrize(
    "devices",
    [(SECOND, RECORD), (RECORD, RECORD), (RECORD, replace(SECOND, key=KEY.public))],
    ids=["order", "id", "key"],
)
def test_devices_stand_sorted_and_once(devices: tuple[object, ...]) -> None:
    with pytest.raises(FieldError, match=r"fleet\.devices"):
        Fleet(7, 1, devices)  # type: ignore[arg-type]


def test_text_that_is_not_json_is_refused() -> None:
    for load in (load_fleet, load_profile):
        with pytest.raises(FieldError, match="JSON"):
            load(b"{")


def test_a_fleet_comes_back_from_its_file() -> None:
    fleet = make_fleet(7, 3, [SECOND, RECORD], [Revocation(DEVICE, 5)])
    assert load_fleet(canonical_json.dumps(fleet_to_json(fleet))) == fleet
    assert fleet.find(DEVICE) == RECORD
    assert fleet.find(bytes(16)) is None
    assert (fleet.revoked_at(DEVICE), fleet.revoked_at(SECOND.device)) == (5, None)


def test_a_device_and_a_revocation_can_be_proved_under_their_roots() -> None:
    fleet = make_fleet(7, 3, [SECOND, RECORD], [Revocation(DEVICE, 5)])
    tree, place = fleet.tree(), fleet.place(DEVICE)
    assert verify_padded(leaf_hash(RECORD.leaf()), place, tree.proof(place), tree.root)
    assert fleet.revocation_tree().root == leaf_hash(DEVICE + (5).to_bytes(8, "big"))


def test_whatever_changes_in_a_record_changes_the_root() -> None:
    records = [
        replace(RECORD, key=OTHER_KEY.public),
        replace(RECORD, profile="other"),
        replace(RECORD, profile_digest=bytes(32)),
        replace(RECORD, calibration=bytes(32)),
        replace(RECORD, watches=()),
        replace(RECORD, valid_from_ms=1),
        replace(RECORD, first_seq=2),
    ]
    assert len({make_fleet(7, 1, [each]).tree().root for each in [RECORD, *records]}) == 8


def test_a_device_id_begins_with_its_entity() -> None:
    assert device_id(7, "scale-1")[:4] == bytes.fromhex("00000007")
    assert device_id(7, "scale-1") != device_id(7, "scale-2")


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["format"], "x", "profile.format"),
        (["id"], "", "profile.id"),
        (["maxBackfillMs"], -1, "profile.maxBackfillMs"),
        (["channels"], [], "profile.channels"),
        (["channels", 0, "type"], "float", r"channels\[0\].type"),
        (["channels", 0, "channel"], 65536, r"channels\[0\].channel"),
        (["channels", 0, "channel"], 2, "a channel stands twice"),
        (["channels", 0, "name"], "tag", "a name stands twice"),
        (["channels", 0, "unit"], "kg", r"channels\[0\].unit"),
        (["channels", 0, "unit"], None, r"channels\[0\].unit: is missing"),
        (["channels", 0, "low"], 50_000, r"channels\[0\].low"),
        (["channels", 0, "stuck"], 1, r"channels\[0\].stuck"),
        (["channels", 0, "exp10"], 19, r"channels\[0\].exp10"),
        (["channels", 1, "unit"], "KGM", r"channels\[1\].unit: is unknown"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused_by_field(path: list[str | int], value: object, told: str) -> None:
    with pytest.raises(FieldError, match=told):
        load_profile(changed(dump_profile(PROFILE), path, value))


def test_the_published_example_is_a_profile() -> None:
    text = Path("docs/formats/profile.md").read_text(encoding="utf-8")
    assert load_profile(text.split("```json")[1].split("```")[0].encode()) == PROFILE


def test_a_profile_comes_back_from_its_file() -> None:
    assert load_profile(dump_profile(PROFILE)) == PROFILE
    assert PROFILE.digest != replace(PROFILE, liveness_ms=1).digest
    assert PROFILE.channel(1) == PROFILE.channels[0]
    assert PROFILE.channel(9) is None
