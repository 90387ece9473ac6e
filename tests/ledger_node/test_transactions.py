"""Transactions: the same bytes as eth-account makes."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger_node import secp256k1, transactions
from ledger_node.rlp_strict import Item, decode, encode
from ledger_node.transactions import DynamicFee, LegacyFee, Transaction, TransactionError

KEY = bytes(31) + b"\x07"
PLAIN = Transaction(20590, 1, b"\x11" * 20, b"\x01\x02", 300_000)
wei = st.integers(0, 2**100)
made = st.builds(
    Transaction,
    chain_id=st.integers(1, 2**40),
    nonce=st.integers(0, 2**64 - 2),
    to=st.none() | st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=80),
    gas=st.integers(1, 2**63),
    fee=st.builds(LegacyFee, wei) | wei.map(lambda fee: DynamicFee(fee, fee // 2)),
    value=wei,
)


def raw_of(transaction: Transaction) -> bytes:
    digest = transactions.signing_digest(transaction)
    return transactions.signed(transaction, secp256k1.sign_digest(KEY, digest))


@pytest.mark.parametrize(
    "values",
    [
        {"to": bytes(19)},
        {"to": b""},
        {"nonce": -1},
        {"nonce": 2**64 - 1},
        {"chain_id": 0},
        {"gas": 0},
        {"value": -1},
        {"value": 2**256},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, object]) -> None:
    base: dict[str, object] = {"chain_id": 1, "nonce": 0, "to": None, "data": b"", "gas": 1}
    with pytest.raises(TransactionError):
        Transaction(**{**base, **values})  # type: ignore[arg-type]


def test_a_signature_of_another_length_is_refused() -> None:
    with pytest.raises(TransactionError, match="64 bytes"):
        transactions.signed(PLAIN, bytes(65))


def test_raw_bytes_that_are_not_one_signed_transaction_are_refused() -> None:
    items = decode(raw_of(PLAIN))
    assert isinstance(items, list)
    unprotected: list[Item] = [*items[:6], b"\x1b", *items[7:]]
    for raw in (b"", b"\x02", b"\x01\xc0", b"\xc0", encode(unprotected), encode(items[:8]), raw_of(PLAIN) + b"\x00"):
        with pytest.raises(TransactionError):
            transactions.read_raw(raw)


@given(made)
def test_raw_bytes_are_those_of_eth_account_and_read_back(transaction: Transaction) -> None:
    judged: dict[str, object] = {
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "gas": transaction.gas,
        "value": transaction.value,
        "data": transaction.data,
    }
    if transaction.to is not None:
        judged["to"] = transaction.to
    if isinstance(transaction.fee, DynamicFee):
        judged |= {"maxFeePerGas": transaction.fee.max_fee, "maxPriorityFeePerGas": transaction.fee.priority_fee}
    else:
        judged["gasPrice"] = transaction.fee.gas_price
    signed = Account.sign_transaction(judged, KEY)
    raw = raw_of(transaction)
    assert raw == bytes(signed.raw_transaction)
    assert transactions.transaction_hash(raw) == bytes(signed.hash)
    assert transactions.read_raw(raw) == (transaction, secp256k1.address_of(KEY))
