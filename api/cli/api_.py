"""`cangdan api`: the HTTP interface and the console as a process of its own."""

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError
from api.cli.processes import log_to_stderr

app = typer.Typer(name="api", help="The HTTP interface and the console.", no_args_is_help=True)


@app.callback()
def api() -> None:
    """The HTTP interface and the console of the members on this machine."""


@app.command()
def serve() -> None:
    """Serve the HTTP interface and the console until stopped."""
    from api.goods_key import GoodsKeyError
    from api.members import MembersError
    from api.serve import serve as serve_api
    from ledger_node.deploy import AddressesError
    from ledger_node.monitoring import MetricsError

    log_to_stderr()
    _, settings = read_settings()
    try:
        serve_api(settings)
    except (AddressesError, GoodsKeyError, MembersError, MetricsError) as error:
        raise CommandError(str(error)) from None
