"""A consortium on the embedded ledger with a short story, made once for all tests that only read."""

from collections.abc import Iterator
from itertools import count

import pytest

from benchmarks.postgres import FORGETFUL, NewDatabase, Postgres
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    made = Postgres.make(FORGETFUL)
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """The address of another new database at each call; a test that asks runs once on each kind."""
    if request.param == "postgresql":
        made: Postgres = request.getfixturevalue("postgres")
        return made.database
    folder, names = tmp_path_factory.mktemp("databases"), count()
    return lambda: f"sqlite:///{folder}/{next(names)}.db"
