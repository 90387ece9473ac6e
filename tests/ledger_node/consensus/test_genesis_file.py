"""Genesis files as anchors: of every engine, block 0 computed, and what cannot be followed refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger_node.consensus.genesis_file import embedded_genesis, read_genesis
from ledger_node.consensus.rules import Client, Consensus, Period
from ledger_node.embedded.provider import chain_in_directory
from ledger_node.genesis import Genesis, GenesisError, Prefund, dump_genesis
from ledger_node.hexvalues import data_hex
from tests.ledger_node.consensus.chains import CliqueChain, QbftChain, address, text
from tests.ledger_node.vectors import QBFT

A = "0x" + "01" * 20


def given(genesis: dict[str, Any], **config: Any) -> bytes:
    return json.dumps({**genesis, "config": {**genesis["config"], **config}}).encode()


QBFT_GENESIS = QbftChain(1, 2, 3, 4).genesis
CLIQUE_GENESIS = CliqueChain(1, 2, 3, 4).genesis


@pytest.mark.parametrize("whole", [True, False])
def test_a_live_qbft_genesis_gives_block_0_alone_and_within_the_file_that_holds_it(whole: bool) -> None:
    rules = read_genesis(json.dumps(QBFT if whole else QBFT["genesis"]).encode())
    assert data_hex(rules.genesis_hash) == QBFT["headers"][0]["hash"]
    assert (rules.consensus, rules.client) == (Consensus.QBFT, Client.GOQUORUM)
    assert (rules.chain_id, rules.epoch, rules.period(9)) == (2173, 60, 1)


@pytest.mark.parametrize("text_", [b"", b"[]", b"{}", b'{"config": 1}', b'{"config": {}, "config": {}}', b"\xff"])
def test_what_is_no_genesis_file_is_refused(text_: bytes) -> None:
    with pytest.raises(GenesisError):
        read_genesis(text_)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_genesis_file_in_another_encoding_than_utf_8_is_refused(encoding: str) -> None:
    with pytest.raises(GenesisError, match="not a JSON object"):
        read_genesis(json.dumps(QBFT_GENESIS).encode(encoding))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_in_json_is_refused_wherever_it_stands(number: float) -> None:
    with pytest.raises(GenesisError, match="is no number"):
        read_genesis(json.dumps({**QBFT_GENESIS, "comment": number}).encode())


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        ({"qbft": {"validatorContractAddress": A}}, "validatorcontractaddress: validators are chosen by a contract"),
        ({"qbft": {"validatorselectionmode": "contract"}}, "validatorselectionmode: validators are chosen"),
        ({"transitions": [{"block": 9, "validatorselectionmode": "contract"}]}, "transitions.0..*chosen by a contract"),
        ({"transitions": {"qbft": [{"block": 9, "validatorContractAddress": A}]}}, "transitions.0..*by a contract"),
        ({"transitions": [{"block": 9, "epochLength": 5}]}, "transitions.0..epochlength"),
        ({"transitions": [{"block": 9, "algorithm": "qbft"}]}, "transitions.0..algorithm"),
        ({"transitions": [{"validators": [A]}]}, "transitions.0..block: is missing"),
        ({"transitions": [{"block": 9, "validators": A}]}, "transitions.0..validators: must be a list"),
        ({"transitions": [{"block": 9}, {"block": 8}]}, "not in the order"),
        ({"transitions": 5}, "config.transitions"),
        ({"transitions": [{"block": 9, "2FPlus1Enabled": True}]}, "transitions.0..2FPlus1Enabled"),
        ({"transitions": [{"block": 8}, {"block": 9, "validators": [A]}]}, "transitions.1..validators: GoQuorum takes"),
        ({"qbft": {"ceil2Nby3Block": 100}}, "qbft.ceil2Nby3Block: 2F . 1 seals are enough"),
        ({"qbft": {"startBlock": 5}}, "begins after block 0"),
        ({"testQBFTBlock": 5}, "begins after block 0"),
        ({"qbft": {"epochLength": "x"}}, "qbft.epoch"),
        ({"qbft": None}, "names no consensus"),
        ({"qbft": None, "ibft2": {}}, "names no consensus"),
        ({"clique": {}}, "has qbft and clique"),
        ({"chainId": None}, "config.chainId: is missing"),
        ({"chainId": True}, "config.chainId"),
        ({"CHAINID": 99}, "config.CHAINID: stands twice"),
        ({"qbft": {"epochLength": 9, "epochlength": 8}}, "config.qbft.epochlength: stands twice"),
        ({"transitions": [{"block": 9, "Block": 8}]}, "config.transitions.0..Block: stands twice"),
    ],
)
def test_a_setting_by_which_headers_cannot_be_followed_is_refused_by_name(config: dict[str, Any], rule: str) -> None:
    with pytest.raises(GenesisError, match=rule):
        read_genesis(given(QBFT_GENESIS, **config))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("alloc", None, "alloc: must be an object"),
        ("alloc", {"0x01": {}}, "alloc.0x01"),
        ("alloc", {A: {}, A[2:]: {}}, "stands twice"),
        ("alloc", {A: {"balance": "1.5"}}, "balance"),
        ("alloc", {A: {"code": "0x0"}}, "code"),
        ("alloc", {A: {"storage": []}}, None),
        ("alloc", {A: {"storage": [1]}}, "storage"),
        ("alloc", {A: {"balance": "1", "BALANCE": "2"}}, "alloc.*BALANCE: stands twice"),
        ("alloc", {A: {"balance": "1" * 4400}}, "balance: must be a number of at most 256 bits"),
        ("alloc", {A: {"balance": str(2**256)}}, "balance: must be a number of at most 256 bits"),
        ("alloc", {A: {"balance": "0" * 4400 + str(2**256 - 1)}}, None),
        ("alloc", {A: {"storage": {"0x1": "1", "0x01": "2"}}}, "storage.0x01: stands twice"),
        ("alloc", {A: {"storage": {"a": "0", "A": "0"}}}, "storage.A: stands twice"),
        ("gasLimit", "9" * 4400, "gasLimit: must be a number of at most 63 bits"),
        ("gasLimit", "0x" + "9" * 4400, "gasLimit: must be a number of at most 63 bits"),
        ("GASLIMIT", "0x1", "GASLIMIT: stands twice"),
        ("gasLimit", None, "gasLimit: is missing"),
        ("difficulty", "0xg", "difficulty"),
        ("extraData", "0x0", "extraData"),
        ("mixHash", "0x00", "mixHash"),
        ("mixHash", "0x" + "00" * 32, "mixHash: is not that of QBFT"),
        ("nonce", 2**64, "nonce"),
        ("timestamp", 2**48, "timestamp: must be a number of at most 48 bits"),
    ],
)
def test_an_ill_formed_field_is_refused_by_name(name: str, value: object, rule: str | None) -> None:
    changed = json.dumps({**QBFT_GENESIS, name: value}).encode()
    if rule is None:
        assert read_genesis(changed).chain_id == 7
        return
    with pytest.raises(GenesisError, match=rule):
        read_genesis(changed)


@pytest.mark.parametrize("asked", [Consensus.CLIQUE, Consensus.EMBEDDED])
def test_a_file_of_another_consensus_than_asked_for_is_refused(asked: Consensus) -> None:
    with pytest.raises(GenesisError, match=f"is of qbft, not of {asked}"):
        read_genesis(json.dumps(QBFT_GENESIS).encode(), asked)


def test_names_are_read_in_any_case_and_periods_change_where_the_file_says() -> None:
    rules = read_genesis(
        given(
            QBFT_GENESIS,
            qbft={"EPOCHLENGTH": 9, "blockPeriodSeconds": 3},
            transitions=[{"block": 10, "validators": [text(address(1))], "blockperiodseconds": 7}, {"block": 12}],
        )
    )
    assert (rules.epoch, rules.periods) == (9, (Period(0, 3), Period(10, 7), Period(12, 7)))
    assert [rules.period(number) for number in (0, 9, 10, 99)] == [3, 3, 7, 7]
    assert rules.set_from(11) == (address(1),)
    assert rules.set_from(10) is None


@pytest.mark.parametrize(("is_quorum", "periods"), [(True, (5, 5, 3, 3)), (False, (0, 0, 3, 0))])
def test_a_period_of_0_is_none_given_to_goquorum_and_5_seconds_are_its_own(
    is_quorum: bool, periods: tuple[int, ...]
) -> None:
    changes = [{"block": 5}, {"block": 9, "blockperiodseconds": 3}, {"block": 12, "blockperiodseconds": 0}]
    transitions = changes if is_quorum else {"qbft": changes}
    rules = read_genesis(
        given(QBFT_GENESIS, isQuorum=is_quorum, qbft={"blockPeriodSeconds": 0}, transitions=transitions)
    )
    assert tuple(rules.period(number) for number in (0, 5, 9, 12)) == periods
    assert read_genesis(given(QBFT_GENESIS, isQuorum=is_quorum, qbft={})).period(1) == (5 if is_quorum else 1)


def test_later_forks_at_block_0_are_in_its_header() -> None:
    rules = read_genesis(given(QBFT_GENESIS, isQuorum=False, londonBlock=0, shanghaiTime=0, cancunTime=0))
    genesis = rules.genesis
    assert genesis is not None
    assert rules.client is Client.BESU
    assert genesis.base_fee_per_gas == 10**9
    assert genesis.withdrawals_root is not None
    assert (genesis.blob_gas_used, genesis.excess_blob_gas) == (0, 0)
    assert (
        read_genesis(given({**QBFT_GENESIS, "baseFeePerGas": "0x0"}, londonBlock=0)).genesis_hash != rules.genesis_hash
    )


def test_a_clique_genesis_with_geths_names_and_besus() -> None:
    one = read_genesis(given(CLIQUE_GENESIS, clique={"period": 5, "epoch": 30}))
    other = read_genesis(given(CLIQUE_GENESIS, clique={"blockperiodseconds": 5, "epochlength": 30}))
    assert one == other
    assert (one.client, one.period(3), one.epoch) == (Client.GETH, 5, 30)
    assert read_genesis(given(CLIQUE_GENESIS, clique={"period": 0, "epoch": 0})).epoch == 30_000


def test_block_0_of_an_embedded_ledger_is_computed_as_the_ledger_does(tmp_path: Path) -> None:
    chain = chain_in_directory(tmp_path / "ledger")
    rules = read_genesis(dump_genesis(chain.genesis))
    block_0 = chain.store.block_by_number(0)
    assert block_0 is not None
    assert rules.genesis_hash == block_0.hash
    assert (rules.consensus, rules.sealer) == (Consensus.EMBEDDED, chain.genesis.sealer)
    chain.close()
    funded = Genesis(1, b"\x01" * 20, alloc=(Prefund(b"\x02" * 20, 5),))
    assert embedded_genesis(funded).state_root != embedded_genesis(Genesis(1, b"\x01" * 20)).state_root
