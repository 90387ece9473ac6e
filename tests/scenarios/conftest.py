"""The photovoltaic pack, played undisturbed once for the whole suite, and a running product for each worker."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.runner.private import private_stack
from api.runner.results import Outcome
from api.runner.settling import wait_for
from api.supervisor import lockfile
from tests.scenarios import kit


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What came of the pack, the digest of the state after it, and what the oracles had heard."""

    outcome: Outcome
    digest: str
    heard: list[kit.Heard]


@dataclass(frozen=True, slots=True)
class Record:
    """Where the workers of one run of tests share what came of the undisturbed pack."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "undisturbed.pickle"

    @property
    def lock(self) -> Path:
        """Held by the worker that plays."""
        return self.folder / "undisturbed.lock"

    def begun(self) -> bool:
        return self.file.exists() or lockfile.held(self.lock)

    def write(self, made: Undisturbed) -> None:
        draft = self.file.with_suffix(".new")
        draft.write_bytes(pickle.dumps(made))
        draft.replace(self.file)

    def read(self) -> Undisturbed:
        wait_for(lambda: self.file.exists() or not self.begun(), "the undisturbed run of another worker", 600)
        made: Undisturbed = pickle.loads(self.file.read_bytes())
        return made


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    base = tmp_path_factory.getbasetemp()
    return Record(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session")
def stack(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of a running product; goods that a test leaves there stay there.

    On the first one the pack is played undisturbed before anything else.
    """
    lock = lockfile.take(record.lock)
    with private_stack() as (home, _):
        if lock is not None:
            if not record.file.exists():
                outcome = kit.perform(home, "pv-plant", tmp_path_factory.mktemp("pv-plant"))
                record.write(Undisturbed(outcome, kit.digest_of(home), kit.heard_by_oracles(home, "pv-plant", "bank")))
            os.close(lock)
        yield home


@pytest.fixture(scope="session")
def undisturbed(record: Record, request: pytest.FixtureRequest) -> Undisturbed:
    """Played once; a worker that does not play it waits for the one that does."""
    if not record.begun():
        request.getfixturevalue("stack")
    return record.read()
