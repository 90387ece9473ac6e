"""docs/formats/cli.md against the command itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from api.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "formats" / "cli.md").read_text("utf-8")
USAGES = re.findall(r"`([^`]+)`", PAGE)


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each verb that does something, by the words that name it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from commands(each, f"{path} {name}".strip())


def test_each_verb_is_described_with_all_its_options() -> None:
    missing: list[str] = []
    for path, command in commands(typer.main.get_command(app)):
        described = " ".join(usage for usage in USAGES if f"{usage} ".startswith(f"{path} "))
        options = [each.opts[-1] for each in command.params if each.opts[-1].startswith("--") and each.name != "help"]
        missing += [f"{path} {option}" for option in options if not re.search(rf"{option}\b", described)]
        missing += [] if described else [path]
    assert missing == []


def test_no_verb_is_described_that_there_is_not() -> None:
    first = {path.split()[0] for path, _ in commands(typer.main.get_command(app))}
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert {word.strip() for heading in headings for word in heading.split(",")} == first
