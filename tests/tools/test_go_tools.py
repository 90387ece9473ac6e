"""A test that needs what cannot be built here does not vanish from a run: it fails, is counted and says why."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.go_tools import built
from tools.run_suites import counts

ROOT = Path(__file__).parents[2]
SCRIPT = 'echo "no compiler is installed" >&2; exit 3\n'
CONFTEST = """
import pytest
from pathlib import Path
from tests.go_tools import built, give_time

SCRIPT = Path(__file__).parent / "build.sh"

def pytest_collection_modifyitems(items):
    give_time([item for item in items if "tool" in item.fixturenames], SCRIPT)

@pytest.fixture(scope="session")
def tool():
    return built(SCRIPT)
"""


def test_a_test_whose_tool_cannot_be_built_is_counted_as_failed_with_the_cause(tmp_path: Path) -> None:
    (tmp_path / "build.sh").write_text(SCRIPT)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text("def test_with(tool): pass\ndef test_without(): pass\n")
    report = tmp_path / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-p",
        "no:cacheprovider",
        "-q",
        "-n0",
    ]
    done = subprocess.run([*command, f"--junitxml={report}", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert counts(report) == (1, 1)
    assert "no compiler is installed" in done.stdout


def test_what_is_built_is_named_by_its_path(tmp_path: Path) -> None:
    script = tmp_path / "build.sh"
    script.write_text('echo "/built/$1"\n')
    assert built(script, "geth") == "/built/geth"
    script.write_text("exit 4\n")
    with pytest.raises(pytest.fail.Exception, match="exits with 4"):
        built(script)
