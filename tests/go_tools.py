"""What the tests build with Go. Where that cannot be, the tests that need it are left out, and it is said."""

import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GETH = ROOT / "tools" / "geth.sh"
SECOND_OPINION = ROOT / "tests" / "second_opinion" / "build.sh"
BUILD_SECONDS = 1_500
"""For the first of the tests that need what is built, or that wait until others have built it."""


def built(script: Path, *words: str) -> str:
    """The path of what a script builds; built when this is the first time."""
    return subprocess.run(["sh", str(script), *words], capture_output=True, text=True, check=True).stdout.strip()


def leave_out(
    config: pytest.Config, items: list[pytest.Item], judged: Sequence[pytest.Item], script: Path, *words: str
) -> None:
    """Deselects the judged tests when what they need cannot be built; they may take longer when it is not yet built."""
    if not judged:
        return
    looked = subprocess.run(["sh", str(script), "--look", *words], capture_output=True, text=True)
    if looked.returncode:
        warnings.warn(f"{len(judged)} tests are left out: {looked.stderr.strip()}", pytest.PytestWarning, stacklevel=2)
        config.hook.pytest_deselected(items=judged)
        items[:] = [item for item in items if item not in judged]
    elif not Path(looked.stdout.strip() or "none").is_file():
        for item in judged:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


def opinions(program: str, trust: Path, *paths: Path) -> list[str]:
    """What the second opinion says of files, those of a folder by their names: ok, or the step that fails."""
    command = [program, str(trust), *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout
    return [line.split()[1] for line in said.splitlines()]
