"""Settings of the caller's environment are for its own product; a private stack has time to start."""

import os
from pathlib import Path

import pytest

from api.runner.private import PORTS, _settings, keep_environment_out
from api.settings import load_settings, write_settings

THEIRS = {
    "CANGDAN_LEDGER__PORT": "1",
    "cangdan_api__port": "1",
    "CANGDAN_ORACLES": "[]",
    "CANGDAN_LEGDER__PORT": "1",
}


def test_no_variable_of_a_setting_reaches_a_private_stack_and_all_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in THEIRS.items():
        monkeypatch.setenv(name, value)
    with keep_environment_out():
        assert not THEIRS.keys() & os.environ.keys()
    assert THEIRS.items() <= os.environ.items()


def test_what_is_no_setting_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANGDAN_HOME", "/var/lib/cangdan")
    with keep_environment_out():
        assert os.environ["CANGDAN_HOME"] == "/var/lib/cangdan"


def test_a_private_stack_that_takes_minutes_to_start_is_not_given_up(tmp_path: Path) -> None:
    write_settings(_settings(None, range(20_000, 20_000 + PORTS)), tmp_path)
    assert load_settings(tmp_path).supervisor.ready_seconds >= 300
