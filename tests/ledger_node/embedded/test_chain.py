"""The chain without a server: who may open it, what a block is, and that acceptance outlives the process."""

import subprocess
import sys
from dataclasses import replace
from itertools import count

import pytest

from ledger_node.embedded.chain import EmbeddedChain
from ledger_node.embedded.errors import LedgerLocked, LedgerMismatch, PoolError, PoolRule
from ledger_node.embedded.provider import chain_in_directory
from ledger_node.embedded.rpc.formats import block_json
from ledger_node.genesis import Genesis, Prefund, genesis_digest
from ledger_node.headers import check_seal, read_header
from ledger_node.keys import LocalSigner
from tests.ledger_node.embedded.chain_kit import BURN, STORE_WORD, creation, new_person, word


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def key():
    return LocalSigner.generate()


@pytest.fixture
def genesis(key):
    return Genesis(20590, key.address)


def test_a_second_process_is_refused_by_name(chain, tmp_path):
    code = (
        "import sys, pathlib\n"
        "from ledger_node.embedded.provider import chain_in_directory\n"
        "chain_in_directory(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger")], capture_output=True, text=True)
    assert "LedgerLocked" in done.stderr
    assert "has this ledger open" in done.stderr


def test_the_same_process_cannot_open_it_twice(chain, tmp_path):
    with pytest.raises(LedgerLocked):
        chain_in_directory(tmp_path / "ledger")


@pytest.mark.parametrize("change", [{"chain_id": 7}, {"gas_limit": 2_000_000}, {"alloc": (Prefund(b"\1" * 20, 1),)}])
def test_another_genesis_is_refused(tmp_path, key, genesis, change):
    EmbeddedChain(tmp_path, genesis, key).close()
    with pytest.raises(LedgerMismatch, match="another genesis"):
        EmbeddedChain(tmp_path, replace(genesis, **change), key)


def test_a_refused_opening_leaves_the_directory_free(tmp_path, key, genesis):
    EmbeddedChain(tmp_path, genesis, key).close()
    with pytest.raises(LedgerMismatch):
        EmbeddedChain(tmp_path, replace(genesis, chain_id=7), key)
    EmbeddedChain(tmp_path, genesis, key).close()


def test_another_sealer_key_is_refused(tmp_path, genesis):
    with pytest.raises(LedgerMismatch, match="not that of the genesis"):
        EmbeddedChain(tmp_path, genesis, LocalSigner.generate())


def test_refused_transactions_leave_nothing(chain):
    with pytest.raises(PoolError):
        chain.accept(new_person().sign(gas=1))
    assert chain.store.pending() == []


def test_what_waits_of_one_sender_may_not_cost_more_than_it_has(tmp_path):
    person = new_person()
    chain = chain_in_directory(tmp_path, alloc=(Prefund(bytes.fromhex(person.address[2:]), 10),))
    chain.accept(person.sign(nonce=1, value=6))
    with pytest.raises(PoolError) as caught:
        chain.accept(person.sign(nonce=0, value=5))
    assert caught.value.rule == PoolRule.FUNDS
    chain.close()


def test_an_accepted_transaction_survives_reopening(tmp_path, key, genesis):
    person = new_person()
    chain = EmbeddedChain(tmp_path, genesis, key)
    accepted = [chain.accept(person.sign(nonce=nonce)) for nonce in (1, 0)]
    chain.close()
    chain = EmbeddedChain(tmp_path, genesis, key)
    sealed = chain.seal()
    assert [each.hash for each in sealed.transactions] == accepted[::-1]
    assert chain.store.pending() == []
    chain.close()


def test_reopening_shows_the_same_head(tmp_path, key, genesis):
    chain = EmbeddedChain(tmp_path, genesis, key)
    chain.accept(new_person().sign(data=creation(STORE_WORD)))
    head = chain.seal().block
    chain.close()
    chain = EmbeddedChain(tmp_path, genesis, key)
    assert chain.head == head
    assert chain.seal().block.header.parent_hash == head.hash
    chain.close()


def test_block_zero_binds_the_genesis_file(tmp_path, key, genesis):
    chain = EmbeddedChain(tmp_path, genesis, key)
    assert chain.head.header.extra_data == genesis_digest(genesis)
    chain.close()


def test_every_block_is_sealed_over_the_hash_that_a_verifier_computes(chain):
    chain.accept(new_person().sign())
    for block in (chain.head, chain.seal().block):
        header = read_header(block_json(block, None))
        assert header.hash() == block.hash
        check_seal(block.hash, block.seal, chain.genesis.sealer)


def test_time_never_goes_back_and_may_stand_still(tmp_path):
    clock = Clock(1_000.9)
    chain = chain_in_directory(tmp_path, clock=clock)
    assert [chain.seal().block.header.timestamp for _ in range(2)] == [1_000, 1_000]
    clock.now = 500
    assert chain.seal().block.header.timestamp == 1_000
    chain.close()


def test_the_gas_limit_is_held(chain):
    chain.accept(new_person().sign(data=creation(BURN), gas=29_000_000))
    assert {chain.seal().block.header.gas_limit for _ in range(5)} == {30_000_000}


def test_a_block_is_never_over_its_gas_limit(chain):
    people = [new_person() for _ in range(4)]
    for person in people:
        chain.accept(person.sign(data=BURN, gas=10_000_000))
    assert [len(chain.seal().transactions) for _ in range(2)] == [3, 1]


def test_a_block_ends_when_its_budget_is_over_and_without_one_holds_all_that_waits(chain, monkeypatch):
    for budget, blocks in (({"budget": 1.0}, [1, 1, 1]), ({}, [3, 0, 0])):
        for person in [new_person() for _ in range(3)]:
            chain.accept(person.sign())
        with monkeypatch.context() as slow:
            slow.setattr("ledger_node.embedded.chain.time.monotonic", count(0, 100).__next__)
            assert [len(chain.seal(**budget).transactions) for _ in range(3)] == blocks


def test_without_work_no_block_is_made_unless_asked(chain):
    assert chain.seal(empty=False) is None
    assert chain.seal().block.number == 1


def test_an_untouched_sealer_has_no_account(chain):
    before = chain.head.header.state_root
    assert chain.seal().block.header.state_root == before


def test_fees_that_are_offered_go_to_the_sealer(tmp_path):
    person = new_person()
    chain = chain_in_directory(tmp_path, alloc=(Prefund(bytes.fromhex(person.address[2:]), 10**18),))
    chain.accept(person.sign(gasPrice=3, gas=53_000))
    chain.seal()
    assert chain.pending_nonce(bytes.fromhex(person.address[2:])) == 1
    state = chain.store.state()
    from eth.db.account import AccountDB

    assert AccountDB(state, chain.head.header.state_root).get_balance(chain.genesis.sealer) == 3 * 53_000
    chain.close()


def test_what_cannot_run_in_its_turn_is_refused_by_name_with_a_receipt(tmp_path, key, genesis):
    person = new_person()
    chain = EmbeddedChain(tmp_path, genesis, key)
    accepted = chain.accept(person.sign(nonce=0))
    entry = chain.pending(accepted)
    poisoned = replace(entry, transaction=entry.transaction.copy(value=1))
    chain._pool.remove([accepted])
    chain._pool.restore(poisoned, 0)
    sealed = chain.seal()
    assert sealed.transactions == ()
    found = chain.store.refused(accepted)
    assert "does not have enough balance" in found.reason
    assert chain.store.pending() == []
    chain.close()


def test_listeners_hear_of_a_block_after_its_commit(chain):
    heard = []
    chain.listen(lambda sealed: heard.append((sealed.block.number, chain.store.head().number)))
    chain.seal()
    assert heard == [(1, 1)]


def test_sums_of_blocks_are_those_of_their_transactions(chain):
    person = new_person()
    chain.accept(person.sign(data=creation(STORE_WORD)))
    contract = chain.seal().transactions[0].contract
    for nonce in (1, 2):
        chain.accept(person.sign(nonce=nonce, to=contract, data=word(nonce)))
    sealed = chain.seal()
    assert sealed.block.header.gas_used == sum(each.gas_used for each in sealed.transactions)
    assert [log.index for log in sealed.logs] == [0, 1]
    assert sealed.block == chain.store.block_by_number(2)
    assert list(sealed.transactions) == chain.store.block_transactions(2)
