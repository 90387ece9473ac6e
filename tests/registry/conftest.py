"""A consortium on the embedded ledger with a short story, made once for all tests that only read."""

from collections.abc import Iterator

import pytest

from tests.registry.bundles import Bundles
from tests.registry.story import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    told = Story.tell(tmp_path_factory.mktemp("story"))
    yield told
    told.consortium.close()


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundles]:
    made = Bundles.make(tmp_path_factory.mktemp("bundles"))
    yield made
    made.watch.consortium.close()
