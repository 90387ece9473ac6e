"""What every verb shares: printing a result, one-line errors, exit codes, progress.

Exit codes: 0 yes, 1 no, 2 wrong use. A result goes to standard output, everything else to standard error.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer

YES = 0
NO = 1
WRONG_USE = 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]


class CommandError(Exception):
    """A verb cannot go on: `cause` says why, `mend` what to do, both for the person who typed it."""

    def __init__(self, cause: str, mend: str = "", code: int = NO) -> None:
        super().__init__(cause)
        self.cause = cause
        self.mend = mend
        self.code = code

    def line(self) -> str:
        """Cause and mend as one line."""
        text = f"{self.cause}; {self.mend}" if self.mend else self.cause
        return one_line(" ".join(text.split()))


class Progress(Protocol):
    """Tells how far a long step is: done of total, and what it does now."""

    def __call__(self, done: int, total: int, text: str) -> None: ...


def show(result: object, *, as_json: bool, text: str | Callable[[], str]) -> None:
    """Print a result: as one JSON document, else as text (a function is only called then)."""
    if as_json:
        line = json.dumps(result, default=_plain, ensure_ascii=False, indent=2)
    else:
        line = text if isinstance(text, str) else text()
    # Half of a surrogate pair, which a JSON file can hold and no output, becomes the escape that stands for it.
    typer.echo(line.encode(errors="backslashreplace").decode())


def one_line(text: str) -> str:
    """Text with words of a foreign file in it: what is no printable character becomes an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def answer(yes: bool) -> None:
    """End the verb with 0 for yes and 1 for no."""
    raise typer.Exit(YES if yes else NO)


def note(text: str) -> None:
    """Say something beside the result, on standard error."""
    typer.echo(text, err=True)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A progress bar on a terminal; elsewhere one line for each new text. Both on standard error."""
    if not sys.stderr.isatty():
        yield _line_progress(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{title}: {text}")

        yield report


def _line_progress(title: str) -> Progress:
    last: list[str] = [""]

    def report(done: int, total: int, text: str) -> None:
        if text != last[0]:
            last[0] = text
            note(f"{title} [{done}/{total}]: {text}")

    return report


def _plain(value: object) -> object:
    """JSON form of the value types that results hold; TypeError for any other."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a result holds {type(value).__name__}, which has no JSON form")
