"""`cangdan ledger`: the embedded ledger as a process of its own."""

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError
from api.cli.processes import log_to_stderr

app = typer.Typer(name="ledger", help="The embedded ledger.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The embedded ledger: an EVM chain with one sealer, kept on this machine."""


@app.command()
def serve() -> None:
    """Serve the embedded ledger as JSON-RPC over HTTP and WebSocket until it is stopped.

    The first start makes a genesis file and a sealer key in the ledger's directory when there are none.
    """
    from ledger_node.embedded.errors import LedgerError
    from ledger_node.embedded.files import open_files
    from ledger_node.embedded.sealer import Pace
    from ledger_node.embedded.server import LOCAL_HOSTS, ServerSettings
    from ledger_node.embedded.server import serve as serve_ledger
    from ledger_node.monitoring import MetricsError, scrapers

    log_to_stderr()
    _, settings = read_settings()
    section = settings.ledger
    if section.engine != "embedded":
        raise CommandError("ledger.engine is external: its node is somebody else's", "set it to embedded", WRONG_USE)
    try:
        genesis, signer = open_files(section.directory)
        pace = Pace(section.block_seconds, section.idle_seconds)
        allowed = scrapers(settings.metrics, f"http://{section.host}:{section.port}")
        served = ServerSettings(
            section.directory, genesis, section.host, section.port, pace, hosts=(*LOCAL_HOSTS, section.host),
            scrapers=allowed,
        )  # fmt: skip
        serve_ledger(served, signer)
    except (LedgerError, MetricsError) as error:
        raise CommandError(str(error)) from None
