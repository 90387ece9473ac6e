"""What is kept of the packs that show the product: how far their loading is, and the evidence that came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

PACKS = ("e-fence", "pv-plant")
OUTCOME_FILE, LOADING_FILE = "outcome.json", "loading"


class LoadState(StrEnum):
    """How far the loading of a pack is."""

    ABSENT = "absent"
    INTERRUPTED = "interrupted"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a running loader is."""

    done: int
    total: int
    text: str


def lock_of_loader(home: Path) -> Path:
    """Held by the process that loads packs into a state directory, and names it."""
    return home / "run" / "loading.lock"


def how_far(home: Path) -> Loading | None:
    """What the loader told last; None before it has told anything."""
    try:
        return Loading(**json.loads(progress_file(home).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def progress_file(home: Path) -> Path:
    """Where a running loader tells how far it is."""
    return home / "run" / "loading.json"


def evidence_of(home: Path, pack: str) -> Path:
    """Where a loaded pack's bundles, answers, trust file and outcome are."""
    return home / "evidence" / pack


def state_of(home: Path, pack: str) -> LoadState:
    """How far the loading of a pack is, in a state directory where nobody is loading now."""
    folder = evidence_of(home, pack)
    if (folder / OUTCOME_FILE).exists():
        return LoadState.LOADED
    return LoadState.INTERRUPTED if (folder / LOADING_FILE).exists() else LoadState.ABSENT


def attempts_of(home: Path, pack: str) -> int:
    """How often the loading of a pack was begun and not brought to its end."""
    marker = evidence_of(home, pack) / LOADING_FILE
    return int(marker.read_text(encoding="ascii")) if marker.exists() else 0


def due(home: Path, *, again: bool) -> list[str]:
    """The packs to load: those never begun, and those that were interrupted only when they may be played `again`.

    An interrupted one is played with other goods, since the first ones may be under receipts already.
    """
    wanted = (LoadState.ABSENT, LoadState.INTERRUPTED) if again else (LoadState.ABSENT,)
    return [name for name in PACKS if state_of(home, name) in wanted]


def outcome_of(home: Path, pack: str) -> dict[str, Any]:
    """The outcome of a loaded pack (docs/formats/pack.md)."""
    outcome: dict[str, Any] = json.loads((evidence_of(home, pack) / OUTCOME_FILE).read_text(encoding="utf-8"))
    return outcome


def failed_steps(home: Path, pack: str) -> list[str]:
    """The steps of a loaded pack that did not come out as expected."""
    return [str(step["name"]) for step in outcome_of(home, pack)["steps"] if not step["ok"]]
