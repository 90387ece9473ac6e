"""The settings file and the environment over it."""

from pathlib import Path

import pytest

from api.config import WebhookSection
from api.settings import Settings, SettingsError, load_settings, state_directory, write_settings
from oracle.settings import OracleSection

ACCOUNT = "account='0x" + "00" * 20 + "'\n"
ORACLE = "[[oracles]]\nname='a'\nport=1\nkey_file='k'\n[oracles.signer]\n"
OPERATOR = "[contracts]\noperator_key_file='k'\n[contracts.operator_signer]\n"
SIGNER = "url='https://a'\n" + ACCOUNT
SIGNER_OF_OPERATOR = "[contracts.operator_signer]\n" + ACCOUNT


def write(home: Path, text: str) -> Path:
    (home / "cangdan.toml").write_text(text, encoding="utf-8")
    return home


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[ledgr]\n", "ledgr: Extra inputs are not permitted"),
        ("[ledger]\nprot = 1\n", "ledger.prot: Extra inputs are not permitted"),
        ("[ledger]\nport = 70000\n", "ledger.port: Input should be less than or equal to 65535"),
        ("[ledger]\nrpc_url = ''\n", "ledger.rpc_url: Value error, must begin with http:// or https://"),
        ("[ledger]\nrpc_url = 'ftp://hunter2'\n", "ledger.rpc_url: Value error, must begin with"),
        ("[ledger]\nrpc_url = 'http://a hunter2'\n", "ledger.rpc_url: Value error, must hold no space"),
        ("[ledger]\nrpc_url = 'http://a:99999/hunter2'\n", "ledger.rpc_url: Value error, must be an address, its port"),
        ("[ledger]\nfallback_rpc_urls = ['http://a', '']\n", "ledger.fallback_rpc_urls.1: Value error, must begin"),
        ("[ledger]\nws_url = 'http://x'\n", "ledger.ws_url: Value error, must begin with ws:// or wss://"),
        ("[ledger]\nws_url = 'ws://'\n", "ledger.ws_url: Value error, must name a host"),
        ("[ledger]\nfinality = true\n", "ledger.finality: must be a number, without quotes"),
        ("[ledger]\nfinality = '3'\n", "ledger.finality: must be a number, without quotes"),
        (f"[ledger]\nfinality = {'9' * 20}\n", "ledger.finality: Input should be less than or equal to 1000000"),
        ("[[oracles]]\nname = 'a'\nport = '1'\n", "oracles.0.port: must be a number, without quotes"),
        (SIGNER_OF_OPERATOR + "url='https://a'\ntimeout_seconds='1'\n", "operator_signer.timeout_seconds: must be a n"),
        ("[ledger]\nengine = 'besu'\n", "ledger.engine: Input should be 'embedded' or 'external'"),
        ("[[oracles]]\nname = 'Ä'\n", "oracles.0.name: String should match pattern"),
        ("[[oracles]]\nname='a'\nport=1\nurl='http://a'\n", "oracles.0.url: String should match pattern"),
        ("ledger = [\n", "cangdan.toml: "),
        ("[[oracles]]\nname='a'\nport=1\n" * 2, "each name may stand once"),
        (ORACLE + SIGNER, "oracles.0: Value error, key_file and signer exclude each other"),
        (
            ORACLE.replace("key_file='k'", "account='0x" + "11" * 20 + "'") + SIGNER,
            "signer and account exclude each other",
        ),
        ("[[oracles]]\nname='a'\nport=1\nkey_file='k'\n" + ACCOUNT, "key_file and account exclude each other"),
        (
            "[[oracles]]\nname='a'\nport=1\naccount='0x12'\n",
            "oracles.0.account: Value error, address: must be 20 bytes",
        ),
        ("[[oracles]]\nname='a'\nport=1\naccount=''\n", "oracles.0.account: Value error, address: "),
        (
            "[[oracles]]\nname='a'\nport=1\naccount='0x7A16ff8270133f063aab6c9977183d9e72835428'\n",
            "oracles.0.account: Value error, address: mixed case without a valid checksum",
        ),
        (OPERATOR + SIGNER, "contracts: Value error, operator_key_file and operator_signer exclude each other"),
        (
            SIGNER_OF_OPERATOR + "url='http://10.0.0.5:9000'\n",
            "contracts.operator_signer.url: Value error, must be https, or",
        ),
        (SIGNER_OF_OPERATOR + "url='https://me:hunter2@a'\n", "url: Value error, must hold no user, password, query"),
        (
            SIGNER_OF_OPERATOR + "url='https://a'\nkey_file='k'\n",
            "certificate_file and key_file must be given together",
        ),
        (SIGNER_OF_OPERATOR + "url='https://a'\nprivate_key='hunter2'\n", "operator_signer.private_key: Extra inputs"),
    ],
)
def test_a_wrong_file_is_refused_by_field_and_rule_in_one_line(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(write(tmp_path, text))
    assert cause in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_refusal_does_not_repeat_the_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(write(tmp_path, "[ledger]\nport = 'hunter2-secret'\n"))
    assert "hunter2" not in str(refused.value)


def test_a_variable_gives_a_number_as_a_text_and_is_held_to_the_same_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANGDAN_LEDGER__FINALITY", "3")
    assert load_settings(tmp_path).ledger.finality == 3
    monkeypatch.setenv("CANGDAN_LEDGER__FINALITY", "9" * 20)
    with pytest.raises(SettingsError, match="ledger.finality: Input should be less"):
        load_settings(tmp_path)


def test_no_address_of_a_websocket_stays_none(tmp_path: Path) -> None:
    text = "[ledger]\nengine = 'external'\nrpc_url = 'https://a'\nws_url = ''\n"
    assert load_settings(write(tmp_path, text)).ledger.ws_url == ""


def test_a_variable_of_an_unknown_section_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANGDAN_LEGDER__PORT", "1")
    with pytest.raises(SettingsError, match="CANGDAN_LEGDER__PORT: no section 'legder'"):
        load_settings(tmp_path)


def test_a_variable_of_an_unknown_field_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANGDAN_LEDGER__PROT", "1")
    with pytest.raises(SettingsError, match="ledger.prot: Extra inputs are not permitted"):
        load_settings(tmp_path)


def test_an_oracle_that_the_file_does_not_have_is_refused_with_the_names_it_has(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none is called 'x'; the file has oracle-1, oracle-2"):
        load_settings(tmp_path).oracle("x")


def test_files_of_a_signer_lie_under_the_state_directory_too(tmp_path: Path) -> None:
    text = "[[oracles]]\nname='a'\nport=1\n[oracles.signer]\nauthority_file='tls/ca.pem'\n" + SIGNER
    signer = load_settings(write(tmp_path, text)).oracles[0].signer
    assert signer is not None
    assert signer.authority_file == tmp_path / "tls/ca.pem"


def test_without_a_file_there_are_four_oracles_with_places_of_their_own(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert [oracle.name for oracle in settings.oracles] == ["oracle-1", "oracle-2", "oracle-3", "oracle-4"]
    assert len({(oracle.port, oracle.url, oracle.directory, oracle.key_file) for oracle in settings.oracles}) == 4


def test_no_two_processes_share_a_port(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    ports = [settings.ledger.port, settings.indexer.port, settings.api.port, *(o.port for o in settings.oracles)]
    assert len(set(ports)) == len(ports)


def test_a_relative_path_lies_under_the_state_directory_and_an_absolute_one_stays(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "[contracts]\naddresses_file = '/etc/addresses.json'\n"))
    assert settings.ledger.directory == tmp_path / "ledger"
    assert settings.contracts.addresses_file == Path("/etc/addresses.json")
    assert settings.oracles[0].key_file == tmp_path / "keys/oracle-1.json"
    assert settings.indexer.database_url == f"sqlite:///{tmp_path}/index.db"


def test_another_database_is_taken_as_written(tmp_path: Path) -> None:
    url = "postgresql+psycopg:///cangdan"
    settings = load_settings(write(tmp_path, f"[indexer]\ndatabase_url = '{url}'\n"))
    assert settings.indexer.database_url == url


def test_a_variable_overrides_one_field_and_leaves_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "[ledger]\nport = 1000\nfinality = 3\n")
    monkeypatch.setenv("CANGDAN_LEDGER__PORT", "2000")
    ledger = load_settings(tmp_path).ledger
    assert (ledger.port, ledger.finality) == (2000, 3)


def test_an_address_follows_the_port_unless_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANGDAN_LEDGER__PORT", "2000")
    settings = load_settings(
        write(tmp_path, "[[oracles]]\nname = 'north'\nport = 3000\nurl = 'https://north.example'\n")
    )
    assert (settings.ledger.rpc_url, settings.ledger.ws_url) == ("http://127.0.0.1:2000", "ws://127.0.0.1:2000")
    assert settings.oracle("north").url == "https://north.example"
    assert settings.oracle("north").directory == tmp_path / "north"


def test_the_state_directory_is_the_variable_else_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert state_directory({"CANGDAN_HOME": "/var/lib/cangdan"}) == Path("/var/lib/cangdan")
    assert state_directory({}) == tmp_path / ".cangdan"


def test_settings_that_are_written_are_read_back(tmp_path: Path) -> None:
    given = Settings.model_validate({"ledger": {"port": 4321, "rpc_url": "http://127.0.0.1:4321"}})
    file = write_settings(given, tmp_path / "home")
    assert "oracles" not in file.read_text()
    assert load_settings(tmp_path / "home").ledger.port == 4321


def test_the_page_of_settings_has_every_field_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats" / "settings.md").read_text(encoding="utf-8")
    for section, value in (*Settings(), ("api.webhooks", WebhookSection())):
        fields = (OracleSection if section == "oracles" else type(value)).model_fields
        for name, field in fields.items():
            default = "derived" if field.default_factory else "required" if field.is_required() else str(field.default)
            assert f"| {name} | {default} |" in page, f"docs/formats/settings.md: {section}.{name} is {default}"
