"""Which processes a member runs."""

from pathlib import Path

from api.settings import Settings
from api.stack import units
from api.supervisor.units import ranks


def test_the_ledger_comes_first_and_then_the_founding() -> None:
    names = [unit.name for unit in units(Settings())]
    assert names == ["ledger", "founding", "api", "indexer", "oracle-1", "oracle-2", "oracle-3", "oracle-4"]


def test_all_that_need_the_contracts_start_together_once_they_are_there() -> None:
    assert [len(rank) for rank in ranks(units(Settings()))] == [1, 1, 6]


def test_no_ledger_is_run_for_a_chain_that_somebody_else_runs() -> None:
    settings = Settings.model_validate({"ledger": {"engine": "external"}})
    assert "ledger" not in [unit.name for unit in units(settings)]


def test_each_process_is_asked_where_it_listens() -> None:
    settings = Settings.model_validate({"ledger": {"host": "0.0.0.0", "port": 1234}, "indexer": {"host": "::1"}})
    asked = {unit.name: unit.ready_url for unit in units(settings)}
    assert asked["ledger"] == "http://127.0.0.1:1234/ready"
    assert asked["oracle-1"] == "https://127.0.0.1:20591/ready"
    assert asked["indexer"] == f"http://[::1]:{settings.indexer.port}/ready"


def test_each_oracle_is_started_by_its_name() -> None:
    commands = {unit.name: unit.command[3:] for unit in units(Settings())}
    assert commands["oracle-3"] == ("oracle", "run", "--name", "oracle-3")


def test_an_oracle_that_runs_elsewhere_is_not_started() -> None:
    here, elsewhere = {"name": "here", "port": 1}, {"name": "elsewhere", "port": 1, "account": "0x" + "11" * 20}
    names = [unit.name for unit in units(Settings.model_validate({"oracles": [here, elsewhere]}))]
    assert names == ["ledger", "founding", "api", "indexer", "here"]


def test_the_processes_run_on_the_same_python() -> None:
    assert all(Path(unit.command[0]).name.startswith("python") for unit in units(Settings()))
