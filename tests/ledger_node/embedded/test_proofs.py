"""eth_getProof against the strict verifier, which shares no code with the trie that made the proofs."""

import pytest
from eth_account import Account as Signer

from ledger_node.embedded.reads import prove
from ledger_node.proofs import NO_ACCOUNT, Account, ProofError, verify_account, verify_slot
from tests.ledger_node.embedded.chain_kit import STORE_WORD, creation, new_person, word

STORE_AT = bytes.fromhex("60203560003555" + "00")
"""Stores the second word of its data at the slot that the first names."""
SLOTS = [*range(40), 2**255, 2**256 - 1]


@pytest.fixture
def contract(chain):
    person = new_person()
    chain.accept(person.sign(data=creation(STORE_AT)))
    address = chain.seal().transactions[0].contract
    for nonce, slot in enumerate(SLOTS, 1):
        chain.accept(person.sign(nonce=nonce, to=address, data=word(slot) + word(slot % 7 or 2**200)))
    for _ in range(60):
        chain.accept(new_person().sign())
    chain.seal()
    return address


def checked(chain, header, address, slots):
    proof = prove(chain.store, header, address, slots)
    account = verify_account(header.state_root, address, proof.nodes)
    assert account == Account(proof.nonce, proof.balance, proof.storage_root, proof.code_hash)
    values = [verify_slot(proof.storage_root, each.slot, each.nodes) for each in proof.storage]
    assert values == [each.value for each in proof.storage]
    return account, values


def test_every_slot_is_proved(chain, contract):
    account, values = checked(chain, chain.head.header, contract, tuple(SLOTS))
    assert values == [slot % 7 or 2**200 for slot in SLOTS]
    assert account.nonce == 1


def test_empty_slots_are_proved_empty(chain, contract):
    assert checked(chain, chain.head.header, contract, tuple(range(1_000, 1_040)))[1] == [0] * 40


def test_absent_accounts_are_proved_absent(chain, contract):
    for number in range(40):
        account, values = checked(chain, chain.head.header, number.to_bytes(20, "big"), (1,))
        assert (account, values) == (NO_ACCOUNT, [0])


def test_an_old_block_proves_its_own_state(chain, contract):
    old = chain.store.block_by_number(1).header
    assert checked(chain, old, contract, (1,))[1] == [0]


def test_the_proof_of_one_block_fails_at_another(chain, contract):
    old = chain.store.block_by_number(1).header
    nodes = prove(chain.store, chain.head.header, contract, ()).nodes
    with pytest.raises(ProofError):
        verify_account(old.state_root, contract, nodes)


def test_web3_reads_the_same_proof(w3, person):
    address = person.deploy(w3, STORE_WORD)
    person.send(w3, to=address, data=word(9))
    answer = w3.eth.get_proof(address, [0])
    root = bytes(w3.eth.get_block("latest")["stateRoot"])
    verify_account(root, bytes.fromhex(address[2:]), [bytes(node) for node in answer["accountProof"]])
    (slot,) = answer["storageProof"]
    assert verify_slot(bytes(answer["storageHash"]), 0, [bytes(node) for node in slot["proof"]]) == 9
    assert w3.eth.get_proof(Signer.create().address, [])["balance"] == 0
