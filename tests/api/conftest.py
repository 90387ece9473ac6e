"""Fixtures of the interface: a copy of the story's end for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.app_kit import Api
from tests.api.story import Story, tell


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("story"))


@pytest.fixture
def api(story: Story, tmp_path: Path) -> Iterator[Api]:
    made = story.copy(tmp_path)
    yield made
    made.close()
