"""`cangdan audit`: the state rebuilt from events alone, compared with the chain's storage, and its digest."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import CommandError, JsonOption, answer, progress, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger_node.client import ChainClient
    from registry.transitions import Deployment

app = typer.Typer(help="Replay and digest of the state.", no_args_is_help=True)
RpcOption = Annotated[str | None, typer.Option("--rpc", help="A node; the settings' node when not given.")]
BlockOption = Annotated[int | None, typer.Option("--block", min=0, help="As of this block; the newest when not given.")]


@app.callback()
def group() -> None:
    """Checks of the whole ledger, made from its events alone; no index is asked."""


@app.command()
def replay(rpc: RpcOption = None, block: BlockOption = None, as_json: JsonOption = False) -> None:
    """Rebuild all state from the events and compare it with the chain's storage; name every field that differs.

    Ends with 0 when nothing differs, with 1 otherwise.
    """
    from registry.audit import audit

    with _chain(rpc) as (client, deployment, first), progress("audit") as tell:
        found = audit(client, deployment, first, block, tell)
    lines = [
        f"{each.contract} {each.id} {each.field}: expected {each.expected}, observed {each.observed}"
        for each in found.differences
    ]
    said = f"block {found.block}: {found.events} events, {found.items} items, {found.slots} slots compared"
    result = {
        "ok": not lines,
        "block": found.block,
        "blockHash": found.block_hash,
        "events": found.events,
        "items": found.items,
        "slots": found.slots,
        "differences": list(found.differences),
    }
    show(result, as_json=as_json, text="\n".join([*lines, f"{said}, {len(lines) or 'none'} differ"]))
    answer(not lines)


@app.command()
def digest(rpc: RpcOption = None, block: BlockOption = None, as_json: JsonOption = False) -> None:
    """The digest of the logical state (docs/formats/digest.md): equal wherever the same things happened."""
    from registry.audit import rebuild
    from registry.digest import digest as digest_of
    from registry.digest import logical_state

    with _chain(rpc) as (client, deployment, first):
        number = client.block_number() if block is None else block
        state, _ = rebuild(client, deployment, first, number)
    value = "0x" + digest_of(state).hex()
    show({"digest": value, "block": number, "state": logical_state(state)}, as_json=as_json, text=value)


@contextmanager
def _chain(rpc: str | None) -> "Iterator[tuple[ChainClient, Deployment, int]]":
    """The node and the contracts of the settings; what goes wrong with them is told in one line."""
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainClient, ChainUnavailable, RpcError, WrongChain
    from ledger_node.deploy import AddressesError, load_addresses
    from registry.acts import ActError
    from registry.deployment import deployment_of, first_block
    from registry.state import StateError
    from registry.transitions import EventError
    from registry.words import WordError

    _, settings = read_settings()
    try:
        addresses = load_addresses(settings.contracts.addresses_file)
        client = ChainClient(rpc or settings.ledger.rpc_urls)
        client.check_chain(addresses.chain_id, addresses.genesis_hash)
        yield client, deployment_of(addresses), first_block(addresses)
    except AddressesError as error:
        raise CommandError(str(error), "run cangdan contracts deploy") from None
    except ChainUnavailable as error:
        raise CommandError(str(error), "start the node, or give its address with --rpc") from None
    except (StateError, ActError, EventError, WordError) as error:
        raise CommandError(f"the events contradict each other: {error}", "compare this node with another one") from None
    except (WrongChain, RpcError, AnswerError) as error:
        raise CommandError(str(error)) from None
