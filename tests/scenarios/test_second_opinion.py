"""The bundles of a pack, with daylight and a year of rounds, as the other verifier sees them."""

from __future__ import annotations

from tests.go_tools import opinions
from tests.scenarios.conftest import Undisturbed


def test_the_second_opinion_believes_all_bundles_of_the_plant(undisturbed: Undisturbed, second_opinion: str) -> None:
    outcome = undisturbed.outcome
    assert outcome.trust is not None
    assert set(opinions(second_opinion, outcome.trust, *outcome.bundles)) == {"ok"}
