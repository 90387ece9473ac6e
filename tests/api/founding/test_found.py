"""Founding a consortium on the embedded ledger."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from api.founding.found import found, open_accounts, set_oracles
from api.founding.operator import Entrant, FoundingError, Panel, identifier_hash
from api.goods_key import GoodsKeyError, make_goods_key
from api.settings import Settings
from ledger_node.abi import encode_call
from ledger_node.client import ChainClient
from ledger_node.deploy import AddressesError, DeployError, deploy, dump_addresses, load_addresses
from ledger_node.embedded.launch import running_ledger
from ledger_node.hexvalues import address_hex
from ledger_node.keys import KeyFileError
from ledger_node.outbox import Outbox, Status
from registry.goods import goods_key_hash
from tests.api.founding.conftest import Founded, on


def copy_of(founded: Founded, folder: Path) -> Path:
    """The keys and addresses of the consortium in another state directory."""
    shutil.copytree(founded.home / "keys", folder / "keys")
    shutil.copy(founded.settings.contracts.addresses_file, folder)
    return folder


def sent(founded: Founded) -> int:
    return founded.client.nonce(open_accounts(founded.settings).operator.address)


def cut_at(step: int | None) -> Callable[..., None]:
    """Stands for a kill: at a step of the deployment, or (None) as soon as it is called."""

    def cut(*told: object) -> None:
        if step is None or told[0] == step:
            raise InterruptedError

    return cut


def test_a_key_file_that_others_may_read_is_refused(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    (home / "keys" / "oracle-2.json").chmod(0o640)
    with pytest.raises(KeyFileError, match=r"oracle-2\.json: is open to group or others; run chmod 600"):
        found(on(founded.settings.ledger.rpc_url, home))


def test_a_passphrase_file_that_others_may_read_is_refused(founded: Founded, tmp_path: Path) -> None:
    home = copy_of(founded, tmp_path)
    (home / "addresses.json").unlink()
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


def test_a_panel_that_stands_is_not_named_again_and_not_changed(founded: Founded, tmp_path: Path) -> None:
    operator, panel = founded.operator(), Panel(7, 1, (3, 2))
    operator.set_panels([panel])
    operator.outbox.close()
    before = sent(founded)
    outbox = Outbox(tmp_path / "new.sqlite", founded.client, open_accounts(founded.settings).operator)
    operator = replace(operator, outbox=outbox)
    try:
        operator.set_panels([panel])
        with pytest.raises(FoundingError, match=r"ReviewBoard\.setPanel: PanelTaken"):
            operator.set_panels([replace(panel, required=2)])
    finally:
        operator.outbox.close()
    assert sent(founded) == before


def test_an_act_that_the_chain_refused_can_be_asked_for_again(founded: Founded) -> None:
    operator, account = founded.operator(), open_accounts(founded.settings).oracles[2]
    entrant = Entrant("insurer", "9131000071785090XM", account)
    tag = identifier_hash(entrant.identifier)
    registry = operator.addresses["ParticipantRegistry"]
    wrong = encode_call("ParticipantRegistry", "register", 0, tag, account)
    try:
        operator.outbox.submit(f"register/{tag.hex()}", registry, wrong, gas=500_000)
        assert operator.outbox.wait(f"register/{tag.hex()}").status is Status.REFUSED
        assert operator.register([entrant]) != [0]
    finally:
        operator.outbox.close()


def test_a_founded_consortium_is_left_as_it_is(founded: Founded) -> None:
    before, written = sent(founded), founded.settings.contracts.addresses_file.stat()
    founding = found(founded.settings)
    assert (founding.addresses, founding.oracles.epoch, founding.difference) == (founded.addresses, 1, "")
    assert sent(founded) == before
    assert founded.settings.contracts.addresses_file.stat().st_ino == written.st_ino


def test_a_first_founding_opens_each_key_once(founded: Founded) -> None:
    assert sorted(founded.opened) == ["operator.json", *(f"oracle-{each}.json" for each in range(1, 5))]


def test_founding_goes_on_where_it_was_stopped(founded: Founded) -> None:
    before = sent(founded)
    founded.settings.contracts.addresses_file.unlink()
    assert found(founded.settings).addresses == founded.addresses
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


def test_no_oracle_is_named_whose_key_is_not_here_and_no_key_is_made_for_it(founded: Founded, tmp_path: Path) -> None:
    settings, missing = founded.settings, tmp_path / "oracle-5.json"
    another = settings.oracles[0].model_copy(update={"name": "oracle-5", "key_file": missing})
    more = settings.model_copy(update={"oracles": (*settings.oracles, another)})
    before = sent(founded)
    with pytest.raises(FoundingError, match=r"oracles\.oracle-5\.key_file: .* is missing"):
        set_oracles(more, founded.client, founded.addresses)
    assert (missing.exists(), sent(founded)) == (False, before)


def test_an_oracle_that_runs_elsewhere_is_named_by_its_account_and_nothing_is_made_for_it(tmp_path: Path) -> None:
    with running_ledger(tmp_path / "ledger") as running:
        settings = with_account(running.http, tmp_path, "11")
        members = found(settings).oracles.members
        assert (len(members), members[3]) == (4, bytes.fromhex("11" * 20))
        changed = with_account(running.http, tmp_path, "22")
        named = set_oracles(changed, ChainClient(running.http), load_addresses(settings.contracts.addresses_file))
        assert (named.epoch, named.members[3]) == (2, bytes.fromhex("22" * 20))
    assert len(list(tmp_path.rglob("oracle-3.*"))) == 4
    assert list(tmp_path.rglob("oracle-4*")) == []


def with_account(url: str, home: Path, byte: str) -> Settings:
    """Four oracles, of which the last runs elsewhere."""
    text = "".join(f"[[oracles]]\nname = 'oracle-{each}'\nport = {20590 + each}\n" for each in range(1, 5))
    (home / "cangdan.toml").write_text(f"{text}account = '0x{20 * byte}'\n")
    return on(url, home)


def test_another_set_than_that_of_the_settings_is_told_and_stays_until_the_settings_one_is_asked_for(
    founded: Founded,
) -> None:
    settings, file = founded.settings, founded.settings.contracts.addresses_file.read_bytes()
    fewer = settings.model_copy(update={"oracles": settings.oracles[:3]})
    last = address_hex(open_accounts(settings).oracles[3])
    assert set_oracles(fewer, founded.client, founded.addresses).epoch == 2
    before = sent(founded)
    founding = found(settings)
    assert founding.difference == (
        "set 2 of the oracles is in force and stays, though it is not the one of the settings; "
        f"not in force: {last}; at most 0 of 3 may lie"
    )
    assert found(fewer).difference == ""
    assert (sent(founded), settings.contracts.addresses_file.read_bytes()) == (before, file)

    there_and_back = [set_oracles(each, founded.client, founded.addresses) for each in (settings, fewer, settings)]
    assert [(each.epoch, len(each.members)) for each in there_and_back] == [(3, 4), (4, 3), (5, 4)]
    other_order = settings.model_copy(update={"oracles": settings.oracles[::-1]})
    assert set_oracles(other_order, founded.client, founded.addresses).epoch == 5
    assert f"not in the settings: {last}" in found(fewer).difference


def test_a_first_founding_that_was_cut_off_anywhere_is_finished_and_nothing_is_sent_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_ledger(tmp_path / "ledger") as running:
        settings, client = on(running.http, tmp_path), ChainClient(running.http)
        for step in (1, 20):
            with pytest.raises(InterruptedError):
                found(settings, cut_at(step))
        with monkeypatch.context() as patched:
            patched.setattr("api.founding.found.replace_atomically", cut_at(None))
            with pytest.raises(InterruptedError):
                found(settings)
        assert not settings.contracts.addresses_file.exists()
        fewer = settings.model_copy(update={"oracles": settings.oracles[:3]})
        assert "set 1 of the oracles is in force and stays" in found(fewer).difference
        founding = found(settings)
        assert (founding.oracles.epoch, founding.difference) == (1, "")
        wirings_and_set = 16
        operator = open_accounts(settings).operator.address
        assert client.nonce(operator) == len(founding.addresses.contracts) + wirings_and_set


def test_contracts_without_a_set_get_the_one_of_the_settings(tmp_path: Path) -> None:
    with running_ledger(tmp_path / "ledger") as running:
        settings, client = on(running.http, tmp_path), ChainClient(running.http)
        operator = open_accounts(settings).operator
        outbox = Outbox(tmp_path / "elsewhere.sqlite", client, operator)
        goods = goods_key_hash(make_goods_key(settings.api.goods_key_file))
        addresses = deploy(client, outbox, operator.address, goods_key_hash=goods)
        outbox.close()
        settings.contracts.addresses_file.write_bytes(dump_addresses(addresses))
        assert (found(settings).addresses, found(settings).oracles.epoch) == (addresses, 1)
