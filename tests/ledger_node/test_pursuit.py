"""What is stuck, dropped or taken: paid more for, sent again, told by name, and never done twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_node.client import ChainClient
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.keys import LocalSigner
from ledger_node.outbox import GasPolicy, Outbox, Status
from ledger_node.outbox_store import OutboxStore, read_status
from ledger_node.transactions import DynamicFee, Transaction
from tests.ledger_node.test_outbox import TARGET, DeafClient

RICH = bytes.fromhex("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6")  # anvil's fifth account


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stuck(anvil: str) -> Iterator[DeafClient]:
    """A node that makes no blocks until it is told to."""
    client = DeafClient(anvil)
    client.deaf = False
    client.request("evm_setAutomine", False)
    yield client
    client.request("evm_mine")
    client.request("evm_setAutomine", True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, stuck: DeafClient, clock: Clock) -> Iterator[Outbox]:
    policy = GasPolicy.of_chain(stuck)
    opened = Outbox(tmp_path / "outbox.sqlite", stuck, LocalSigner(RICH), policy=policy, clock=clock)
    yield opened
    opened.close()


def test_an_act_that_is_stuck_is_replaced_under_its_nonce_and_done_once(
    outbox: Outbox, stuck: DeafClient, clock: Clock
) -> None:
    nonce = stuck.nonce(LocalSigner(RICH).address)
    first = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    clock.now += 59
    outbox.step()
    assert outbox.status().bumped == 0
    clock.now += 2
    outbox.step()
    clock.now += 6
    outbox.step()
    assert outbox.status().bumped == 1
    assert outbox.status().oldest_seconds == 67
    stuck.request("evm_mine")
    sent = outbox.wait("a")
    assert (sent.status, sent.nonce) == (Status.FINAL, nonce)
    assert sent.transaction_hash != first.transaction_hash
    assert stuck.receipt(first.transaction_hash) is None
    assert stuck.nonce(LocalSigner(RICH).address) == nonce + 1


def test_when_the_first_version_is_mined_it_counts(outbox: Outbox, stuck: DeafClient, clock: Clock) -> None:
    first = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    stuck.deaf = True
    clock.now += 61
    outbox.step()
    stuck.deaf = False
    assert outbox.find("a") != first
    stuck.request("evm_mine")
    assert outbox.wait("a").transaction_hash == first.transaction_hash


def test_an_act_is_final_at_the_block_that_makes_it_so_and_not_before(
    tmp_path: Path, stuck: DeafClient, clock: Clock
) -> None:
    policy = GasPolicy.of_chain(stuck)
    outbox = Outbox(tmp_path / "deep.sqlite", stuck, LocalSigner(RICH), policy=policy, finality=2, clock=clock)
    outbox.submit("a", TARGET, b"\x01", gas=50_000)
    seen: list[Status] = []
    for _ in range(3):
        stuck.request("evm_mine")
        for _ in range(2):
            outbox.step()
            found = outbox.find("a")
            assert found is not None
            seen.append(found.status)
            assert len(outbox.pending()) == (found.status is not Status.FINAL)
    assert seen == [Status.INCLUDED] * 4 + [Status.FINAL] * 2
    outbox.close()


def test_an_act_is_not_given_up_for_a_transaction_that_took_its_nonce_until_that_is_final(
    tmp_path: Path, stuck: DeafClient, clock: Clock
) -> None:
    signer, policy = LocalSigner(RICH), GasPolicy.of_chain(stuck)
    outbox = Outbox(tmp_path / "taken.sqlite", stuck, signer, policy=policy, finality=2, clock=clock)
    stuck.deaf = True
    nonce = outbox.submit("a", TARGET, b"\x01", gas=50_000).nonce
    stuck.deaf = False
    assert nonce is not None
    other = Transaction(stuck.chain_id(), nonce, TARGET, b"\x02", 50_000, policy.fee)
    taker = stuck.send_raw(signer.sign_transaction(other))
    seen = []
    for _ in range(3):
        stuck.request("evm_mine")
        outbox.step()
        found = outbox.find("a")
        assert found is not None
        seen.append((found.nonce, found.replaced_by))
    assert seen == [(nonce, None)] * 2 + [(nonce + 1, taker)]
    outbox.close()


def test_an_act_that_failed_has_no_next_try_before_that_is_final(
    tmp_path: Path, stuck: DeafClient, clock: Clock
) -> None:
    signer, policy = LocalSigner(RICH), GasPolicy.of_chain(stuck)
    outbox = Outbox(tmp_path / "failed.sqlite", stuck, signer, policy=policy, finality=2, clock=clock)
    stuck.request("anvil_setCode", "0x" + bytes(19).hex() + "77", "0x60006000fd")  # reverts
    outbox.submit("a", bytes(19) + b"\x77", b"\x01", gas=50_000)
    seen = []
    for _ in range(3):
        stuck.request("evm_mine")
        outbox.step()
        found = outbox.find("a")
        assert found is not None
        seen.append((found.status, found.settled, outbox.key_of_next_try("a")))
    assert seen == [(Status.REFUSED, False, "a")] * 2 + [(Status.REFUSED, True, "a/2")]
    outbox.close()


def test_a_nonce_whose_user_fell_out_of_the_chain_is_used_for_nothing_so_that_later_acts_are_done(
    tmp_path: Path, stuck: DeafClient, clock: Clock
) -> None:
    signer, policy = LocalSigner(RICH), GasPolicy.of_chain(stuck)
    before = stuck.request("evm_snapshot")
    nonce = stuck.nonce(signer.address)
    elsewhere = Transaction(stuck.chain_id(), nonce, TARGET, b"\x02", 50_000, policy.fee)
    stuck.send_raw(signer.sign_transaction(elsewhere))
    stuck.request("evm_mine")
    outbox = Outbox(tmp_path / "gap.sqlite", stuck, signer, policy=policy, clock=clock)
    assert outbox.submit("a", TARGET, b"\x01", gas=50_000).nonce == nonce + 1
    stuck.request("evm_revert", before)
    for seconds in (0, 59):
        clock.now += seconds
        outbox.step()
    assert [sent.key for sent in outbox.pending()] == ["a"]
    clock.now += 2
    outbox.step()
    assert [sent.nonce for sent in outbox.pending()] == [nonce, nonce + 1]
    for _ in range(2):  # anvil forgets what followed on a filled gap; then it is handed in again
        stuck.request("evm_mine")
        clock.now += 6
        outbox.step()
    stuck.request("evm_mine")
    assert outbox.wait("a").status is Status.FINAL
    outbox.step()
    assert (outbox.pending(), stuck.nonce(signer.address)) == ((), nonce + 2)
    outbox.close()


def test_a_node_that_has_not_heard_of_our_own_nonces_has_none_used_for_nothing(
    tmp_path: Path, stuck: DeafClient, clock: Clock
) -> None:
    outbox = Outbox(tmp_path / "behind.sqlite", stuck, LocalSigner(RICH), policy=GasPolicy.of_chain(stuck), clock=clock)
    before = stuck.request("evm_snapshot")
    outbox.submit("a", TARGET, b"\x01", gas=50_000)
    stuck.request("evm_mine")
    assert outbox.wait("a").status is Status.FINAL
    outbox.submit("b", TARGET, b"\x02", gas=50_000)
    stuck.request("evm_revert", before)
    for _ in range(3):
        clock.now += 61
        outbox.step()
    assert [sent.key for sent in outbox.pending()] == ["b"]
    outbox.close()


def test_what_a_node_forgot_is_told_and_sent_again(
    outbox: Outbox, stuck: DeafClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    sent = outbox.submit("a", TARGET, b"\x01", gas=50_000)
    stuck.request("anvil_dropTransaction", "0x" + sent.transaction_hash.hex())
    clock.now += 6
    outbox.step()
    assert (outbox.status().dropped, outbox.status().bumped) == (1, 0)
    assert "act a: dropped" in caplog.text
    stuck.request("evm_mine")
    done = outbox.wait("a")
    assert (done.transaction_hash, done.drops) == (sent.transaction_hash, 1)


def test_an_act_whose_cap_is_below_the_base_fee_is_replaced_though_it_is_not_its_turn(
    outbox: Outbox, stuck: DeafClient, clock: Clock
) -> None:
    for key in ("a", "b"):
        outbox.submit(key, TARGET, b"\x01", gas=50_000)
    stuck.request("anvil_setNextBlockBaseFeePerGas", hex(3 * stuck.block().header.base_fee_per_gas))
    stuck.request("evm_mine")
    clock.now += 61
    outbox.step()
    assert outbox.status().bumped == 2
    stuck.request("evm_mine")
    assert [outbox.wait(key).status for key in ("a", "b")] == [Status.FINAL] * 2


def test_a_price_that_is_too_low_for_now_refuses_nothing(tmp_path: Path, stuck: DeafClient, clock: Clock) -> None:
    policy = GasPolicy(DynamicFee(7, 1), ceiling=8)
    outbox = Outbox(tmp_path / "low.sqlite", stuck, LocalSigner(RICH), policy=policy, clock=clock)
    assert outbox.submit("a", TARGET, b"\x01", gas=50_000).status is Status.SUBMITTED
    outbox.close()


def test_the_state_is_read_beside_the_process_that_writes(
    tmp_path: Path, plain_ledger: LedgerProcess, clock: Clock
) -> None:
    signer = LocalSigner.generate()
    outbox = Outbox(tmp_path / "outbox.sqlite", DeafClient(plain_ledger.http), signer, clock=clock)
    outbox.submit("a", TARGET, b"", gas=50_000)
    status = read_status(tmp_path / "outbox.sqlite", 1030)
    assert (status.address, status.pending, status.oldest_seconds, status.next_nonce) == (signer.address, 1, 30, 1)
    assert status == OutboxStore.status(outbox._store, 1030)
    outbox.close()


def test_a_file_that_is_no_outbox_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no outbox"):
        read_status(tmp_path / "absent", 0)


def test_gas_has_the_price_that_the_node_asks_where_blocks_have_no_base_fee(plain_ledger: LedgerProcess) -> None:
    assert ChainClient(plain_ledger.http).gas_price() == 0
