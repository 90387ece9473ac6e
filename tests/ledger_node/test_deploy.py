"""Deployment: in order, wired, once; and the file that says where."""

import json
from pathlib import Path

import pytest

from ledger_node import deploy
from ledger_node.abi import decode_result, encode_call, selector
from ledger_node.artifacts import names
from ledger_node.client import ChainClient
from ledger_node.deploy import Addresses, AddressesError, Deployed, DeployError, Terms
from ledger_node.hexvalues import address_hex
from ledger_node.keys import LocalSigner
from ledger_node.outbox import ActConflict, GasPolicy, Outbox

GOODS = b"\x06" * 32
FILE = Addresses(
    20590,
    b"\x01" * 32,
    GOODS,
    (Deployed("A", b"\x02" * 20, b"\x03" * 32, 7), Deployed("B", b"\x04" * 20, b"\x05" * 32, 8)),
)


def is_open_to_registrar(client: ChainClient, found: Addresses) -> bool:
    """Whether the last step of a deployment is done."""
    function = selector("ParticipantRegistry", "register")
    data = encode_call("ConsortiumAccess", "getTargetFunctionRole", found.address("ParticipantRegistry"), function)
    answer = client.call(found.address("ConsortiumAccess"), data)
    return decode_result("ConsortiumAccess", "getTargetFunctionRole", answer) == (deploy.REGISTRAR_ROLE,)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("format", "cangdan/addresses/2", "addresses.format"),
        ("chainId", "1", "addresses.chainId"),
        ("genesisHash", "0x", "addresses.genesisHash"),
        ("goodsKeyHash", "0x", "addresses.goodsKeyHash"),
        ("contracts", [], "addresses.contracts"),
        ("contracts", {"A": {"address": "0x" + "00" * 20, "block": 1}}, "addresses.contracts.A.codeHash: is missing"),
        ("contracts", {"A": 1}, "addresses.contracts.A: must be an object"),
        ("more", 1, "addresses.more: is unknown"),
    ],
)
def test_an_ill_formed_file_is_refused_by_name(field: str, value: object, rule: str) -> None:
    document = json.loads(deploy.dump_addresses(FILE))
    with pytest.raises(AddressesError, match=rule):
        deploy.parse_addresses(json.dumps({**document, field: value}).encode())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AddressesError, match="No such file"):
        deploy.load_addresses(tmp_path / "addresses.json")


def test_a_contract_that_the_file_does_not_know_is_refused() -> None:
    with pytest.raises(AddressesError, match="addresses.contracts.C: is missing"):
        FILE.address("C")
    assert FILE.name_of(b"\x09" * 20) is None


def test_what_is_written_reads_back() -> None:
    assert deploy.parse_addresses(deploy.dump_addresses(FILE)) == FILE
    assert FILE.name_of(FILE.address("B")) == "B"


def test_addresses_of_another_chain_are_refused(client: ChainClient) -> None:
    with pytest.raises(DeployError, match="of another chain"):
        deploy.check_in_place(client, FILE)


def test_a_deployment_that_had_no_money_goes_on_once_there_is_some(tmp_path: Path, anvil: str) -> None:
    client, signer = ChainClient(anvil), LocalSigner.generate()
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, policy=GasPolicy.of_chain(client))
    for _ in range(2):
        with pytest.raises(DeployError, match=r"create ConsortiumAccess: .*[Ii]nsufficient funds"):
            deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS)
    client.request("anvil_setBalance", address_hex(signer.address), hex(10**20))
    deploy.check_in_place(client, deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS))
    outbox.close()


def test_a_deployment_is_whole_wired_and_done_once(tmp_path: Path, client: ChainClient) -> None:
    signer, registrar = LocalSigner.generate(), LocalSigner.generate().address
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)
    told: list[tuple[int, int]] = []
    found = deploy.deploy(
        client,
        outbox,
        signer.address,
        goods_key_hash=GOODS,
        registrar=registrar,
        tell=lambda done, total, what: told.append((done, total)),
    )
    assert {each.name for each in found.contracts} == set(names())
    assert told[-1][0] == told[-1][1] == len(told)
    deploy.check_in_place(client, found)
    assert is_open_to_registrar(client, found)
    desk = client.call(found.address("ReceiptRegistry"), encode_call("ReceiptRegistry", "deskOf", 1))
    assert decode_result("ReceiptRegistry", "deskOf", desk) == (found.address("IssueDesk"),)

    sent = client.nonce(signer.address)
    assert deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS, registrar=registrar) == found
    assert client.nonce(signer.address) == sent
    terms = Terms(review_period=60)
    with pytest.raises(ActConflict):
        deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS, registrar=registrar, terms=terms)
    outbox.close()

    swapped = Deployed("HoldDesk", found.address("IssueDesk"), found.contracts[9].code_hash, 1)
    with pytest.raises(DeployError, match="HoldDesk: .* has other code"):
        deploy.check_in_place(client, Addresses(found.chain_id, found.genesis_hash, GOODS, (swapped,)))


def test_a_deployment_that_was_stopped_goes_on_where_it_was(tmp_path: Path, client: ChainClient) -> None:
    signer = LocalSigner.generate()
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer)

    def stop(done: int, total: int, what: str) -> None:
        if done == 5:
            raise InterruptedError(what)

    with pytest.raises(InterruptedError):
        deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS, tell=stop)
    outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite", client, signer)
    found = deploy.deploy(client, again, signer.address, goods_key_hash=GOODS)
    assert is_open_to_registrar(client, found)
    assert client.nonce(signer.address) == len(found.contracts) + 15
    again.close()


def test_the_same_contracts_stand_on_an_engine_with_fees(tmp_path: Path, anvil: str) -> None:
    client = ChainClient(anvil)
    signer = LocalSigner(bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
    outbox = Outbox(tmp_path / "outbox.sqlite", client, signer, policy=GasPolicy.of_chain(client))
    found = deploy.deploy(client, outbox, signer.address, goods_key_hash=GOODS)
    deploy.check_in_place(client, found)
    assert is_open_to_registrar(client, found)
    outbox.close()
