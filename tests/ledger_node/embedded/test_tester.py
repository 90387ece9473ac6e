"""eth-tester on the embedded ledger: what it refuses, what it answers, and that the blocks are the ledger's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed, ValidationError
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import BlockNotFound, ContractPanicError, TransactionNotFound

from ledger_node.artifacts import artifact
from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.tester import BALANCE, EmbeddedBackend, provider_of
from ledger_node.keys import LocalSigner
from tests.ledger_node.embedded.chain_kit import BURN, CHAIN_ID, REVERT_WITH_DATA, STORE_WORD, creation, word

START = 1_790_000_000
STRANGER = "0x" + "99" * 20


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[EmbeddedBackend]:
    made = EmbeddedBackend(tmp_path, start=START)
    yield made
    made.close()


@pytest.fixture
def tester(backend: EmbeddedBackend) -> EthereumTester:
    return EthereumTester(backend)


@pytest.fixture
def w3(backend: EmbeddedBackend) -> Web3:
    return Web3(provider_of(backend))


def deploy(w3: Web3, runtime: bytes) -> str:
    sent = w3.eth.send_transaction({"data": creation(runtime), "gas": 200_000})
    return w3.eth.wait_for_transaction_receipt(sent)["contractAddress"]


def test_a_fee_of_the_fee_market_is_refused_by_name(w3: Web3) -> None:
    with pytest.raises(ValidationError, match="max_fee_per_gas: the ledger runs Berlin rules"):
        w3.eth.send_transaction({"to": STRANGER, "gas": 21_000, "maxFeePerGas": 1, "maxPriorityFeePerGas": 0})


def test_an_account_of_somebody_else_cannot_send(w3: Web3) -> None:
    with pytest.raises(ValidationError, match=f"from: {STRANGER} is no account"):
        w3.eth.send_transaction({"from": STRANGER, "to": STRANGER, "gas": 21_000})


def test_what_the_pool_refuses_keeps_its_reason(w3: Web3) -> None:
    with pytest.raises(ValidationError, match="insufficient funds"):
        w3.eth.send_transaction({"to": STRANGER, "gas": 21_000, "value": BALANCE + 1})
    w3.eth.send_transaction({"to": STRANGER, "gas": 21_000})
    with pytest.raises(ValidationError, match="nonce too low"):
        w3.eth.send_transaction({"to": STRANGER, "gas": 21_000, "nonce": 0, "value": 1})


def test_only_the_sealer_is_a_coinbase(tester: EthereumTester) -> None:
    with pytest.raises(ValidationError, match="coinbase: must be the ledger's sealer"):
        tester.mine_blocks(1, STRANGER)


def test_what_is_not_there_is_not_found(w3: Web3) -> None:
    with pytest.raises(BlockNotFound):
        w3.eth.get_block(7)
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction(b"\1" * 32)
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction_receipt(b"\1" * 32)


def test_a_custom_error_is_named_in_text_and_its_data_stays_with_the_tester(w3: Web3, tester: EthereumTester) -> None:
    at = deploy(w3, REVERT_WITH_DATA)
    data = artifact_error("FacilityExists", b"\7" * 32)
    with pytest.raises(TransactionFailed, match="execution reverted: FacilityExists") as told:
        w3.eth.call({"to": at, "data": data})
    assert len(told.value.args) == 1
    with pytest.raises(TransactionFailed) as raised:
        tester.call({"from": tester.get_accounts()[0], "to": at, "data": "0x" + data.hex()})
    assert raised.value.args[1] == data


def artifact_error(name: str, value: bytes) -> bytes:
    (error,) = [each for each in artifact("CreditBook").abi if each["type"] == "error" and each["name"] == name]
    assert [each["type"] for each in error["inputs"]] == ["bytes32"]
    return bytes(Web3.keccak(text=f"{name}(bytes32)")[:4]) + value


def test_a_panic_and_an_invalid_opcode_fail_by_name(w3: Web3) -> None:
    at = deploy(w3, REVERT_WITH_DATA)
    with pytest.raises(ContractPanicError, match="0x12"):
        w3.eth.call({"to": at, "data": bytes.fromhex("4e487b71") + word(0x12)})
    with pytest.raises(TransactionFailed, match="invalid opcode"):
        w3.eth.call({"to": deploy(w3, BURN)})


def test_a_contract_is_deployed_and_called_through_web3(w3: Web3) -> None:
    at = deploy(w3, STORE_WORD)
    sent = w3.eth.send_transaction({"to": at, "data": word(41)})
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    assert receipt["logs"][0]["topics"] == [word(41)]
    assert int.from_bytes(w3.eth.get_storage_at(at, 0), "big") == 41
    assert w3.eth.get_transaction(sent)["blockNumber"] == receipt["blockNumber"] == 2
    assert w3.eth.get_block(2, True)["transactions"][0]["hash"] == sent
    assert w3.eth.get_logs({"fromBlock": 0, "address": at})[0]["transactionHash"] == sent
    assert w3.eth.estimate_gas({"to": at, "data": word(41)}) < 60_000


def test_the_plain_provider_of_web3_serves_as_well(backend: EmbeddedBackend) -> None:
    w3 = Web3(EthereumTesterProvider(backend))
    assert w3.eth.get_code(deploy(w3, STORE_WORD)) == STORE_WORD


def test_the_provider_tells_the_chain_of_the_ledger(w3: Web3) -> None:
    assert (w3.eth.chain_id, w3.eth.gas_price, w3.net.version) == (CHAIN_ID, 0, str(CHAIN_ID))


def test_a_transaction_that_reverts_is_mined_as_refused(w3: Web3) -> None:
    at = deploy(w3, REVERT_WITH_DATA)
    sent = w3.eth.send_transaction({"to": at, "data": word(1), "gas": 100_000})
    assert w3.eth.wait_for_transaction_receipt(sent)["status"] == 0


def test_a_filter_hears_each_log_once(w3: Web3) -> None:
    at = deploy(w3, STORE_WORD)
    heard = w3.eth.filter({"address": at})
    w3.eth.send_transaction({"to": at, "data": word(5)})
    assert [bytes(each["data"]) for each in heard.get_new_entries()] == [word(5)]


def test_time_stands_but_for_a_second_a_block_and_travel(tester: EthereumTester) -> None:
    tester.mine_blocks(2)
    assert tester.get_block_by_number("latest")["timestamp"] == START + 2
    tester.time_travel(START + 86_400)
    tester.mine_block()
    assert tester.get_block_by_number("latest")["timestamp"] == START + 86_400
    with pytest.raises(ValidationError, match="backwards"):
        tester.time_travel(START)


def test_a_snapshot_brings_back_state_blocks_and_time(w3: Web3, backend: EmbeddedBackend) -> None:
    tester = w3.provider.ethereum_tester
    at = deploy(w3, STORE_WORD)
    snapshot = tester.take_snapshot()
    before = backend.chain.head.hash
    for _ in range(2):
        w3.eth.send_transaction({"to": at, "data": word(9)})
        assert int.from_bytes(w3.eth.get_storage_at(at, 0), "big") == 9
        tester.revert_to_snapshot(snapshot)
        assert backend.chain.head.hash == before
        assert (backend.time, int.from_bytes(w3.eth.get_storage_at(at, 0), "big")) == (START + 1, 0)


def test_a_reset_begins_with_block_0(tester: EthereumTester, backend: EmbeddedBackend) -> None:
    first = backend.chain.head.hash
    tester.mine_blocks(3)
    tester.reset_to_genesis()
    assert (backend.chain.head.number, backend.chain.head.hash) == (0, first)


def test_several_transactions_share_a_block(tester: EthereumTester, backend: EmbeddedBackend) -> None:
    for account in backend.get_accounts()[:3]:
        backend.send_transaction({"from": account, "to": bytes(20), "gas": 21_000})
    tester.mine_block()
    assert len(tester.get_block_by_number("latest")["transactions"]) == 3


def test_mining_by_hand_works_on_a_chain_with_a_small_id_alone(tmp_path: Path) -> None:
    for chain_id, mined in ((109, 2), (110, None)):
        backend = EmbeddedBackend(tmp_path / str(chain_id), chain_id=chain_id, start=START)
        tester = EthereumTester(backend, auto_mine_transactions=False)
        for account in tester.get_accounts()[:2]:
            tester.send_transaction({"from": account, "to": STRANGER, "gas": 21_000, "gas_price": 0})
        if mined is None:
            with pytest.raises(ValidationError, match="Value exceeds maximum"):
                tester.mine_block()
        else:
            tester.mine_block()
            assert len(tester.get_block_by_number(1)["transactions"]) == mined
        backend.close()


def test_the_blocks_are_those_that_the_served_ledger_makes(w3: Web3, backend: EmbeddedBackend, tmp_path: Path) -> None:
    at = deploy(w3, STORE_WORD)
    w3.eth.send_transaction({"to": at, "data": word(3)})
    w3.eth.send_transaction({"to": STRANGER, "value": 5, "gas": 21_000})
    clock = [0]
    other = EmbeddedChain(
        tmp_path / "other", backend.chain.genesis, LocalSigner(b"\x0b".rjust(32, b"\0")), clock=lambda: clock[0]
    )
    for number in range(1, 4):
        clock[0] = START + number
        (mined,) = backend.chain.store.block_transactions(number)
        other.accept(mined.raw)
        other.seal()
    assert other.head.hash == backend.chain.head.hash
    other.close()
