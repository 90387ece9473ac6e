"""Gas has no noise, so its ratios can be tested."""

import time
from itertools import count
from types import SimpleNamespace

import pytest

from benchmarks.gas import PEERS, TRADETRUST, floor
from benchmarks.suite import run_all


@pytest.fixture(scope="module")
def results():
    """Whenever the rounds' clock is looked at, another hour has begun."""
    from benchmarks.result import Sizes

    hours = count(int(time.time()) - 100 * 3_600, 3_600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.acts.time", SimpleNamespace(time=hours.__next__))
        return {each.name: each for each in run_all(Sizes(), ["gas"])}


def outcome(*logs):
    return SimpleNamespace(receipt=SimpleNamespace(logs=logs))


def log(topics, size):
    return SimpleNamespace(topics=(0,) * topics, data=bytes(size))


def test_the_floor_of_a_call_that_does_nothing_is_the_base_and_its_calldata():
    assert floor(b"\x01\x00\x00", 0, {}, outcome()) == 21_000 + 16 + 2 * 4


def test_signatures_slots_and_logs_are_added():
    slots = {(b"a", 1): (7, 7), (b"a", 2): (0, 1), (b"a", 3): (1, 2)}
    expected = 21_000 + 2 * 3_000 + 2_100 + 22_100 + 5_000 + 375 + 3 * 375 + 8 * 64
    assert floor(b"", 2, slots, outcome(log(3, 64))) == expected


def test_a_cleared_slot_gives_back_at_most_half():
    assert floor(b"", 0, {(b"a", 1): (1, 0)}, outcome()) == 26_000 - 13_000
    assert floor(b"", 10, {(b"a", 1): (1, 0)}, outcome()) == 56_000 - 15_000


def test_every_act_costs_at_least_its_floor_and_less_than_twice_of_it(results):
    of_floor = [each for each in results.values() if not each.name.endswith(".tradetrust")]
    assert len(of_floor) == 14
    for each in of_floor:
        assert 1 <= each.ratio < 2, each.name
        assert each.unit == "gas"


def test_the_same_act_is_compared_with_the_peers_published_gas(results):
    for name, (there, published) in PEERS.items():
        beside = results[f"gas.{name}.tradetrust"]
        assert beside.measured == results[f"gas.{name}"].measured
        assert (beside.baseline, beside.against) == (published, f"{there} of {TRADETRUST}")
