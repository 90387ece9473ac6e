"""Genesis files of a plan: byte for byte alike wherever they are made, and what headers are followed from."""

import json

import pytest

from ledger_node.consensus.genesis_file import read_genesis
from ledger_node.consensus.header_file import verify_headers
from ledger_node.consensus.rules import Client
from ledger_node.networks.engines import Engine
from ledger_node.networks.qbft import genesis_extra, genesis_file, network_files, peers_file
from tests.ledger_node.consensus.chains import QbftChain, address, by_address, encoded, keccak, raw, text
from tests.ledger_node.networks.plans import document, parsed
from tests.ledger_node.vectors import QBFT

CHANGED = {"chainId": 8, "blockPeriodSeconds": 2, "epochLength": 9, "requestTimeoutSeconds": 5, "gasLimit": 20_000_000}


def test_the_extra_data_is_that_of_live_validators() -> None:
    listed = [raw(each) for each in QBFT["validators_from_block"]["0"]]
    assert text(genesis_extra(reversed(listed))) == QBFT["genesis"]["extraData"]


def test_the_extra_data_is_as_written_by_hand() -> None:
    a, b, c, d = (bytes([each]) * 20 for each in (1, 2, 3, 4))
    item = b"\x94"  # a string of 20 bytes
    listed = item + a + item + b + item + c + item + d
    by_hand = b"\xf8\x7a" + b"\xa0" + bytes(32) + b"\xf8\x54" + listed + b"\xc0\x80\xc0"
    assert genesis_extra([c, a, d, b]) == by_hand


def test_a_genesis_file_is_as_written_by_hand() -> None:
    forks = ["homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg"]
    found = json.loads(genesis_file(parsed(document(1, 2, 3, 4, 5)), Engine.GOQUORUM))
    extra = found.pop("extraData")
    assert all(address(each).hex() in extra for each in (1, 2, 3, 4, 5))
    assert found == {
        "config": {
            "chainId": 7,
            **{f"{fork}Block": 0 for fork in (*forks, "istanbul", "berlin")},
            "isQuorum": True,
            "qbft": {
                "epochlength": 30_000,
                "blockperiodseconds": 1,
                "requesttimeoutseconds": 4,
                "policy": 0,
                "ceil2Nby3Block": 0,
                "maxRequestTimeoutSeconds": 8,
            },
        },
        "nonce": "0x0",
        "timestamp": "0x0",
        "gasLimit": "0x1c9c380",
        "difficulty": "0x1",
        "mixHash": "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365",
        "coinbase": "0x" + "00" * 20,
        "alloc": {},
    }


def test_besu_is_told_nothing_that_is_goquorums() -> None:
    config = json.loads(genesis_file(parsed(document()), Engine.BESU))["config"]
    assert "isQuorum" not in config
    assert list(config["qbft"]) == ["epochlength", "blockperiodseconds", "requesttimeoutseconds"]


@pytest.mark.parametrize("engine", Engine)
def test_the_order_in_which_members_stand_changes_nothing(engine: Engine) -> None:
    expected = network_files(parsed(document(1, 2, 3, 4, 5)), engine)
    for order in ([5, 4, 3, 2, 1], [2, 3, 4, 5, 1], [4, 1, 5, 2, 3]):
        assert network_files(parsed(document(*order)), engine) == expected


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_each_rule_changes_the_genesis_file(name: str) -> None:
    plan = document(requestTimeoutSeconds=4)
    before, after = (genesis_file(parsed(each), Engine.BESU) for each in (plan, {**plan, name: CHANGED[name]}))
    assert before != after


def test_peers_are_all_validators_alike_for_each() -> None:
    enodes = json.loads(peers_file(parsed(document())))
    assert [each.split("@")[1] for each in enodes] == [
        f"10.0.0.{each}:30303?discport=0" for each in by_address(1, 2, 3, 4)
    ]


@pytest.mark.parametrize(("engine", "client"), [(Engine.BESU, Client.BESU), (Engine.GOQUORUM, Client.GOQUORUM)])
def test_headers_are_followed_from_the_genesis_file(engine: Engine, client: Client) -> None:
    file = genesis_file(parsed(document(epochLength=8)), engine)
    rules = read_genesis(file)
    assert (rules.client, rules.epoch, rules.chain_id, rules.london) == (client, 8, 7, None)
    outcome = verify_headers(sealed(json.loads(file), 10).file(), rules)
    assert outcome.failure is None, outcome.failure
    assert outcome.checked == 11
    assert outcome.followed is not None
    assert outcome.followed.validators == tuple(address(each) for each in by_address(1, 2, 3, 4))


def sealed(genesis: dict[str, str], count: int) -> QbftChain:
    """Blocks that the plan's validators seal on a genesis file's block 0."""
    chain = QbftChain(1, 2, 3, 4)
    block = {**chain.head, **{name: genesis[name] for name in ("timestamp", "gasLimit", "extraData")}}
    chain.blocks = [{**block, "hash": text(keccak(encoded(block, raw(block["extraData"]))))}]
    return chain.rounds(count)
