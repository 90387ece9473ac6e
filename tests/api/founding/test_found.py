"""Founding a consortium on the embedded ledger."""

import shutil
from pathlib import Path

import pytest

from api.founding.found import found, open_accounts
from api.founding.operator import Entrant, FoundingError
from api.goods_key import GoodsKeyError
from ledger_node.deploy import AddressesError, DeployError, dump_addresses, load_addresses
from ledger_node.keys import KeyFileError
from tests.api.founding.conftest import Founded, on


def copy_of(founded: Founded, folder: Path) -> Path:
    """The keys and addresses of the consortium in another state directory."""
    shutil.copytree(founded.home / "keys", folder / "keys")
    shutil.copy(founded.settings.contracts.addresses_file, folder)
    return folder


def sent(founded: Founded) -> int:
    return founded.client.nonce(open_accounts(founded.settings).operator.address)


def test_a_key_file_that_others_may_read_is_refused(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    (home / "keys" / "oracle-2.json").chmod(0o640)
    with pytest.raises(KeyFileError, match=r"oracle-2\.json: is open to group or others; run chmod 600"):
        found(on(founded.settings.ledger.rpc_url, home))


def test_a_passphrase_file_that_others_may_read_is_refused(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    (home / "keys" / "operator.pass").chmod(0o604)
    with pytest.raises(KeyFileError, match=r"operator\.pass: is open to group or others"):
        found(on(founded.settings.ledger.rpc_url, home))


def test_an_addresses_file_of_another_chain_is_refused(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    text = (home / "addresses.json").read_text()
    genesis = "0x" + founded.addresses.genesis_hash.hex()
    (home / "addresses.json").write_text(text.replace(genesis, "0x" + 32 * "ab"))
    with pytest.raises(DeployError, match="addresses: are of another chain"):
        found(on(founded.settings.ledger.rpc_url, home))


def test_an_addresses_file_that_is_broken_is_refused_and_stays(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    (home / "addresses.json").write_text("{}")
    with pytest.raises(AddressesError, match=r"addresses\.format: is missing"):
        found(on(founded.settings.ledger.rpc_url, home))
    assert (home / "addresses.json").read_text() == "{}"


@pytest.mark.parametrize("key", [None, bytes(32)])
def test_a_founded_consortium_is_not_given_another_goods_key(
    founded: Founded, tmp_path: Path, key: bytes | None
) -> None:
    home = copy_of(founded, tmp_path)
    (home / "keys" / "goods").unlink()
    if key is not None:
        (home / "keys" / "goods").write_bytes(key)
    with pytest.raises(GoodsKeyError, match="keys/goods: "):
        found(on(founded.settings.ledger.rpc_url, home))
    assert (home / "keys" / "goods").exists() == (key is not None)


def test_a_refused_act_is_named_with_the_contracts_error(founded: Founded) -> None:
    operator = founded.operator()
    try:
        with pytest.raises(FoundingError, match=r"AttestationHub\.setOracles: OracleSetSize"):
            operator.set_oracles(list(open_accounts(founded.settings).oracles), 2)
        with pytest.raises(FoundingError, match=r"ParticipantRegistry\.register: "):
            operator.register([Entrant("bank", "5299000J2N45DDNE4Y28", bytes(20))])
    finally:
        operator.outbox.close()


def test_a_founded_consortium_is_left_as_it_is(founded: Founded) -> None:
    before, written = sent(founded), founded.settings.contracts.addresses_file.stat()
    assert found(founded.settings) == founded.addresses
    assert sent(founded) == before
    assert founded.settings.contracts.addresses_file.stat().st_ino == written.st_ino


def test_founding_goes_on_where_it_was_stopped(founded: Founded) -> None:
    before = sent(founded)
    founded.settings.contracts.addresses_file.unlink()
    assert found(founded.settings) == founded.addresses
    assert sent(founded) == before
    assert dump_addresses(load_addresses(founded.settings.contracts.addresses_file)) == dump_addresses(
        founded.addresses
    )


def test_an_entity_is_registered_once_however_often_it_is_asked_for(founded: Founded) -> None:
    operator, oracles = founded.operator(), open_accounts(founded.settings).oracles
    keeper = Entrant("keeper", "91330200MA2CJ0KX4T", oracles[0])
    try:
        first = operator.register([keeper, Entrant("bank", "30030053H8GJQDL6T961", oracles[1])])
        before = sent(founded)
        again = [*operator.register([keeper]), first[1]]
    finally:
        operator.outbox.close()
    assert (first, sent(founded)) == (again, before)
