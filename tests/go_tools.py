"""What the tests build with Go or gcc. Where that cannot be, the tests that need it fail, and say what is missing."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GETH = ROOT / "tools" / "geth.sh"
SECOND_OPINION = ROOT / "tests" / "second_opinion" / "build.sh"
BUILD_SECONDS = 1_500
"""For the first of the tests that need what is built, or that wait until others have built it."""


def built(script: Path, *words: str) -> str:
    """The path of what a script builds; built when this is the first time. A test that needs it fails with the cause.

    Nobody is to take a run for whole in which tests were left out.
    """
    done = subprocess.run(["sh", str(script), *words], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(done.stderr.strip() or f"{script} exits with {done.returncode}", pytrace=False)
    return done.stdout.strip()


def give_time(items: Sequence[pytest.Item], script: Path, *words: str) -> None:
    """Lets tests take longer when what they need is not yet built."""
    if not items:
        return
    looked = subprocess.run(["sh", str(script), "--look", *words], capture_output=True, text=True)
    if not looked.returncode and not Path(looked.stdout.strip() or "none").is_file():
        for item in items:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


def opinions(program: str, trust: Path, *paths: Path) -> list[str]:
    """What the second opinion says of files, those of a folder by their names: ok, or the step that fails."""
    command = [program, str(trust), *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout
    return [line.split()[1] for line in said.splitlines()]
