from pathlib import Path

import pytest

from tests.go_tools import built, leave_out

JUDGE = Path(__file__).parent / "clique_judge" / "build.sh"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    judged = [item for item in items if "clique_judge" in getattr(item, "fixturenames", ())]
    leave_out(config, items, judged, JUDGE)


@pytest.fixture(scope="session")
def clique_judge() -> str:
    """The path of a program in which geth's own consensus package checks headers."""
    return built(JUDGE)
