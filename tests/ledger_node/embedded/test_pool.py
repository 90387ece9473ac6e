"""The pool without a chain: what may enter, whatever the bytes, and in what order it leaves."""

import pytest
import rlp
from eth_account import Account as Signer
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_node.embedded import pool
from ledger_node.embedded.errors import PoolError, PoolRule
from ledger_node.embedded.pool import Account, Line, Pool, Rules, check_account, read_transaction
from ledger_node.secp256k1 import ORDER
from tests.ledger_node.embedded.chain_kit import CHAIN_ID, Person, new_person

RULES = Rules(CHAIN_ID, 30_000_000)
PERSON = Person(Signer.from_key(b"\x11" * 32))
GOOD = PERSON.sign(data=b"\x01\x02")


def refused(raw):
    with pytest.raises(PoolError) as caught:
        read_transaction(raw, RULES)
    return caught.value.rule


def changed(place, value):
    items = rlp.decode(GOOD)
    items[place] = value
    return rlp.encode(items)


def number(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_do_worse_than_be_refused(raw):
    with pytest.raises(PoolError):
        read_transaction(raw, RULES)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_is_another_senders(place, value):
    raw = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    try:
        transaction = read_transaction(raw, RULES)
    except PoolError:
        return
    assert raw == GOOD or transaction.sender != read_transaction(GOOD, RULES).sender


@pytest.mark.parametrize("raw", [b"", GOOD + b"\0", GOOD[:-1], b"\x01", b"\x01\xc0", rlp.encode([b""] * 9)])
def test_what_is_not_one_transaction_is_refused(raw):
    assert refused(raw) in (PoolRule.MALFORMED, PoolRule.UNPROTECTED, PoolRule.SENDER)


def test_the_upper_half_of_s_is_refused():
    s = int.from_bytes(rlp.decode(GOOD)[8], "big")
    assert refused(changed(8, number(ORDER - s))) == PoolRule.SENDER


@pytest.mark.parametrize(("place", "value"), [(7, 0), (7, ORDER), (8, 0), (8, ORDER), (6, 2**300 + 35)])
def test_a_signature_out_of_range_is_refused(place, value):
    assert refused(changed(place, number(value))) == PoolRule.SENDER


def test_an_r_that_is_on_no_point_is_refused():
    """5 is the x of no point of the curve (SEC 2): 5**3 + 7 is not a square."""
    assert refused(changed(7, number(5))) == PoolRule.SENDER


@pytest.mark.parametrize("place", [1, 4])
def test_a_value_over_a_word_is_refused(place):
    assert refused(changed(place, number(2**256))) == PoolRule.MALFORMED


def test_a_sender_with_code_is_refused():
    transaction = read_transaction(GOOD, RULES)
    with pytest.raises(PoolError, match="sender not an eoa") as caught:
        check_account(transaction, Account(0, 0, True), Line(0))
    assert caught.value.rule == PoolRule.SENDER


def test_a_full_pool_refuses(monkeypatch):
    monkeypatch.setattr(pool, "MAX_WAITING", 1)
    filled = Pool()
    filled.enter(GOOD, read_transaction(GOOD, RULES), 0)
    other = new_person().sign()
    with pytest.raises(PoolError) as caught:
        filled.enter(other, read_transaction(other, RULES), 0)
    assert caught.value.rule == PoolRule.FULL


def enter_all(people_and_nonces):
    filled, entries = Pool(), []
    for person, nonce in people_and_nonces:
        raw = person.sign(nonce=nonce)
        entries.append(filled.enter(raw, read_transaction(raw, RULES), 0))
    return filled, entries


def test_nothing_leaves_before_it_is_durable():
    filled, entries = enter_all([(PERSON, 0), (PERSON, 1)])
    assert list(filled.executable()) == []
    filled.settle(entries[1:])
    assert list(filled.executable()) == []
    assert filled.get(entries[0].hash) is None
    filled.settle(entries[:1])
    assert list(filled.executable()) == entries


def test_order_is_that_of_acceptance_within_what_nonces_allow():
    one, two = new_person(), new_person()
    filled, entries = enter_all([(one, 1), (two, 0), (one, 0), (two, 2), (two, 1)])
    filled.settle(entries)
    order = [entries.index(entry) for entry in filled.executable()]
    assert order == [1, 2, 0, 4, 3]


@settings(deadline=None)
@given(st.permutations(range(6)), st.integers(0, 6))
def test_only_the_run_without_a_gap_leaves(nonces, gap):
    wanted = [nonce for nonce in nonces if nonce != gap]
    filled, entries = enter_all([(PERSON, nonce) for nonce in wanted])
    filled.settle(entries)
    assert [entry.nonce for entry in filled.executable()] == list(range(gap if gap < 6 else 6))
    assert filled.next_nonce(bytes.fromhex(PERSON.address[2:]), 0) == (gap if gap < 6 else 6)
