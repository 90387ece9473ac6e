"""Settings of the caller's environment are for its own product."""

import os

import pytest

from api.runner.private import keep_environment_out

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
