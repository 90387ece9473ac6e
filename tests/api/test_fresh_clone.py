"""A fresh clone on a machine with python3, make, git and coreutils alone, without root and without an environment."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
COREUTILS = """
basename cat chmod chown cp cut date dirname echo env expr false head id install ln ls mkdir mktemp mv nproc printf pwd
readlink realpath rm rmdir sleep sort stat tail tee test touch tr true uname uniq wc
"""


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone that belongs to a person without rights."""

    folder: Path
    path: Path
    home: Path

    def run(self, *command: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command there with an empty environment."""
        environment = {"PATH": str(self.path), "HOME": str(self.home)}
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=seconds, **person()
        )


def person() -> dict[str, object]:
    """Who runs the commands: nobody when the tests are run by root, else whoever runs them."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def usable_python() -> Path:
    """A Python that this person may run and that can make environments."""
    for candidate in (
        Path(sys.base_prefix) / "bin" / "python3",
        Path("/usr/bin/python3"),
        Path("/usr/local/bin/python3"),
    ):
        check = [
            str(candidate),
            "-c",
            "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))",
        ]
        try:
            if subprocess.run(check, capture_output=True, **person()).returncode == 0:
                return candidate
        except OSError:
            continue
    raise AssertionError("no Python 3.11 to 3.13 with venv that everybody may run")


@pytest.fixture(scope="module")
def clone() -> Iterator[Clone]:
    with tempfile.TemporaryDirectory(prefix="cangdan-") as name:
        base = Path(name)
        base.chmod(0o755)
        made = Clone(base / "cangdan", base / "path", base / "home")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(made.folder)], check=True)
        made.path.mkdir()
        made.home.mkdir()
        for program in ("make", "git", *COREUTILS.split()):
            found = shutil.which(program)
            assert found is not None, program
            (made.path / program).symlink_to(found)
        (made.path / "python3").symlink_to(usable_python())
        if os.geteuid() == 0:
            for folder, _, files in os.walk(base):
                for entry in (folder, *(os.path.join(folder, file) for file in files)):
                    os.chown(entry, NOBODY, NOBODY, follow_symlinks=False)
        yield made


@pytest.mark.timeout(600)
def test_the_environment_is_made_with_python_make_and_git_alone(clone: Clone) -> None:
    made = clone.run("make", "runtime")
    assert made.returncode == 0, made.stderr
    status = clone.run(".venv/bin/cangdan", "status", "--json")
    assert json.loads(status.stdout)["phase"] == "stopped", status.stderr
    again = clone.run("make", "runtime", seconds=20)
    assert (again.returncode, again.stdout.count("Making")) == (0, 0)


def test_a_python_that_is_too_old_is_named(clone: Clone) -> None:
    old = clone.path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    shutil.rmtree(clone.folder / ".venv", ignore_errors=True)
    refused = clone.run("make", "runtime", "PYTHON=old-python", seconds=20)
    assert refused.returncode != 0
    assert "Cangdan needs Python 3.11, 3.12 or 3.13" in refused.stdout
