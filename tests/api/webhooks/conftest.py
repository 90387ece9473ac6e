"""An interface whose webhooks may lead to this machine, and a receiver there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.config import WebhookSection
from tests.api.app_kit import Api
from tests.api.story import Story
from tests.api.webhooks.receiver import Receiver, receiving


@pytest.fixture
def hooked(story: Story, tmp_path: Path) -> Iterator[Api]:
    made = story.copy(tmp_path, webhooks=WebhookSection(loopback_http=True, timeout_seconds=30, a_member=2))
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
