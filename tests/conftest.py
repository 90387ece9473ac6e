"""What all tests share: no settings leak in from the shell that runs them, and one build of what Go makes."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.go_tools import SECOND_OPINION, built, give_time

# Nothing that hypothesis tries is timed, so that a busy machine fails nothing; and the examples are the same each time
# but for the full sizes.
settings.register_profile(
    "cangdan",
    deadline=None,
    derandomize="CANGDAN_DEEP" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("cangdan")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CANGDAN_") and name != "CANGDAN_DEEP"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def second_opinion() -> str:
    """The path of the verifier in tests/second_opinion."""
    return built(SECOND_OPINION)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    judged = [item for item in items if "second_opinion" in getattr(item, "fixturenames", ())]
    give_time(judged, SECOND_OPINION)
