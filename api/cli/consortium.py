"""`cangdan consortium`: the operator's part of a consortium that runs on this machine."""

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError, JsonOption, progress, show
from api.cli.processes import log_to_stderr

app = typer.Typer(help="The consortium's operator.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The consortium's operator: contracts, oracle set, members."""


@app.command()
def found(as_json: JsonOption = False) -> None:
    """Make the keys and certificates of operator and oracles, deploy and wire the contracts, name the oracles.

    What is done already stays, so it can be run again at any time.
    """
    from api.founding.found import found as found_consortium
    from api.founding.operator import FoundingError
    from api.goods_key import GoodsKeyError
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainUnavailable, RpcError
    from ledger_node.deploy import AddressesError, DeployError
    from ledger_node.keys import KeyFileError
    from ledger_node.outbox import ActConflict, ActPending, OutboxLocked, OutboxMismatch
    from ledger_node.signing import SignerError
    from oracle.tls import TlsError

    log_to_stderr()
    _, settings = read_settings()
    try:
        with progress("founding") as tell:
            addresses = found_consortium(settings, tell)
    except ChainUnavailable as error:
        raise CommandError(str(error), "start the ledger's node first") from None
    except ActPending as error:
        raise CommandError(str(error), "run the same command again: it goes on where it is") from None
    except (DeployError, AddressesError, FoundingError, KeyFileError, SignerError, TlsError) as error:
        raise CommandError(str(error)) from None
    except (GoodsKeyError, OutboxLocked, OutboxMismatch, ActConflict) as error:
        raise CommandError(str(error)) from None
    except (RpcError, AnswerError) as error:
        raise CommandError(str(error)) from None
    result = {"chainId": addresses.chain_id, "contracts": len(addresses.contracts), "oracles": len(settings.oracles)}
    show(result, as_json=as_json, text=f"{len(addresses.contracts)} contracts, {len(settings.oracles)} oracles")
