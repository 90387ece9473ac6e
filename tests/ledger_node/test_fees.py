"""Fees: what replaces a transaction that is stuck."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_node.fees import GasPolicy
from ledger_node.transactions import NO_FEE, DynamicFee, LegacyFee

wei = st.integers(0, 10**12)


def test_a_raise_that_nodes_refuse_is_refused() -> None:
    with pytest.raises(ValueError, match="bump_percent: must be at least 10"):
        GasPolicy(bump_percent=9)


def test_nothing_replaces_what_costs_nothing() -> None:
    assert GasPolicy().raised(NO_FEE, 0) is None


def test_at_the_ceiling_nothing_is_raised() -> None:
    policy = GasPolicy(DynamicFee(100, 1), ceiling=109)
    assert policy.raised(policy.fee, 50) is None
    assert GasPolicy(DynamicFee(100, 1), ceiling=110).raised(policy.fee, 50) == DynamicFee(110, 2)


def test_a_new_act_follows_a_base_fee_that_has_risen_up_to_the_ceiling() -> None:
    policy = GasPolicy(DynamicFee(100, 1), ceiling=500)
    offered = [policy.offered(base) for base in (10, 200, 10**6)]
    assert offered == [DynamicFee(100, 1), DynamicFee(401, 1), DynamicFee(500, 1)]


@given(cap=wei, tip=wei, base=wei, ceiling=wei, percent=st.integers(10, 200))
def test_tip_and_cap_both_rise_enough_and_stay_below_the_ceiling(
    cap: int, tip: int, base: int, ceiling: int, percent: int
) -> None:
    fee = DynamicFee(max(cap, tip), tip)
    raised = GasPolicy(fee, bump_percent=percent, ceiling=ceiling).raised(fee, base)
    if raised is not None:
        assert isinstance(raised, DynamicFee)
        assert raised.priority_fee * 100 >= tip * 110
        assert raised.max_fee * 100 >= fee.max_fee * 110
        assert raised.priority_fee <= raised.max_fee <= ceiling
    else:
        assert fee.max_fee * 110 > ceiling * 100 - 100 or tip + tip * percent // 100 + 1 > ceiling or ceiling == 0


@given(price=wei, percent=st.integers(10, 200))
def test_a_plain_price_rises_too(price: int, percent: int) -> None:
    raised = GasPolicy(LegacyFee(price), bump_percent=percent).raised(LegacyFee(price), 0)
    assert (raised is None) == (price == 0)
    assert raised is None or raised.cap * 100 >= price * 110
