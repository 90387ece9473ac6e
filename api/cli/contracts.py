"""`cangdan contracts`: compile them, put them on a chain, say where they are, show their interfaces."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.home import read_settings
from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, progress, show
from ledger_node.files import make_folder, replace_atomically

app = typer.Typer(help="The contracts.", no_args_is_help=True)

CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; say whether the artifacts are up to date.")]


@app.callback()
def group() -> None:
    """The contracts: compile them, put them on a chain, say where they are, show their interfaces."""


@app.command()
def build(check: CheckOption = False, as_json: JsonOption = False) -> None:
    """Compile the contracts of the project in the working directory, with the settings of brownie-config.yaml.

    With --check the exit code is 0 when the committed artifacts are what would be written, else 1.
    """
    from ledger_node.bindgen import of_artifacts, write
    from ledger_node.build import BuildError, compile_contracts, write_artifacts

    root = Path.cwd()
    bindings = root / "ledger_node" / "bindings"
    try:
        artifacts = compile_contracts(root)
        modules = of_artifacts(artifacts)
        files = {root / "contracts" / "artifacts" / name: text for name, text in artifacts.items()}
        files |= {bindings / name: text.encode() for name, text in modules.items()}
        stale = sorted(str(file.relative_to(root)) for file, text in files.items() if _differs(file, text))
        if not check:
            write_artifacts(root, artifacts)
            write(bindings, modules)
    except BuildError as error:
        raise CommandError(str(error), "run it in the root of the project's source") from None
    result = {"artifacts": sorted(artifacts), "bindings": sorted(modules), "stale": stale}
    show(result, as_json=as_json, text=lambda: _told(artifacts, stale, check))
    if check:
        answer(not stale)


@app.command()
def deploy(
    key: Annotated[Path, typer.Option(help="The operator's encrypted key file.")],
    passphrase_file: Annotated[Path, typer.Option(help="Its passphrase, in a file of mode 0600.")],
    rpc: Annotated[str | None, typer.Option(help="JSON-RPC address; the settings' node when not given.")] = None,
    registrar: Annotated[str | None, typer.Option(help="Who registers entities; the operator when not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Put all contracts on the chain, wire them, and write their addresses to the file of the settings.

    The consortium's key for goods keys is made where the settings name it, unless it is there. What was put in place
    before stays, so a deployment that was stopped goes on.
    """
    from api.goods_key import make_goods_key
    from ledger_node import deploy as deployment
    from ledger_node.client import ChainClient
    from ledger_node.hexvalues import address_hex, read_address
    from ledger_node.keys import load_signer
    from ledger_node.outbox import GasPolicy, Outbox
    from registry.goods import goods_key_hash

    home, settings = read_settings()
    with _one_line():
        signer = load_signer(key, passphrase_file)
        chosen = None if registrar is None else read_address("--registrar", registrar)
        goods = goods_key_hash(make_goods_key(settings.api.goods_key_file))
        client = ChainClient(rpc or settings.ledger.rpc_urls)
        file = home / "outbox" / f"{client.chain_id()}-{address_hex(signer.address)}.sqlite"
        outbox = Outbox(file, client, signer, policy=GasPolicy.of_chain(client), finality=settings.ledger.finality)
        try:
            with progress("deploy") as tell:
                found = deployment.deploy(
                    client, outbox, signer.address, goods_key_hash=goods, registrar=chosen, tell=tell
                )
        finally:
            outbox.close()
    text = deployment.dump_addresses(found)
    make_folder(settings.contracts.addresses_file.parent)
    replace_atomically(settings.contracts.addresses_file, text)
    show(json.loads(text), as_json=as_json, text=lambda: f"{len(found.contracts)} contracts on chain {found.chain_id}")


@app.command()
def addresses(as_json: JsonOption = False) -> None:
    """Say where the contracts are, from the addresses file of the settings."""
    from ledger_node.deploy import dump_addresses, load_addresses
    from ledger_node.hexvalues import address_hex

    _, settings = read_settings()
    with _one_line():
        found = load_addresses(settings.contracts.addresses_file)
    lines = (f"{each.name:20} {address_hex(each.address)}" for each in found.contracts)
    show(json.loads(dump_addresses(found)), as_json=as_json, text=lambda: "\n".join(lines))


@app.command()
def abi(name: Annotated[str, typer.Argument(help="A contract, e.g. ReceiptRegistry.")]) -> None:
    """Print a contract's interface (ABI) as JSON."""
    from ledger_node.artifacts import ArtifactMissing, artifact, names

    try:
        found = artifact(name)
    except ArtifactMissing:
        raise CommandError(f"no contract is called {name!r}", f"there are {', '.join(names())}") from None
    typer.echo(json.dumps(found.abi, indent=2))


@contextmanager
def _one_line() -> Iterator[None]:
    """What can go wrong with keys, files and nodes, as one line with its mend."""
    from api.goods_key import GoodsKeyError
    from ledger_node import deploy as deployment
    from ledger_node.chain_values import AnswerError
    from ledger_node.client import ChainUnavailable, RpcError
    from ledger_node.hexvalues import HexError
    from ledger_node.keys import KeyFileError
    from ledger_node.outbox import ActConflict, ActPending, OutboxLocked, OutboxMismatch

    try:
        yield
    except (GoodsKeyError, KeyFileError, HexError) as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    except ChainUnavailable as error:
        raise CommandError(str(error), "start the node, or give its address with --rpc") from None
    except ActPending as error:
        raise CommandError(str(error), "run the same command again: it goes on where it is") from None
    except ActConflict:
        raise CommandError(
            "this key has put other contracts on this chain before", "deploy with another key, or on a new chain"
        ) from None
    except deployment.AddressesError as error:
        raise CommandError(str(error), "run cangdan contracts deploy") from None
    except (deployment.DeployError, OutboxLocked, OutboxMismatch, RpcError, AnswerError) as error:
        raise CommandError(str(error)) from None


def _differs(file: Path, text: bytes) -> bool:
    return not file.exists() or file.read_bytes() != text


def _told(artifacts: Mapping[str, bytes], stale: list[str], check: bool) -> str:
    if check:
        return f"not up to date: {', '.join(stale)}" if stale else "up to date"
    return f"{len(artifacts)} artifacts written, {len(stale)} files changed"
