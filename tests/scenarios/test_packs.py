"""The shipped packs and a stranger's on one private stack: with their breach, without, changed, on other data."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.runner.play import Play
from api.runner.run import Wish
from tests.scenarios import kit
from tests.scenarios.conftest import Undisturbed

pytestmark = pytest.mark.timeout(900)
COLD_STORE = Path(__file__).parent / "cold-store" / "cold-store.yaml"
JANUARY = [f"2011-01-{day:02}" for day in range(2, 6)]


@pytest.fixture(scope="module")
def recording(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A stranger's recording, played in place of the pack's own: four days in January with the first stuck stretch."""
    with kit.PLANT.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["timestamp"][:10] in JANUARY]
    folder = tmp_path_factory.mktemp("recording")
    path = folder / "four_days.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    wish = Wish(omit=("stuck-2", "stuck-3", "snow"), overrides=(f"stream.inverter={path}",))
    with kit.performed(stack, kit.copied("pv-plant", folder), wish) as play:
        yield play


def test_a_changed_expectation_fails_and_its_step_is_named(recording: Play, tmp_path: Path) -> None:
    def expect_too_much(pack: kit.Body) -> None:
        pack["expect"]["actions"][0]["times"] = 2

    outcome = kit.compared(recording, tmp_path, expect_too_much)
    assert not outcome.passed
    assert kit.failed(outcome) == ["actions on loan: expected stuck open_claim x2, observed stuck open_claim x1"]


def test_an_action_that_nobody_expects_fails(recording: Play, tmp_path: Path) -> None:
    outcome = kit.compared(recording, tmp_path, lambda pack: pack["expect"].update(actions=[], notices=[]))
    assert kit.failed(outcome) == ["actions on loan: expected none, observed stuck open_claim x1"]


def test_a_strangers_recording_in_place_of_the_packs_own_passes(recording: Play, tmp_path: Path) -> None:
    outcome = kit.compared(recording, tmp_path)
    assert kit.failed(outcome) == []
    assert kit.seen(outcome, "actions on loan") == "stuck open_claim x1"


def test_the_plant_opens_claims_and_defers_one_instalment(undisturbed: Undisturbed) -> None:
    assert kit.failed(undisturbed.outcome) == []
    assert kit.seen(undisturbed.outcome, "actions on loan") == "no-yield defer x1, stuck open_claim x4"


def test_the_digest_after_the_plant_is_that_of_every_chain(undisturbed: Undisturbed) -> None:
    assert undisturbed.digest == kit.PLANT_DIGEST


def test_flags_meet_the_files_truth_in_daylight(undisturbed: Undisturbed) -> None:
    told = kit.seen(undisturbed.outcome, "flags of inverter.power in daylight")
    assert told == "precision 1.000, recall 1.000: 105 found, 0 wrong, 0 missed"


def test_every_reading_of_the_file_is_with_every_oracle_once(undisturbed: Undisturbed) -> None:
    recorded = kit.recorded_values()
    assert [heard.values for heard in undisturbed.heard] == [recorded] * 4


def test_the_plant_without_its_breaches_sees_no_action(stack: Path, tmp_path: Path) -> None:
    outcome = kit.perform(stack, "pv-plant", tmp_path, kit.without_breach("pv-plant"))
    assert kit.failed(outcome) == []
    assert kit.seen(outcome, "actions on loan") == "none"


def test_a_second_pledge_is_refused_in_five_ways(stack: Path, tmp_path: Path) -> None:
    outcome = kit.perform(stack, "double-pledge", tmp_path)
    assert kit.failed(outcome) == []
    assert sum(step.observed.startswith("refused: ") and bool(step.tx) for step in outcome.steps) == 5


def test_one_pledge_alone_is_refused_nothing(stack: Path, tmp_path: Path) -> None:
    pack = kit.copied("double-pledge", tmp_path, "honest")
    outcome = kit.perform(stack, pack, tmp_path / "out", kit.without_breach(pack))
    assert kit.failed(outcome) == []
    assert not any(step.observed.startswith("refused") for step in outcome.steps)


def test_coils_that_leave_by_order_hold_nothing_with_another_noise(stack: Path, tmp_path: Path) -> None:
    pack = kit.copied("e-fence", tmp_path, "honest")
    wish = Wish(seed=7, omit=kit.without_breach(pack).omit)
    outcome = kit.perform(stack, pack, tmp_path / "out", wish)
    assert kit.failed(outcome) == []
    assert kit.seen(outcome, "actions on loan") == "none"


def test_a_strangers_pack_by_path_acts_by_its_own_rule(stack: Path, tmp_path: Path) -> None:
    outcome = kit.perform(stack, COLD_STORE, tmp_path)
    assert kit.failed(outcome) == []
    assert kit.seen(outcome, "actions on credit") == "too-warm hold x1"


def test_a_bundle_and_its_answer_lie_in_the_folder_that_was_named(undisturbed: Undisturbed) -> None:
    outcome = undisturbed.outcome
    assert {path.parent for path in (*outcome.bundles, *outcome.answers, outcome.trust)} == {outcome.trust.parent}
    assert all(json.loads(path.read_bytes())["format"] == "cangdan/bundle/1" for path in outcome.bundles)
