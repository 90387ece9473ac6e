"""What all tests share: no settings leak in from the shell that runs them."""

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CANGDAN_") and name != "CANGDAN_DEEP"]:
        monkeypatch.delenv(name)
