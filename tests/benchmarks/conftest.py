"""Sizes so small that a run only shows that everything fits together."""

import pytest

from benchmarks.result import Sizes


@pytest.fixture
def tiny() -> Sizes:
    return Sizes(issues=4, transfers=4, segments=24, events=3, stream=300, long=300, rounds=1)
