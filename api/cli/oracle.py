"""`cangdan oracle`: one oracle as a process of its own."""

from typing import Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError
from api.cli.processes import log_to_stderr

app = typer.Typer(name="oracle", help="The oracles of this machine.", no_args_is_help=True)


@app.callback()
def oracle() -> None:
    """An oracle takes signed readings, agrees on figures with the others, anchors them and executes rules."""


@app.command()
def run(name: Annotated[str, typer.Option(help="Which of the oracles in the settings file.")]) -> None:
    """Run one oracle until it is stopped; it waits for its node and for the contracts."""
    from api.settings import SettingsError
    from oracle.run import OracleError, OracleProcess, serve

    log_to_stderr()
    _, settings = read_settings()
    try:
        section = settings.oracle(name)
    except SettingsError as error:
        raise CommandError(str(error), "give one of them as --name", WRONG_USE) from None
    if not section.is_here:
        cause = f"oracles.{name}.account: says that this oracle runs elsewhere"
        raise CommandError(cause, "run it where its key_file or signer is", WRONG_USE)
    others = tuple(each.url for each in settings.oracles if each.name != name)
    ledger, addresses_file = settings.ledger, settings.contracts.addresses_file
    try:
        authority = settings.tls.authority_file
        process = OracleProcess(
            section, others, authority, ledger.rpc_urls, addresses_file, ledger.finality, settings.metrics
        )
        serve(process)
    except OracleError as error:
        raise CommandError(str(error)) from None
