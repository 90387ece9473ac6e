"""`cangdan trust`: the verifier's own trust file, written from a node that the verifier runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError, JsonOption, note, progress, show

if TYPE_CHECKING:
    from ledger_node.consensus.rules import Followed, Rules

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
    genesis: Annotated[
        Path | None, typer.Option(help="The chain's genesis file: believe its validators, as followed on that node.")
    ] = None,
    consensus: Annotated[
        str | None, typer.Option(help="qbft or clique, with --genesis; as that file says when not given.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="With --genesis: a checkpoint file, which saves following from block 0.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a trust file from what a node says now: chain, genesis hash, code of each contract of the addresses file.

    With --genesis the file believes the chain's validators (QBFT, Clique), with --pin the blocks pinned; with neither
    the seal of the embedded ledger's sealer.
    """
    if genesis is None and (consensus or checkpoint):
        raise CommandError("--consensus and --checkpoint need the chain's --genesis FILE", code=WRONG_USE)
    if genesis is not None and (pin or sealer):
        raise CommandError("--genesis goes with neither --pin nor --sealer", code=WRONG_USE)
    followed = None if genesis is None else _anchored(genesis, consensus, checkpoint)
    text = _exported(rpc, tuple(pin or ()), sealer, followed)
    if out is None:
        show(json.loads(text), as_json=as_json, text=text.decode)
        return
    out.write_bytes(text)
    note(f"trust file written to {out}; take it from a node of your own, never from whom you verify")


def _exported(
    rpc: str | None, pins: tuple[int, ...], sealer: str | None, anchor: "tuple[Rules, Followed | None] | None"
) -> bytes:
    """The trust file's text, from the node and the addresses file of the settings."""
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainClient, ChainUnavailable, RpcError
    from ledger_node.deploy import AddressesError, DeployError, load_addresses
    from ledger_node.hexvalues import HexError, read_address
    from ledger_node.trust import TrustError, dump_trust
    from ledger_node.trust_export import export_followed, export_trust

    _, settings = read_settings()
    client = ChainClient(rpc or settings.ledger.rpc_urls)
    try:
        addresses = load_addresses(settings.contracts.addresses_file)
        if anchor is None:
            chosen = None if sealer is None else read_address("--sealer", sealer)
            return dump_trust(export_trust(client, addresses, pins, chosen))
        with progress("headers") as report:
            tell = lambda done, total: report(done, total, "following")  # noqa: E731
            return dump_trust(export_followed(client, addresses, *anchor, tell))
    except HexError as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    except ChainUnavailable as error:
        raise CommandError(str(error), "start the node, or give its address with --rpc") from None
    except AddressesError as error:
        raise CommandError(str(error), "run cangdan contracts deploy") from None
    except TrustError as error:
        raise CommandError(str(error), "" if anchor else "pin blocks with --pin") from None
    except (DeployError, RpcError, AnswerError) as error:
        raise CommandError(str(error)) from None


def _anchored(genesis: Path, consensus: str | None, checkpoint: Path | None) -> "tuple[Rules, Followed | None]":
    """Rules and checkpoint to follow a node's headers by; wrong use when the files do not give them."""
    from ledger_node.consensus.checkpoint import CheckpointError
    from ledger_node.consensus.rules import Consensus
    from ledger_node.light_client import AnchorError, known_states, load_anchor

    followed_kinds = [Consensus.QBFT.value, Consensus.CLIQUE.value]
    try:
        if consensus is not None and consensus not in followed_kinds:
            raise AnchorError(f"--consensus: {consensus} is none of {', '.join(followed_kinds)}")
        anchor = load_anchor(genesis, None if consensus is None else Consensus(consensus))
        if anchor.rules.consensus is Consensus.EMBEDDED:
            raise AnchorError(f"{genesis}: is of an embedded ledger, whose sealer is believed without --genesis")
        states = known_states(anchor, checkpoint)
    except (AnchorError, CheckpointError) as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    return anchor.rules, states[0] if states else None
