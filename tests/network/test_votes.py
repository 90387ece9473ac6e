"""The signers vote one of them out: what it seals then is refused. It stays out: this file is the last to need four."""

import json
from typing import Any

import pytest
from coincurve import PrivateKey

from api.runner.settling import wait_for
from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import verify_headers
from ledger_node.hexvalues import address_hex, read_data
from tests.ledger_node.consensus.chains import Block, encoded, keccak, text
from tests.network.clique import Network, Node, signing_key


@pytest.fixture(scope="module")
def out(network: Network) -> int:
    """The block at which signer 3 has no say any more."""
    _vote_out(network, network.nodes[3])
    return network.nodes[0].client.block_number()


def _vote_out(network: Network, who: Node) -> None:
    others = [each for each in network.nodes if each is not who]
    account = address_hex(who.signer.address)
    for node in others:
        node.client.request("clique_propose", account, False)

    def decided() -> bool:
        signers = others[0].client.request("clique_getSigners", "latest")
        return account.lower() not in signers

    wait_for(decided, f"a vote on {account}")
    for node in others:
        node.client.request("clique_discard", account)


def _blocks(network: Network) -> list[Block]:
    client = network.nodes[0].client
    return [dict(client.block_json(number)) for number in range(client.block_number() + 1)]


def _sealed_by(place: int, block: Block) -> Block:
    """The header with another signer's seal in the place of its own."""
    bare = read_data("extraData", block["extraData"])[:-65]
    seal = PrivateKey(signing_key(place)).sign_recoverable(keccak(encoded(block, bare)), hasher=None)
    return {**{name: value for name, value in block.items() if name != "hash"}, "extraData": text(bare + seal)}


def _said(network: Network, blocks: list[Block]) -> Any:
    return verify_headers(json.dumps({"headers": blocks}).encode(), read_genesis(network.genesis.read_bytes()))


def test_the_set_that_was_voted_for_is_followed(network: Network, out: int) -> None:
    network.wait_for_block(out + 2)
    said = _said(network, _blocks(network))
    assert said.ok
    assert network.nodes[3].signer.address not in said.followed.validators
    assert len(said.followed.validators) == 3


def test_a_header_that_a_past_signer_sealed_is_refused(network: Network, out: int) -> None:
    network.wait_for_block(out + 2)
    blocks = _blocks(network)
    said = _said(network, [*blocks[:-1], _sealed_by(3, blocks[-1])])
    assert said.failure is not None
    assert (said.failure.at, said.failure.step.value) == (len(blocks) - 1, "signer")
