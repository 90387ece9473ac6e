from collections.abc import Iterator

import pytest

from tests.contracts.deployed import Deployed


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed.make(tmp_path_factory.mktemp("deployed"))
    yield made
    made.close()
