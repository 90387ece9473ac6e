"""`cangdan consortium`: the operator's part of a consortium that runs on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

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

    It is done once: run again it finishes what was stopped, and says where the settings are not what is in force.
    """
    from api.founding.found import found as found_consortium

    log_to_stderr()
    _, settings = read_settings()
    with _one_line(), progress("founding") as tell:
        founding = found_consortium(settings, tell)
    contracts, oracles = len(founding.addresses.contracts), len(founding.oracles.members)
    result = {
        "chainId": founding.addresses.chain_id,
        "contracts": contracts,
        "oracles": oracles,
        "difference": founding.difference,
    }
    told = f"{founding.difference}; cangdan consortium oracles names those of the settings"
    show(result, as_json=as_json, text=told if founding.difference else f"{contracts} contracts, {oracles} oracles")


@app.command()
def oracles(as_json: JsonOption = False) -> None:
    """Name the oracles of the settings as the consortium's; nothing is sent when they are it already."""
    from api.founding.found import set_oracles
    from ledger_node.client import ChainClient
    from ledger_node.deploy import check_in_place, load_addresses
    from ledger_node.hexvalues import address_hex

    log_to_stderr()
    _, settings = read_settings()
    with _one_line():
        client = ChainClient(settings.ledger.rpc_urls)
        addresses = load_addresses(settings.contracts.addresses_file)
        check_in_place(client, addresses)
        now = set_oracles(settings, client, addresses)
    members = [address_hex(each) for each in now.members]
    result = {"epoch": now.epoch, "faulty": now.faulty, "oracles": members}
    show(result, as_json=as_json, text=f"set {now.epoch}: {', '.join(members)}; at most {now.faulty} may lie")


@contextmanager
def _one_line() -> Iterator[None]:
    """What can go wrong with keys, files, nodes and acts, as one line with its mend."""
    from api.founding.operator import FoundingError
    from api.goods_key import GoodsKeyError
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainUnavailable, RpcError
    from ledger_node.deploy import AddressesError, DeployError
    from ledger_node.keys import KeyFileError
    from ledger_node.outbox import ActConflict, ActPending, OutboxLocked, OutboxMismatch
    from ledger_node.signing import SignerError
    from oracle.tls import TlsError

    try:
        yield
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
