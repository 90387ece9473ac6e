"""Fixtures of the HTTP interface."""

from pathlib import Path

import pytest

from tests.api.app_kit import Api, make_api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return make_api(tmp_path)
