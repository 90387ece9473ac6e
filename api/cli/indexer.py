"""`cangdan indexer`: the index of the chain as a process of its own."""

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError
from api.cli.processes import log_to_stderr

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
        serve(section, settings.ledger.rpc_urls, addresses_file, settings.ledger.finality, allowed)
    except AddressesError as error:
        raise CommandError(str(error), "run cangdan consortium found") from None
    except (DatabaseError, IndexerError, MetricsError) as error:
        raise CommandError(str(error)) from None
