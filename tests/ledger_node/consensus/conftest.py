from pathlib import Path

import pytest

from tests.go_tools import built, give_time

JUDGE = Path(__file__).parent / "clique_judge" / "build.sh"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    judged = [item for item in items if "clique_judge" in getattr(item, "fixturenames", ())]
    give_time(judged, JUDGE)


@pytest.fixture(scope="session")
def clique_judge() -> str:
    """The path of a program in which geth's own consensus package checks headers."""
    return built(JUDGE)
