"""The disk that can lose its power is built with gcc."""

from pathlib import Path

import pytest

from tests.go_tools import built, give_time

SCRIPT = Path(__file__).parent / "build.sh"


@pytest.fixture(scope="session")
def shim() -> str:
    """The library to preload."""
    return built(SCRIPT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cut = [item for item in items if "shim" in getattr(item, "fixturenames", ())]
    for item in cut:
        item.add_marker(pytest.mark.timeout(1_200))  # several processes one after the other, each within that of kit.py
    give_time(cut, SCRIPT)
