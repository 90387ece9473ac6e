"""`cangdan indexer`: the index of the chain as a process of its own."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError, Progress, progress
from api.cli.processes import log_to_stderr

if TYPE_CHECKING:
    from registry.index.run import Shown

app = typer.Typer(name="indexer", help="The index of the chain.", no_args_is_help=True)


@app.callback()
def indexer() -> None:
    """The index of the chain, which the API reads."""


@app.command()
def run() -> None:
    """Follow the node of the settings into the index's database until stopped."""
    from ledger_node.deploy import AddressesError
    from ledger_node.monitoring import MetricsError, scrapers
    from registry.index.database import DatabaseError
    from registry.index.run import IndexerError, serve

    log_to_stderr()
    _, settings = read_settings()
    try:
        section = settings.indexer
        allowed = scrapers(settings.metrics, f"http://{section.host}:{section.port}")
        addresses_file = settings.contracts.addresses_file
        with ExitStack() as stack:
            show = _bar(stack) if sys.stderr.isatty() else None
            serve(section, settings.ledger, addresses_file, allowed, show)
    except AddressesError as error:
        raise CommandError(str(error), "run cangdan consortium found") from None
    except (DatabaseError, IndexerError, MetricsError) as error:
        raise CommandError(str(error)) from None


def _bar(stack: ExitStack) -> "Shown":
    """Shows a progress bar while the index is far behind."""
    from registry.index.run import FAR

    bars: list[Progress] = []

    def show(block: int, head: int, text: str) -> None:
        if not bars:
            bars.append(stack.enter_context(progress("catching up")))
        bars[0](block, head, text)
        if head - block <= FAR:
            stack.close()
            bars.clear()

    return show
