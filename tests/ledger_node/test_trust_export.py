"""A trust file from a node of one's own, then used on that node's headers."""

from pathlib import Path

import pytest

from ledger_node.client import ChainClient
from ledger_node.consensus.run import Run
from ledger_node.deploy import Addresses, DeployError
from ledger_node.embedded.launch import LedgerProcess
from ledger_node.trust import TrustError, check_header, dump_trust, parse_trust
from ledger_node.trust_export import export_trust


def test_addresses_of_another_chain_are_refused(client: ChainClient) -> None:
    with pytest.raises(DeployError, match="another chain"):
        export_trust(client, Addresses(1, bytes(32), ()))


def test_a_sealer_that_did_not_seal_is_refused(client: ChainClient) -> None:
    with pytest.raises(TrustError, match="newest block"):
        export_trust(client, _none(client), sealer=b"\x01" * 20)


def test_a_chain_that_nobody_seals_must_be_pinned(anvil: str) -> None:
    client = ChainClient(anvil)
    with pytest.raises(TrustError, match="carry no seal"):
        export_trust(client, _none(client))
    trust = export_trust(client, _none(client), pins=(client.block_number(),))
    newest = client.block(trust.pinned[0].number)
    assert check_header(Run(newest.header), None, trust) == newest.hash


def test_the_exported_file_believes_the_ledger(
    client: ChainClient, plain_ledger: LedgerProcess, tmp_path: Path
) -> None:
    trust = parse_trust(dump_trust(export_trust(client, _none(client))))
    assert trust.sealer == plain_ledger.genesis.sealer
    newest = client.block()
    assert check_header(Run(newest.header), newest.seal, trust) == newest.hash


def _none(client: ChainClient) -> Addresses:
    return Addresses(client.chain_id(), client.block(0).hash, ())
