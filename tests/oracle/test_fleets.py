"""Fleet files from anyone: whatever comes is a fleet or a refusal, and what is known stays known."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.fleets import FleetRefused, dump_bundle, load_bundle
from oracle.formats.fleet import Revocation, make_fleet
from oracle.formats.reasons import Reason
from tests.oracle.intake_kit import BUNDLE, DEVICE, RECORD, Chain, SetClock, open_oracle, roots_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refusal(text: bytes) -> Reason | None:
    try:
        load_bundle(text)
    except FleetRefused as error:
        return error.reason
    return None


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_random_text_is_malformed(text: bytes) -> None:
    assert refusal(text) is Reason.MALFORMED


@given(st.data())
def test_any_member_replaced_is_malformed_or_another_bundle(data: st.DataObject) -> None:
    whole = json.loads(dump_bundle(BUNDLE))
    part = data.draw(st.sampled_from([whole, whole["fleet"], whole["fleet"]["devices"][0], whole["profiles"][0]]))
    name = data.draw(st.sampled_from(sorted(part)))
    value = data.draw(JSON.filter(lambda value: value != part[name]))
    part[name] = value
    text = json.dumps(whole).encode()
    assert refusal(text) is Reason.MALFORMED or load_bundle(text) != BUNDLE


def test_an_entity_without_a_fleet_on_the_chain_gets_none(tmp_path: Path) -> None:
    oracle = open_oracle(tmp_path)
    del oracle.chain.fleets[7]
    with pytest.raises(FleetRefused, match="fleet_unproven"):
        oracle.service.fleets.accept(BUNDLE)


def test_a_stale_file_is_not_used_after_a_restart_either(tmp_path: Path) -> None:
    oracle = open_oracle(tmp_path)
    assert oracle.service.fleets.find(DEVICE) is not None
    oracle.database.close()
    chain, clock = Chain(), SetClock()
    again = open_oracle(tmp_path, clock=clock, chain=chain)
    chain.fleets[7] = roots_of(make_fleet(7, 2, [RECORD], [Revocation(DEVICE, 0)]))
    clock.ms += 2_000
    assert again.service.fleets.find(DEVICE) is None
