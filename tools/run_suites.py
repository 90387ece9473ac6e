"""Run lint and every test suite, say how many minutes each took, and close with the sum of passed and failed.

--deep runs the full sizes (CANGDAN_DEEP=1), --only NAME one suite. Exits with 1 when one failed.
"""

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BIN = Path(sys.executable).parent
REPORTS = Path("build/reports")
LINT = (
    (str(BIN / "ruff"), "check", "--output-format", "concise", "."),
    (str(BIN / "ruff"), "format", "--check", "--output-format", "concise", "."),
    (str(BIN / "mypy"),),
    (str(BIN / "lint-imports"),),
    (sys.executable, "tools/size_guard.py"),
)
SUITES = (
    "tools",
    "contracts",
    "ledger_node",
    "oracle",
    "registry",
    "power_cut",
    "api",
    "benchmarks",
    "scenarios",
    "network",
    "qbft",
)
SERIAL = ("network", "qbft")
"""Suites whose tests share one thing that takes long to start, so that one worker runs them all."""
TOGETHER = (("contracts", "tools", "ledger_node", "oracle"), ("registry", "benchmarks", "power_cut"))
"""Suites that run as one in a whole run: two workers begin and end once, and neither waits for the other in between."""
BESIDE = ("network",)
"""Suites that wait for blocks most of the time: they run beside the others, and what they say is shown at the end."""
NEEDS = {"qbft": "CANGDAN_QBFT_BINARY"}
"""Suites that are left out of a whole run where their variable names no executable; the last lines say so."""
# Files that take long, in the order in which the two workers are to take them; the rest of a suite follows. (A worker
# is given its first two files at once, so a short one stands after the two longest.)
FIRST = {
    "contracts": ("test_artifacts.py", "test_forge.py"),
    "benchmarks": ("test_suite.py",),
    "api": ("test_fresh_clone.py", "browser/test_pages.py"),
    "scenarios": ("test_packs.py", "test_kills.py", "test_wrong_use.py", "test_anvil.py"),
    "network": ("test_packs.py", "test_headers.py", "test_faults.py", "test_votes.py"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one suite went."""

    name: str
    ok: bool
    minutes: float
    passed: int = 0
    failed: int = 0


def lint() -> Outcome:
    """Style, types, imports and sizes; all are run, also after one has failed."""
    begun = time.monotonic()
    bad = 0
    for command in LINT:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            bad += 1
            print(f"failed: {Path(command[0]).name} {' '.join(command[1:])}\n{done.stdout}{done.stderr}", flush=True)
    return Outcome("lint", bad == 0, (time.monotonic() - begun) / 60)


def suite(name: str, deep: bool, log: IO[bytes] | None = None) -> Outcome:
    """The tests of one package, or of several named with + between, on two cores unless it is serial.

    A file stays with one worker. `log` hears what they say.
    """
    begun = time.monotonic()
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    workers = ("-n0",) if name in SERIAL else ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    named = [file for each in name.split("+") for file in files(Path("tests") / each)]
    command = [sys.executable, "-m", "pytest", *named, "-q", *workers]
    environment = {**os.environ, **({"CANGDAN_DEEP": "1"} if deep else {})}
    command += [f"--junitxml={report}", "--durations=5"]
    code = subprocess.run(command, env=environment, stdout=log, stderr=log).returncode
    passed, failed = counts(report)
    return Outcome(name, code == 0, (time.monotonic() - begun) / 60, passed, failed)


def files(folder: Path) -> list[str]:
    """The test files of a suite, those of FIRST before the others."""
    first = [folder / file for file in FIRST.get(folder.name, ())]
    rest = sorted(set(folder.rglob("test_*.py")) - set(first))
    return [str(file) for file in (*first, *rest)]


def counts(report: Path) -> tuple[int, int]:
    """Passed and failed tests of a JUnit report; what was skipped counts as failed, since nothing may be."""
    if not report.exists():
        return 0, 1
    found = next(ElementTree.parse(report).iter("testsuite"))
    failed = sum(int(found.get(kind, "0")) for kind in ("failures", "errors", "skipped"))
    return int(found.get("tests", "0")) - failed, failed


def one(name: str, deep: bool) -> Outcome:
    """Lint or a suite."""
    print(f"== {name}", flush=True)
    return lint() if name == "lint" else suite(name, deep)


def everything(deep: bool) -> list[Outcome]:
    """Lint, then all suites that are to run, one after the other and those of BESIDE beside them."""
    wanted = [name for name in SUITES if name not in left_out()]
    for group in TOGETHER:
        place = wanted.index(group[0])
        wanted = [name for name in wanted if name not in group]
        wanted.insert(place, "+".join(group))
    outcomes = [one("lint", deep)]
    with ThreadPoolExecutor(len(BESIDE)) as others:
        beside = {name: others.submit(heard, name, deep) for name in wanted if name in BESIDE}
        print("".join(f"== {name} runs beside the others\n" for name in beside), end="", flush=True)
        outcomes += [one(name, deep) for name in wanted if name not in beside]
        for name, outcome in beside.items():
            outcomes.append(outcome.result())
            print(f"== {name}\n{log_of(name).read_text(errors='replace')}", flush=True)
    return outcomes


def left_out() -> list[str]:
    """The suites that a whole run should have and cannot."""
    return [name for name in SUITES if name in NEEDS and not os.environ.get(NEEDS[name])]


def heard(name: str, deep: bool) -> Outcome:
    """A suite whose words go to a file."""
    with log_of(name).open("wb") as log:
        return suite(name, deep, log)


def log_of(name: str) -> Path:
    """Where the words of a suite are that runs beside the others."""
    return REPORTS / f"{name}.txt"


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--only", choices=("lint", *SUITES))
    options = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    outcomes = [one(options.only, options.deep)] if options.only else everything(options.deep)
    print("\nminutes per suite")
    for outcome in outcomes:
        print(f"  {outcome.name:<36} {outcome.minutes:6.2f}  {'ok' if outcome.ok else 'FAILED'}")
    print(f"  {'all':<36} {(time.monotonic() - begun) / 60:6.2f}")
    for name in () if options.only else left_out():
        print(f"left out: {name}, since {NEEDS[name]} names no executable")
    if options.only != "lint":
        print(f"{sum(o.passed for o in outcomes)} passed, {sum(o.failed for o in outcomes)} failed")
    return 0 if all(outcome.ok and not outcome.failed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
