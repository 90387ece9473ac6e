"""What `cangdan up` does once all is ready: load the packs that show the product, and say where to look."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from api.cli.output import CommandError, note, progress
from api.founding.logins import Login, logins
from api.runner.kept import (
    PACKS,
    LoadState,
    due,
    evidence_of,
    failed_steps,
    how_far,
    lock_of_loader,
    outcome_of,
    state_of,
)
from api.stack import COMMAND
from api.supervisor import lockfile
from api.supervisor.control import LOOK_SECONDS, start_in_background

_ROLES = ("bank", "keeper", "depositor", "insurer", "inspector", "regulator")


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack in the running stack: how far its loading is, and its steps that did not come out as expected."""

    name: str
    state: LoadState
    failed: list[str]


def packs(home: Path) -> list[LoadedPack]:
    """The packs as they are in a state directory."""
    return [_pack(home, name) for name in PACKS]


def load_packs(home: Path, *, again: bool) -> bool:
    """Have the packs loaded by a process of its own, and watch it; whether all that was to be loaded is loaded.

    It goes on when this command is interrupted; the next one watches the same process.
    """
    running = lockfile.held(lock_of_loader(home))
    names = [name for name in PACKS if state_of(home, name) != LoadState.LOADED] if running else due(home, again=again)
    if not names:
        return True
    log = home / "logs" / "loading.log"
    words = ("--home", str(home), "scenario", "load", *(("--again",) if again else ()))
    process = None if running else start_in_background((*COMMAND, *words), log)
    try:
        with progress("loading") as tell:
            while lockfile.held(lock_of_loader(home)) or (process is not None and process.poll() is None):
                if (told := how_far(home)) is not None:
                    tell(told.done, told.total, told.text)
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        note("the loading goes on in the background; cangdan up says how far it is")
        raise
    for line in log.read_text(encoding="utf-8").splitlines():
        note(line)
    return all(state_of(home, name) == LoadState.LOADED for name in names)


def text(home: Path, console: str) -> str:
    """Address, a login for each role, three things to try."""
    found = logins(home)
    lines = ["", f"console  {console}"]
    if found:
        lines += ["", f"logins, one for each role (all of them: {_near(home / 'logins.json')})", *_table(found)]
    if state_of(home, PACKS[0]) == LoadState.LOADED:
        lines += ["", "three things to try", *(f"  {at}. {each}" for at, each in enumerate(_tries(home, console), 1))]
    lines += ["", *(f"{each.name}: {_told(each)}" for each in packs(home) if each.state != "loaded" or each.failed)]
    return "\n".join(lines).rstrip()


def _pack(home: Path, name: str) -> LoadedPack:
    state = state_of(home, name)
    return LoadedPack(name, state, failed_steps(home, name) if state == LoadState.LOADED else [])


def _told(pack: LoadedPack) -> str:
    if pack.state == LoadState.LOADED:
        return f"not as expected: {', '.join(pack.failed)}"
    if pack.state == LoadState.INTERRUPTED:
        return "its loading was cut off; what it did stays, and cangdan up --scenarios plays it again with other goods"
    return f"{pack.state}; cangdan up --scenarios loads it"


def _table(found: Iterable[Login]) -> list[str]:
    first = {login.role: login for login in reversed(tuple(found))}
    shown = [first[role] for role in _ROLES if role in first]
    return [f"  {each.role:<11}{each.login:<24}{each.password:<20}{each.member}" for each in shown]


def _tries(home: Path, console: str) -> list[str]:
    evidence = evidence_of(home, PACKS[0])
    facility, bundle = _facility(home)
    program = _near(Path(sys.executable).parent / "cangdan")
    files = [f"{bundle}.bundle.json", "--trust", "trust.json", "--answer", f"{bundle}.answer.json"]
    words = [each if each.startswith("--") else _near(evidence / each) for each in files]
    return [
        f"as the bank, see why a loan was frozen and cleared: {console}/facilities/{facility}",
        f"check its proof without the product's help: {shlex.join([program, 'verify', *words])}",
        f"as the regulator, see the drawdown that the ledger refused: {console}/refusals",
    ]


def _facility(home: Path) -> tuple[str, str]:
    """The id of the loan that the first pack opens, and what its evidence files are called."""
    for name in outcome_of(home, PACKS[0])["answers"]:
        data = json.loads(Path(name).read_text(encoding="utf-8"))["data"]
        if "lender" in data:
            return str(data["id"]), Path(name).name.removesuffix(".answer.json")
    raise CommandError(f"{evidence_of(home, PACKS[0])}: has no answer about a facility", "load the pack anew")


def _near(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
