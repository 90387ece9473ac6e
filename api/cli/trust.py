"""`cangdan trust`: the verifier's own trust file, written from a node that the verifier runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError, JsonOption, note, show

app = typer.Typer(help="Trust files.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Trust files: what `cangdan verify` believes before it reads any evidence (docs/formats/trust.md)."""


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Where to write it; standard output when not given.")] = None,
    rpc: Annotated[str | None, typer.Option(help="A node of your own; the settings' node when not given.")] = None,
    pin: Annotated[list[int] | None, typer.Option(help="Block number to pin; may be repeated. Engine pinned.")] = None,
    sealer: Annotated[str | None, typer.Option(help="The sealer's address; from block 0 when not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trust file from what a node says now: chain, genesis hash, code of each contract of the addresses file.

    With --pin the file believes the blocks pinned; without, the seal of the embedded ledger's sealer.
    """
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainClient, ChainUnavailable, RpcError
    from ledger_node.deploy import AddressesError, DeployError, load_addresses
    from ledger_node.hexvalues import HexError, read_address
    from ledger_node.trust import TrustError, dump_trust
    from ledger_node.trust_export import export_trust

    _, settings = read_settings()
    client = ChainClient(rpc or settings.ledger.rpc_url)
    try:
        addresses = load_addresses(settings.contracts.addresses_file)
        chosen = None if sealer is None else read_address("--sealer", sealer)
        text = dump_trust(export_trust(client, addresses, tuple(pin or ()), chosen))
    except HexError as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    except ChainUnavailable as error:
        raise CommandError(str(error), "start the node, or give its address with --rpc") from None
    except AddressesError as error:
        raise CommandError(str(error), "run cangdan contracts deploy") from None
    except TrustError as error:
        raise CommandError(str(error), "pin blocks with --pin") from None
    except (DeployError, RpcError, AnswerError) as error:
        raise CommandError(str(error)) from None
    if out is None:
        show(json.loads(text), as_json=as_json, text=text.decode)
        return
    out.write_bytes(text)
    note(f"trust file written to {out}; take it from a node of your own, never from whom you verify")
