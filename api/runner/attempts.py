"""Acts that must fail: sent to the chain by a stranger with fixed gas, mined as refused, the cause found by name."""

from __future__ import annotations

import secrets
from typing import Any

from api.acts.calls import Call, Related, Signed, call_of
from api.runner.session import Session
from api.runner.settling import wait_for
from api.runner.stage import Stage
from ledger_node.abi import decode_revert
from ledger_node.hexvalues import data_hex, read_data
from ledger_node.keys import LocalSigner
from ledger_node.outbox import GasPolicy
from ledger_node.transactions import DynamicFee, Transaction
from registry import structs
from registry.consents import Consent

ATTEMPT_GAS = 2_000_000
_STRUCTS: dict[str, type[Consent]] = {
    "issue": structs.Issue,
    "pledge": structs.Pledge,
    "drawdown": structs.Drawdown,
    "release": structs.Release,
    "delivery": structs.Delivery,
}


def attempt(
    stage: Stage, draft: dict[str, Any], sessions: dict[str, Session], parties: list[str], forged: str | None
) -> tuple[str, str]:
    """Send a draft's act as anybody could; the name of the error that refused it (or `nothing`) and the transaction."""
    call = call_in(draft, sessions, parties, forged)
    stranger = LocalSigner.generate()
    policy = GasPolicy.of_chain(stage.chain)
    _fund(stage, stranger.address, policy)
    transaction = Transaction(
        chain_id=stage.addresses.chain_id,
        nonce=0,
        fee=policy.fee,
        gas=ATTEMPT_GAS,
        to=stage.addresses.address(call.contract),
        value=0,
        data=call.data(),
    )
    tx = stage.chain.send_raw(stranger.sign_transaction(transaction))
    receipt = wait_for(lambda: stage.chain.receipt(tx), f"the receipt of {data_hex(tx)}")
    if receipt.succeeded:
        return "nothing", data_hex(tx)
    data = stage.chain.revert_data(tx)
    return (decode_revert(data).name if data is not None else "unknown"), data_hex(tx)


def call_in(draft: dict[str, Any], sessions: dict[str, Session], parties: list[str], forged: str | None = None) -> Call:
    """The call of a draft with its parties' signatures, as whoever has them can make it."""
    order = tuple(sessions[party].seat.entity for party in parties)
    signatures = {
        sessions[party].seat.entity: read_data("signature", sessions[party].sign(draft, _signer(party, forged)), 64)
        for party in parties
    }
    consent = _struct(_STRUCTS[draft["act"]], draft["typedData"]["message"])
    return call_of(Signed(consent, order, signatures, draft["extras"]), Related())


def _signer(party: str, forged: str | None) -> LocalSigner | None:
    """A key that is not the party's own, where its signature is to be forged."""
    return LocalSigner(secrets.token_bytes(32)) if party == forged else None


def _struct(kind: type[Consent], message: dict[str, Any]) -> Consent:
    """The struct of a draft's typed data."""
    values = [
        read_data(each.name, message[each.name], 32) if each.type == "bytes32" else int(message[each.name])
        for each in kind.TYPE.fields
    ]
    return kind.from_tuple(values)


def _fund(stage: Stage, account: bytes, policy: GasPolicy) -> None:
    """On a chain with fees, the stranger gets what the attempt costs."""
    fee = policy.fee
    price = fee.max_fee if isinstance(fee, DynamicFee) else fee.gas_price
    if price:
        key = f"fund/{account.hex()}"
        stage.operator.outbox.submit(key, account, b"", value=ATTEMPT_GAS * price)
        stage.operator.outbox.wait(key)
