"""Processes on a disk that loses its power, again and again, and what they had promised until then."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from tests.power_cut.disk import Disk, Event, Image, Kind, Mode, read_journal, write_image

ROOT = Path(__file__).parents[2]
DEEP = "CANGDAN_DEEP" in os.environ
CUTS = 20 if DEEP else 7
"""Cuts that are tried in each life, besides the one that ends it."""
LIVES = 3 if DEEP else 2
SEEDS = tuple(range(4)) if DEEP else (1,)


class Component(Protocol):
    """A process that makes promises, and how to see whether they hold."""

    @property
    def command(self) -> Sequence[str]:
        """The module to run and its arguments after the folder."""

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        """Which of the promises do not hold in a folder, and why it cannot be opened again."""

    def digest(self, folder: Path) -> object:
        """What is in the folder once the process has done all its work."""


@dataclass(slots=True)
class Life:
    """What one process did to a disk. The disk stands where the process is in the story."""

    disk: Disk
    events: Sequence[Event]
    position: int = 0
    _told: bytes = b""

    def go(self, position: int) -> list[str]:
        """Bring the disk to a moment, not before the one where it is; the lines that were told until then."""
        for event in self.events[self.position : position]:
            self.disk.apply(event)
            self._told += event.data if event.kind is Kind.TOLD else b""
        self.position = position
        return [line.decode().strip() for line in self._told.splitlines(keepends=True) if line.endswith(b"\n")]


def live(shim: str, folder: Path, command: Sequence[str], *kills: int, unsynced: bool = False) -> Life:
    """Run a component on its folder until its work is done, or, with `kills`, until it is killed after so many
    operations and, killed without a power cut, is started again, as often as there are numbers."""
    disk, events = Disk(folder), list[Event]()
    for after in kills or (0,):
        journal = folder.with_name(f"{folder.name}.journal")
        journal.unlink(missing_ok=True)
        names = {"FOLDER": folder.resolve(), "JOURNAL": journal, "AFTER": after}
        _run(folder, command, {"LD_PRELOAD": shim, **{f"POWER_CUT_{name}": str(each) for name, each in names.items()}},
             unsynced)  # fmt: skip
        events += read_journal(journal)
    return Life(disk, events)


def _run(folder: Path, command: Sequence[str], environment: Mapping[str, str], unsynced: bool) -> None:
    module, *arguments = command
    launcher = ["-m", "tests.power_cut.unsynced", module] if unsynced else ["-m", module]
    errors = folder.with_name(f"{folder.name}.stderr")
    with errors.open("wb") as said:
        done = subprocess.run(
            [sys.executable, *launcher, str(folder), *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=said,
            timeout=280,
        )
    assert done.returncode in (0, -signal.SIGKILL), errors.read_text(errors="replace")


def broken_by_cuts(component: Component, life: Life, past: Sequence[str], chance: random.Random, at: Path) -> list[str]:
    """The promises that some cuts break, those of earlier lives too, each with its cut."""
    found: list[str] = []
    positions = sorted(chance.randint(0, len(life.events)) for _ in range(CUTS))
    for number, position in enumerate(positions):
        told = life.go(position)
        mode = tuple(Mode)[number % len(Mode)]
        folder = at / f"cut{number}"
        write_image(life.disk.cut(chance, mode), folder)
        found += [f"{mode} after {position}: {each}" for each in component.broken(folder, [*past, *told])]
    return found


def last_cut(life: Life, chance: random.Random) -> tuple[Image, list[str]]:
    """What is left when the power is cut at the end of a life, and all that was told in it."""
    told = life.go(len(life.events))
    return life.disk.cut(chance, chance.choice(tuple(Mode))), told


def check_component(component: Component, shim: str, folder: Path, at: Path, seed: int) -> None:
    """Lives that end by power cuts, then one in peace: no promise is broken and the work is done as if undisturbed."""
    chance, start = random.Random(seed), Disk(folder).whole()
    undisturbed = live(shim, folder, component.command)
    work, told, left = len(undisturbed.events), list[str](), start
    assert_whole(broken_by_cuts(component, undisturbed, told, chance, at / "undisturbed"))
    for number in range(LIVES):
        next_folder = at / f"life{number}"
        write_image(left, next_folder)
        life = live(shim, next_folder, component.command, chance.randint(1, work), chance.randint(1, work))
        assert_whole(broken_by_cuts(component, life, told, chance, at / f"cuts{number}"))
        left, more = last_cut(life, chance)
        told += more
    write_image(left, at / "last")
    live(shim, at / "last", component.command)
    assert_whole(component.broken(at / "last", told))
    assert component.digest(at / "last") == component.digest(folder)


def check_unsynced_commit(component: Component, shim: str, folder: Path) -> None:
    """Killed between a commit and its sync, the process is started again and tells what it finds; that is kept."""
    again = folder.with_name(f"{folder.name}-again")
    write_image(Disk(folder).whole(), again)
    events = live(shim, folder, component.command).events
    told = next(place for place, event in enumerate(events) if event.kind is Kind.TOLD)
    commits = [
        place
        for place, (one, other) in enumerate(pairwise(events), 1)
        if place > told and one.kind is Kind.WRITE and other.kind is Kind.SYNC and one.file == other.file
    ]
    kill = commits[len(commits) // 2]
    life = live(shim, again, component.command, kill, 0)
    for number, event in enumerate(life.events[kill : kill + 40], kill + 1):
        if event.kind is Kind.TOLD:
            left = folder.with_name(f"{folder.name}-cut{number}")
            lines = life.go(number)
            write_image(life.disk.cut(random.Random(0), Mode.NONE), left)
            assert_whole(component.broken(left, lines))


def assert_whole(broken: Sequence[str]) -> None:
    """Says which promises are broken, the first of them."""
    assert not broken, f"{len(broken)} are broken:\n" + "\n".join(broken[:5])


def check_unsynced(component: Component, shim: str, folder: Path, at: Path) -> None:
    """The same process with synchronous = OFF breaks a promise: the test can tell."""
    life = live(shim, folder, component.command, unsynced=True)
    assert broken_by_cuts(component, life, (), random.Random(1), at / "unsynced") != []


def corrupt(path: Path) -> list[str]:
    """What SQLite finds wrong with a database."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()
    return [] if rows == [("ok",)] else [f"{path.name}: {row[0]}" for row in rows]
