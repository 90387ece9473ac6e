"""A fresh clone on a machine with python3, make, git and coreutils alone, without root and without an environment."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.supervisor import lockfile
from ledger_node.ports import reserved_ports

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

    def interrupt(self, *command: str, at: str) -> None:
        """Run a command and press Ctrl-C once it says that on standard error.

        Who runs the tests in the background of a script ignores that key, and so would what they start.
        """
        environment = {"PATH": str(self.path), "HOME": str(self.home)}
        with subprocess.Popen(
            ("env", "--default-signal=INT", *command),
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **person(),
        ) as process:
            assert process.stderr is not None
            assert any(at in line for line in process.stderr), f"{command} ended before it said {at}"
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=60)
        assert process.returncode != 0


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
        give_to_nobody(base)
        yield made


def give_to_nobody(base: Path) -> None:
    """Let all below a folder belong to who runs the commands there."""
    if os.geteuid() == 0:
        for folder, _, files in os.walk(base):
            for entry in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(entry, NOBODY, NOBODY, follow_symlinks=False)


@pytest.fixture
def private_ports() -> Iterator[str]:
    """Settings with ports of the clone's own, since another product may run on this machine."""
    with reserved_ports(7) as ports:
        yield settings_of(*ports)


def settings_of(ledger: int, indexer: int, api: int, *oracles: int) -> str:
    sections = f"[ledger]\nport = {ledger}\n[indexer]\nport = {indexer}\n"
    sections += f'[api]\nport = {api}\npublic_url = "http://127.0.0.1:{api}"\n'
    return sections + "".join(
        f'[[oracles]]\nname = "oracle-{number}"\nport = {port}\n' for number, port in enumerate(oracles, start=1)
    )


def read(url: str) -> tuple[int, str]:
    """What a browser without a session gets in the end."""
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.status, response.read().decode()


def status(clone: Clone) -> dict[str, object]:
    told: dict[str, object] = json.loads(clone.run(".venv/bin/cangdan", "status", "--json").stdout)
    return told


def digest(clone: Clone) -> str:
    """The logical state of the chain as it runs."""
    told = clone.run(".venv/bin/cangdan", "audit", "digest", "--json")
    assert told.returncode == 0, told.stderr
    return str(json.loads(told.stdout)["digest"])


def console(printed: str) -> str:
    return next(line.split()[1] for line in printed.splitlines() if line.startswith("console"))


def verify_line(printed: str) -> list[str]:
    """The command that is printed for checking a proof."""
    return next(shlex.split(line.split(": ", 1)[1]) for line in printed.splitlines() if " verify " in line)


def test_a_python_that_is_too_old_is_named(clone: Clone) -> None:
    old = clone.path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = clone.run("make", "up", "PYTHON=old-python", seconds=120)
    assert refused.returncode != 0
    assert "Cangdan needs Python 3.11, 3.12 or 3.13" in refused.stdout


@pytest.mark.timeout(900)
def test_make_up_leads_to_a_running_product_whose_state_survives(clone: Clone, private_ports: str) -> None:
    (clone.folder / ".cangdan").mkdir(mode=0o700)
    (clone.folder / ".cangdan" / "cangdan.toml").write_text(private_ports)
    give_to_nobody(clone.folder / ".cangdan")
    try:
        clone.interrupt("make", "up", at="enrolling parties and devices")
        loading = lockfile.holder(clone.folder / ".cangdan" / "run" / "loading.lock")
        assert loading is not None
        first = clone.run("make", "up", seconds=600)
        assert first.returncode == 0, first.stderr
        roles = [line.split()[0] for line in first.stdout.splitlines() if "-clerk" in line]
        assert roles == ["bank", "keeper", "depositor", "insurer", "inspector", "regulator"]
        assert "not as expected" not in first.stdout, first.stdout
        assert "<html" in read(console(first.stdout))[1]
        evidence = clone.folder / ".cangdan" / "evidence"
        assert sorted(path.parent.name for path in evidence.glob("*/outcome.json")) == ["e-fence", "pv-plant"]
        assert (clone.folder / ".cangdan" / "run" / "loading.lock").read_text() == str(loading)
        checked = clone.run(*verify_line(first.stdout))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        before, processes = digest(clone), status(clone)["units"]

        second = clone.run("make", "up", seconds=180)
        assert second.returncode == 0, second.stderr
        assert first.stdout.endswith(second.stdout)
        assert "loading" not in second.stderr
        assert status(clone)["units"] == processes

        assert clone.run("make", "down").returncode == 0
        assert status(clone)["phase"] == "stopped"
        third = clone.run("make", "up", seconds=180)
        assert third.returncode == 0, third.stderr
        assert "loading" not in third.stderr
        assert digest(clone) == before
        assert read(console(third.stdout))[0] == 200
    finally:
        clone.run("make", "down")
