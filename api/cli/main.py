"""The `cangdan` command: puts the verbs together and turns every error into one line and an exit code.

To add a verb: import its module here and register it in `_verbs`. Modules import what is heavy inside their commands.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import (
    api_,
    audit,
    bench,
    chain,
    consortium,
    contracts,
    indexer,
    ledger,
    oracle,
    scenario,
    segment,
    stack,
    trust,
    verify,
)
from api.cli.output import NO, WRONG_USE, CommandError

app = typer.Typer(
    name="cangdan",
    help="Digital warehouse receipts on a consortium ledger, watched by signed device readings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _verbs() -> None:
    app.command("up")(stack.up)
    app.command("down")(stack.down)
    app.command("status")(stack.status)
    app.add_typer(ledger.app, name="ledger")
    app.add_typer(oracle.app, name="oracle")
    app.add_typer(indexer.app, name="indexer")
    app.add_typer(api_.app, name="api")
    app.add_typer(contracts.app, name="contracts")
    app.add_typer(consortium.app, name="consortium")
    app.add_typer(scenario.app, name="scenario")
    app.add_typer(segment.app, name="segment")
    app.add_typer(trust.app, name="trust")
    app.add_typer(chain.app, name="chain")
    app.command("bench")(bench.bench)
    app.command("verify")(verify.verify)
    app.add_typer(audit.app, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("cangdan"))
        raise typer.Exit


@app.callback()
def options(
    home: Annotated[
        Path | None,
        typer.Option(envvar="CANGDAN_HOME", help="State directory, with cangdan.toml; .cangdan when not given."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the verb; the processes that a verb starts inherit them."""
    if home is not None:
        os.environ["CANGDAN_HOME"] = str(home.expanduser().absolute())


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code; errors are told in one line on standard error."""
    try:
        code = app(arguments, prog_name="cangdan", standalone_mode=False)
    except typer.TyperException as error:
        text = error.format_message()
        if text.startswith("Usage:"):  # a group without a verb: what it has to offer is the best answer
            typer.echo(text, err=True)
            return WRONG_USE
        context = getattr(error, "ctx", None)
        return _told(f"{text} See {context.command_path if context else 'cangdan'} --help", WRONG_USE)
    except typer.Abort:
        return _told("stopped", NO)
    except CommandError as error:
        return _told(error.line(), error.code)
    except OSError as error:
        return _told(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), NO)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the console script."""
    _silence_warnings_of_libraries()
    sys.exit(run())


def _told(text: str, code: int) -> int:
    typer.echo("cangdan: " + " ".join(text.split()), err=True)
    return code


def _silence_warnings_of_libraries() -> None:
    """Deprecations inside dependencies are no concern of the person at the terminal."""
    if not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")


_verbs()

if __name__ == "__main__":
    main()
