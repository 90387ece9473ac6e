"""Keys, secrets and settings: a file that was written is there, whole, with the folders that it lies in."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.power_cut.files_process import HOMES, VERSIONS, content
from tests.power_cut.kit import SEEDS, check_component

WHOLE = {content(version): version for version in range(1, VERSIONS + 1)}


class Files:
    """Makes folders, keys and secrets, and replaces files."""

    command = ("tests.power_cut.files_process",)

    def broken(self, folder: Path, told: Sequence[str]) -> list[str]:
        kept = {f"{path.parent.parent.name} {path.name}": path.read_bytes() for path in visible(folder)}
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
