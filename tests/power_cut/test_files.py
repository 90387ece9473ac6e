"""Keys, secrets and settings: a file that was written is there, whole, with the folders that it lies in."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.power_cut.disk import Kind, Mode, write_image
from tests.power_cut.files_process import HOMES, VERSIONS, content, name_of
from tests.power_cut.kit import SEEDS, assert_whole, check_component, live

NAMES = {Kind.CREATE, Kind.FOLDER, Kind.LINK, Kind.UNLINK, Kind.RENAME}
"""What changes a name in a folder."""
WHOLE = {content(version): version for version in range(1, VERSIONS + 1)}


class Files:
    """Makes folders, keys and secrets, and replaces files."""

    def __init__(self, homes: int = HOMES) -> None:
        self.command = ("tests.power_cut.files_process", str(homes))

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        kept = {name_of(path): path.read_bytes() for path in visible(folder)}
        torn = [name for name, data in kept.items() if not name.endswith("secret") and data not in WHOLE]
        lost: list[str] = []
        for name, data in [line.rsplit(" ", 1) for line in told]:
            was, now = bytes.fromhex(data), kept.get(name, b"")
            if was != now and not (was in WHOLE and WHOLE.get(now, 0) > WHOLE[was]):
                lost.append(name)
        return torn + lost

    def digest(self, folder: Path) -> object:
        return sorted((path.name, path.stat().st_size) for path in visible(folder))


def visible(folder: Path) -> list[Path]:
    """The files without the drafts, which a cut can leave behind."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_written_is_there_whole_after_any_cut(shim: str, tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    check_component(Files(), shim, folder, tmp_path, seed)
    assert len(visible(folder)) == HOMES * 4


def test_what_a_killed_process_had_only_named_is_not_lost_later(shim: str, tmp_path: Path) -> None:
    """Killed right after each name that it makes or takes away; the next process goes on, and its power is cut."""
    component, found = Files(homes=1), list[str]()
    (tmp_path / "whole").mkdir()
    events = live(shim, tmp_path / "whole", component.command).events
    for kill in [number for number, event in enumerate(events, 1) if event.kind in NAMES]:
        folder = tmp_path / f"killed{kill}"
        folder.mkdir()
        life = live(shim, folder, component.command, kill, 0)
        for cut in [number for number, event in enumerate(life.events, 1) if event.kind is Kind.TOLD]:
            told, left = life.go(cut), tmp_path / f"killed{kill}cut{cut}"
            write_image(life.disk.cut(random.Random(0), Mode.NONE), left)
            found += [f"killed after {kill}, cut after {cut}: {each}" for each in component.broken(left, told)]
    assert_whole(found)
