"""Sending: at most once, whatever stops in between."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from ledger_node import secp256k1
from ledger_node.abi import encode_call, encode_creation
from ledger_node.client import ChainClient, ChainUnavailable, RpcError
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.outbox import (
    ActConflict,
    ActPending,
    ActRefused,
    GasPolicy,
    Outbox,
    OutboxLocked,
    OutboxMismatch,
    Status,
)
from ledger_node.transactions import DynamicFee, Transaction
from tests.ledger_node.outbox_kit import until

ROOT = Path(__file__).parents[2]
TARGET = b"\x0b" * 20
ANVIL_KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")  # anvil's first account


@pytest.fixture
def signer() -> LocalSigner:
    return LocalSigner.generate()


@pytest.fixture
def outbox(tmp_path: Path, client: ChainClient, signer: LocalSigner) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite", client, signer)
    yield opened
    opened.close()


class DeafClient(ChainClient):
    """A client whose node can be made deaf to transactions, or made to refuse them."""

    words = ""
    deaf = True

    def send_raw(self, raw: bytes) -> bytes:
        if self.words:
            raise RpcError(-32000, self.words)
        if self.deaf:
            raise ChainUnavailable("node does not answer")
        return super().send_raw(raw)


def test_a_second_writer_of_the_same_key_is_refused(
    outbox: Outbox, tmp_path: Path, client: ChainClient, signer: LocalSigner
) -> None:
    with pytest.raises(OutboxLocked, match="another process"):
        Outbox(tmp_path / "outbox.sqlite", client, signer)


def test_the_outbox_of_another_account_is_refused(outbox: Outbox, tmp_path: Path, client: ChainClient) -> None:
    outbox.close()
    with pytest.raises(OutboxMismatch, match="another address"):
        Outbox(tmp_path / "outbox.sqlite", client, LocalSigner.generate())
    Outbox.__init__(outbox, tmp_path / "other.sqlite", client, LocalSigner.generate())


def test_a_key_that_stands_for_another_act_is_refused(outbox: Outbox) -> None:
    outbox.submit("a", TARGET, b"\x01", gas=50_000)
    with pytest.raises(ActConflict, match="was another act"):
        outbox.submit("a", TARGET, b"\x02", gas=50_000)


def test_an_act_that_would_fail_is_refused_with_its_cause_and_leaves_nothing(
    outbox: Outbox, client: ChainClient
) -> None:
    registry = _access_manager(outbox)
    with pytest.raises(ActRefused, match="AccessManagerUnauthorizedAccount"):
        outbox.submit("grant", registry, _unauthorized(), gas=None)
    assert outbox.find("grant") is None


def test_an_act_that_fails_with_fixed_gas_is_mined_as_refused_with_its_cause(outbox: Outbox) -> None:
    registry = _access_manager(outbox)
    outbox.submit("grant", registry, _unauthorized(), gas=200_000)
    sent = outbox.wait("grant")
    assert sent.status is Status.REFUSED
    assert sent.block_number is not None
    assert sent.cause is not None
    assert sent.cause.name == "AccessManagerUnauthorizedAccount"


def _access_manager(outbox: Outbox) -> bytes:
    outbox.submit("create", None, encode_creation("ConsortiumAccess", b"\x01" * 20))
    contract = outbox.wait("create").contract
    assert contract is not None
    return contract


def _unauthorized() -> bytes:
    return encode_call("ConsortiumAccess", "grantRole", 1, b"\x02" * 20, 0)


def test_the_same_key_sends_once(outbox: Outbox, client: ChainClient, signer: LocalSigner) -> None:
    first = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    again = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    assert again.transaction_hash == first.transaction_hash
    assert outbox.wait("a").status is Status.FINAL
    assert outbox.submit("a", TARGET, b"\x01").status is Status.FINAL
    assert client.nonce(signer.address) == 1


def test_what_the_node_did_not_hear_is_stored_and_sent_after_a_restart(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    deaf = DeafClient(plain_ledger.http)
    outbox = Outbox(tmp_path / "outbox.sqlite", deaf, signer)
    sent = [outbox.submit(f"act {number}", TARGET, b"", gas=50_000) for number in range(3)]
    assert {each.status for each in outbox.pending()} == {Status.SUBMITTED}
    assert deaf.mined_call(sent[0].transaction_hash) is None
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite", ChainClient(plain_ledger.http), signer)
    assert [again.wait(each.key).transaction_hash for each in sent] == [each.transaction_hash for each in sent]
    again.close()


def test_an_act_that_is_not_settled_in_time_is_told_as_pending(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", DeafClient(plain_ledger.http), signer)
    outbox.submit("a", TARGET, b"", gas=50_000)
    with pytest.raises(ActPending, match="act a: is submitted"):
        outbox.wait("a", timeout=0)
    with pytest.raises(KeyError):
        outbox.wait("b", timeout=0)
    outbox.close()


def test_a_nonce_that_the_node_refuses_is_used_by_the_next_act(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    client = DeafClient(plain_ledger.http)
    client.words = "insufficient funds for gas * price + value"
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
    refused = outbox.submit("a", TARGET, b"", gas=50_000)
    assert (refused.status, refused.nonce) == (Status.REFUSED, None)
    assert str(refused.cause) == f"RefusedByNode(words={client.words})"
    client.words, client.deaf = "", False
    assert outbox.submit("b", TARGET, b"", gas=50_000).nonce == 0
    assert outbox.wait("b").status is Status.FINAL
    outbox.close()


def test_a_gap_below_later_nonces_is_filled(tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner) -> None:
    client = DeafClient(plain_ledger.http)
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, resend_after=0)
    outbox.submit("a", TARGET, b"", gas=20_000)  # less than any transaction needs: the ledger refuses it
    outbox.submit("b", TARGET, b"", gas=50_000)
    client.deaf = False
    assert outbox.wait("a").status is Status.REFUSED
    assert outbox.wait("b").status is Status.FINAL
    assert client.nonce(signer.address) == 2
    outbox.close()


@pytest.mark.parametrize(
    "words",
    [
        "already known",
        "txpool is full",
        "Known transaction",
        "nonce too low",
        "context deadline exceeded",
        "Your app has exceeded its compute units per second capacity",
        "Too many connections",
        "Node is still syncing",
        "Transaction nonce is too distant from current sender nonce",
        "the method eth_sendRawTransaction does not exist/is not available",
        "upstream connect error or disconnect/reset before headers",
    ],
)
def test_words_that_are_no_refusal_leave_the_act_submitted(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner, words: str
) -> None:
    client = DeafClient(plain_ledger.http)
    client.words = words
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
    assert outbox.submit("a", TARGET, b"", gas=50_000).status is Status.SUBMITTED
    outbox.close()


@pytest.mark.parametrize(
    "words",
    [
        "intrinsic gas too low: gas 20000, minimum needed 21000",
        "Transaction gas limit exceeds block gas limit",
        "Upfront cost exceeds account balance",
        "invalid chain id for signer: have 5 want 6",
        "Sender account not authorized to send transactions",
    ],
)
def test_what_no_node_will_ever_take_is_refused_with_its_words(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner, words: str
) -> None:
    client = DeafClient(plain_ledger.http)
    client.words = words
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
    refused = outbox.submit("a", TARGET, b"", gas=50_000)
    assert (refused.status, refused.settled, str(refused.cause)) == (
        Status.REFUSED,
        True,
        f"RefusedByNode(words={words})",
    )
    outbox.close()


def test_an_act_whose_nonce_another_act_took_is_sent_again_with_a_new_one(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    client = DeafClient(plain_ledger.http)
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, resend_after=0)
    first = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    stranger = _send_elsewhere(plain_ledger, signer, Transaction(20590, 0, TARGET, b"\x02", 50_000))
    client.deaf = False
    sent = outbox.wait("a")
    assert (sent.status, sent.nonce, sent.replaced_by) == (Status.FINAL, 1, stranger)
    assert sent.transaction_hash != first.transaction_hash
    assert (client.nonce(signer.address), outbox.status().replaced) == (2, 1)
    outbox.close()


def test_an_act_that_was_done_with_its_nonce_elsewhere_is_not_sent_again(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    client = DeafClient(plain_ledger.http)
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, resend_after=0)
    outbox.submit("a", TARGET, b"\x01", gas=50_000)
    elsewhere = _send_elsewhere(plain_ledger, signer, Transaction(20590, 0, TARGET, b"\x01", 60_000))
    client.deaf = False
    sent = outbox.wait("a")
    assert (sent.status, sent.nonce, sent.transaction_hash) == (Status.FINAL, 0, elsewhere)
    assert client.nonce(signer.address) == 1
    outbox.close()


def test_a_creation_that_lost_its_nonce_is_refused_since_its_address_is_lost(
    tmp_path: Path, plain_ledger: LedgerProcess, signer: LocalSigner
) -> None:
    client = DeafClient(plain_ledger.http)
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
    outbox.submit("create", None, encode_creation("ConsortiumAccess", b"\x01" * 20), gas=5_000_000)
    stranger = _send_elsewhere(plain_ledger, signer, Transaction(20590, 0, TARGET, b"", 50_000))
    sent = outbox.wait("create")
    assert (sent.status, sent.replaced_by) == (Status.REFUSED, stranger)
    assert "and with it the contract's address" in str(sent.cause)
    outbox.close()


def _send_elsewhere(ledger: LedgerProcess, signer: LocalSigner, transaction: Transaction) -> bytes:
    elsewhere = ChainClient(ledger.http)
    hash_ = elsewhere.send_raw(signer.sign_transaction(transaction))
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if elsewhere.receipt(hash_) is not None:
            return hash_
        time.sleep(0.02)
    raise AssertionError("the transaction of somebody else is in no block")


def test_what_is_not_deep_enough_is_included_and_not_final(
    tmp_path: Path, client: ChainClient, signer: LocalSigner
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, finality=2)
    outbox.submit("a", TARGET, b"", gas=50_000)
    seen = until(outbox, "a", Status.INCLUDED)
    assert seen.block_number is not None
    for number in range(2):
        outbox.submit(f"b{number}", TARGET, b"", gas=50_000)
        until(outbox, f"b{number}", Status.INCLUDED)
    assert outbox.wait("a").status is Status.FINAL
    outbox.close()


def test_acts_pay_fees_where_the_chain_asks_for_them(tmp_path: Path, anvil: str) -> None:
    client = ChainClient(anvil)
    policy = GasPolicy.of_chain(client)
    assert isinstance(policy.fee, DynamicFee)
    outbox = Outbox(tmp_path / "outbox.sqlite", client, LocalSigner(ANVIL_KEY), policy=policy)
    outbox.submit("create", None, encode_creation("ConsortiumAccess", b"\x01" * 20))
    sent = outbox.wait("create")
    assert sent.status is Status.FINAL
    assert sent.contract is not None
    outbox.submit("grant", sent.contract, _unauthorized(), gas=200_000)
    failed = outbox.wait("grant")
    assert failed.cause is not None
    assert failed.cause.name == "AccessManagerUnauthorizedAccount"
    outbox.close()


def test_no_fee_is_offered_where_the_chain_asks_for_none(client: ChainClient) -> None:
    assert GasPolicy.of_chain(client) == GasPolicy()


def test_a_process_killed_at_any_moment_sends_each_act_once(tmp_path: Path, plain_ledger: LedgerProcess) -> None:
    count, key, script = 80, secp256k1.generate(), ROOT / "tests/ledger_node/outbox_child.py"
    (tmp_path / "key").write_text(key.hex())
    for die in ("before 4", "after 4", "after 1", "at random", "at random", "never"):
        command = [sys.executable, str(script), str(tmp_path), plain_ledger.http, str(count), die]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if die == "at random" and line == f"{count // 2}\n":
                    time.sleep(random.random() * 0.01)
                    child.kill()
        assert child.returncode == (0 if die == "never" else -signal.SIGKILL)
    client = ChainClient(plain_ledger.http)
    address = Account.from_key(key).address
    assert client.nonce(bytes.fromhex(address[2:])) == count
    outbox = Outbox(tmp_path / "outbox.sqlite", client, LocalSigner(key))
    hashes = [_found(outbox, f"act {number}") for number in range(count)]
    assert len(set(hashes)) == count
    calls = [client.mined_call(each) for each in hashes]
    assert [int.from_bytes(call.data, "big") for call in calls if call is not None] == list(range(count))
    outbox.close()


def _found(outbox: Outbox, key: str) -> bytes:
    sent = outbox.find(key)
    assert sent is not None
    assert sent.status is Status.FINAL
    return sent.transaction_hash
