"""The logins of the people whom this machine has enrolled, for its owner to hand out. The file is the owner's alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ledger_node.files import replace_private

LOGINS_FILE = "logins.json"


@dataclass(frozen=True, slots=True)
class Login:
    """What a person types to sign in."""

    role: str
    member: str
    login: str
    password: str


def logins(home: Path) -> tuple[Login, ...]:
    """The logins that were made here, in the order of enrolment."""
    path = home / LOGINS_FILE
    return tuple(Login(**each) for each in json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()


def append_logins(home: Path, new: Sequence[Login]) -> None:
    """Keep more logins."""
    kept = [*logins(home), *new]
    text = json.dumps([asdict(login) for login in kept], ensure_ascii=False, indent=2)
    replace_private(home / LOGINS_FILE, text.encode() + b"\n")
