"""One private stack for the whole suite, on which the photovoltaic pack has been played undisturbed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.runner.private import private_stack
from api.runner.results import Outcome
from tests.scenarios import kit


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The stack, what came of the pack, the digest of the state, and what the oracles had heard."""

    home: Path
    outcome: Outcome
    digest: str
    heard: list[kit.Heard]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    with private_stack() as (home, _):
        outcome = kit.perform(home, "pv-plant", tmp_path_factory.mktemp("pv-plant"))
        heard = kit.heard_by_oracles(home, "pv-plant", "bank")
        yield Undisturbed(home, outcome, kit.digest_of(home), heard)


@pytest.fixture(scope="session")
def stack(undisturbed: Undisturbed) -> Path:
    """The state directory of a running product; goods that a test leaves there stay there."""
    return undisturbed.home
