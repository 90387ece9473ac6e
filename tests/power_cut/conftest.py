"""The disk that can lose its power is built with gcc; where it cannot be, its tests are left out, and it is said."""

from pathlib import Path

import pytest

from tests.go_tools import built, leave_out

SCRIPT = Path(__file__).parent / "build.sh"


@pytest.fixture(scope="session")
def shim() -> str:
    """The library to preload."""
    return built(SCRIPT)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cut = [item for item in items if "shim" in getattr(item, "fixturenames", ())]
    for item in cut:
        item.add_marker(pytest.mark.timeout(1_200))  # several processes one after the other, each within that of kit.py
    leave_out(config, items, cut, SCRIPT)
