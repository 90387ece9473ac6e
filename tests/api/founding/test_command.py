"""`cangdan consortium`, and what `cangdan up` says of the founding."""

import json
from pathlib import Path

import pytest

from api.cli.stack import tell_founding
from api.supervisor.units import Phase, Report, UnitReport, UnitState
from tests.api.cli.test_main import cangdan
from tests.api.founding.conftest import Founded


def test_another_set_than_that_of_the_settings_is_told_until_it_is_named(founded: Founded) -> None:
    three = "".join(f"[[oracles]]\nname = '{each.name}'\nport = {each.port}\n" for each in founded.settings.oracles[:3])
    ledger = f"[ledger]\nengine = 'external'\nrpc_url = '{founded.settings.ledger.rpc_url}'\n"
    (founded.home / "cangdan.toml").write_text(ledger + three)
    told = cangdan(founded.home, "consortium", "found")
    assert (told.returncode, told.stdout.count("set 1 of the oracles is in force and stays")) == (0, 1)
    named = json.loads(cangdan(founded.home, "consortium", "oracles", "--json").stdout)
    assert (named["epoch"], named["faulty"], len(named["oracles"])) == (2, 0, 3)
    result = json.loads(cangdan(founded.home, "consortium", "found", "--json").stdout)
    assert result == {"chainId": founded.addresses.chain_id, "contracts": 14, "oracles": 3, "difference": ""}


def test_up_says_the_last_that_the_founding_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "founding.log").write_text("14 contracts, 4 oracles\nset 2 of the oracles is in force\n")
    units = [
        UnitReport(name, UnitState.DONE, None, 0, 0.0, 0, str(tmp_path / f"{name}.log")) for name in ("founding", "api")
    ]
    tell_founding(Report(Phase.READY, 1, units=tuple(units)))
    assert capsys.readouterr().err == "founding: set 2 of the oracles is in force\n"
