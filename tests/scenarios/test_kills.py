"""Processes are killed while the plant's devices speak: the outcome is that of a run which nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.runner.devices import Uplink
from api.runner.private import private_stack
from api.runner.results import Outcome
from api.runner.settling import wait_for
from api.supervisor.control import status
from api.supervisor.units import UnitReport
from oracle.formats.segment import SignedSegment
from tests.scenarios import kit
from tests.scenarios.conftest import Undisturbed

pytestmark = pytest.mark.timeout(1800)
KILLS = 20 if os.environ.get("CANGDAN_DEEP") else 4
VICTIMS = ("api", "ledger", "oracle-2", "indexer", "oracle-1", "ledger", "oracle-3", "indexer", "oracle-4", "api")
SOON_SECONDS = 0.4


class Saboteur:
    """Kills one process after the other, each at a moment of chance, once the one before is back."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._chance = random.Random(5)
        self._timers: list[threading.Timer] = []
        self.killed: list[str] = []

    def strike(self) -> None:
        """Kill the next process within moments, if any is left to be killed; returns before it happens."""
        if len(self._timers) < KILLS:
            name = VICTIMS[len(self._timers) % len(VICTIMS)]
            unit = wait_for(lambda: self._ready(name), f"{name} to be ready again")
            timer = threading.Timer(self._chance.uniform(0, SOON_SECONDS), self._kill, (unit,))
            self._timers.append(timer)
            timer.start()

    def wait(self) -> None:
        """Until every blow has fallen."""
        for timer in self._timers:
            timer.join()

    def _kill(self, unit: UnitReport) -> None:
        assert unit.pid is not None
        os.kill(unit.pid, signal.SIGKILL)
        self.killed.append(unit.name)

    def _ready(self, name: str) -> UnitReport | None:
        """The unit, when it and all others are ready; a unit that died a moment ago may not have been missed yet."""
        units = status(self._home).units
        if len(self.killed) < len(self._timers) or any(each.state not in ("ready", "done") for each in units):
            return None
        restarts = sum(each.restarts for each in units)
        return next(each for each in units if each.name == name) if restarts >= len(self.killed) else None


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Outcome, Saboteur]]:
    with private_stack() as (home, _), pytest.MonkeyPatch.context() as patch:
        saboteur = Saboteur(home)
        send, every = Uplink.send, max(1, 26 // KILLS)

        def send_under_attack(self: Uplink, device: str, segment: SignedSegment) -> None:
            if segment.content.seq % every == 0:
                saboteur.strike()
            send(self, device, segment)

        patch.setattr(Uplink, "send", send_under_attack)
        outcome = kit.perform(
            home,
            "pv-plant",
            tmp_path_factory.mktemp("killed"),
            tell=lambda text: "drawdown" in text and saboteur.strike(),
        )
        saboteur.wait()
        yield home, outcome, saboteur


def test_each_blow_hit_a_running_process(disturbed: tuple[Path, Outcome, Saboteur]) -> None:
    assert len(disturbed[2].killed) == KILLS
    assert {"ledger", "indexer", "api", "oracle-2"} <= set(disturbed[2].killed)


def test_the_pack_passes_under_kills(disturbed: tuple[Path, Outcome, Saboteur]) -> None:
    assert kit.failed(disturbed[1]) == []


def test_the_digest_is_that_of_an_undisturbed_run(
    disturbed: tuple[Path, Outcome, Saboteur], undisturbed: Undisturbed
) -> None:
    assert kit.digest_of(disturbed[0]) == undisturbed.digest


def test_no_reading_is_lost_after_its_receipt_and_none_counts_twice(
    disturbed: tuple[Path, Outcome, Saboteur],
) -> None:
    recorded = kit.recorded_values()
    heard = kit.heard_by_oracles(disturbed[0], "pv-plant", "bank")
    assert [[segment.seq for segment in each.segments] for each in heard] == [list(range(1, 27))] * 4
    assert [each.values for each in heard] == [recorded] * 4


def test_the_agreed_figures_are_those_of_an_undisturbed_run(
    disturbed: tuple[Path, Outcome, Saboteur], undisturbed: Undisturbed
) -> None:
    heard = kit.heard_by_oracles(disturbed[0], "pv-plant", "bank")
    assert [each.figures for each in heard] == [each.figures for each in undisturbed.heard]
    assert max(heard[0].figures.values()) == 1
