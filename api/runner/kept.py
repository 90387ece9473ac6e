"""What is kept of the packs that show the product: how far their loading is, and the evidence that came of it."""

from __future__ import annotations

import json
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


def outcome_of(home: Path, pack: str) -> dict[str, Any]:
    """The outcome of a loaded pack (docs/formats/pack.md)."""
    outcome: dict[str, Any] = json.loads((evidence_of(home, pack) / OUTCOME_FILE).read_text(encoding="utf-8"))
    return outcome


def failed_steps(home: Path, pack: str) -> list[str]:
    """The steps of a loaded pack that did not come out as expected."""
    return [str(step["name"]) for step in outcome_of(home, pack)["steps"] if not step["ok"]]
