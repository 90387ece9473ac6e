"""`cangdan scenario`: play scenario packs and show what came of them."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, note, show

app = typer.Typer(name="scenario", help="Scenario packs.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Scenario packs: whole systems as data, played on a private stack and compared with what they expect."""


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """The packs that come with the product."""
    from api.runner.pack import load
    from api.runner.run import find, names

    packs = [load(find(name)) for name in names()]
    rows = [{"name": pack.name, "title": pack.title.en, "episodes": list(pack.episodes)} for pack in packs]
    show(rows, as_json=as_json, text=lambda: "\n".join(f"{pack.name:16} {pack.title.en}" for pack in packs))


@app.command()
def schema() -> None:
    """The JSON Schema of packs, for an editor or a checker."""
    from api.runner.pack import Pack

    typer.echo(json.dumps(Pack.model_json_schema(), ensure_ascii=False, indent=2))


@app.command()
def load(
    again: Annotated[bool, typer.Option("--again", help="Also those that were interrupted, with other goods.")] = False,
) -> None:
    """Load the packs that show the product into the one that runs, each once; `cangdan up` does so by itself."""
    from api.cli.home import read_settings
    from api.runner.kept import due
    from api.runner.loading import AlreadyLoading, load_pack, loader

    home, _ = read_settings()
    missed: list[str] = []
    try:
        with loader(home):
            for name in due(home, again=again):
                try:
                    with one_line():
                        load_pack(home, name)
                except CommandError as error:
                    missed.append(name)
                    note(f"{name}: not loaded: {error.line()}")
    except AlreadyLoading:
        raise CommandError("another command is loading packs already") from None
    answer(not missed)


@app.command()
def run(
    pack: Annotated[str, typer.Argument(help="A pack by name, or the path of its YAML file.")],
    rpc: Annotated[str | None, typer.Option(help="Play on this chain (JSON-RPC address), not on a new ledger.")] = None,
    funder: Annotated[Path | None, typer.Option(help="Key file of the account that pays for gas there.")] = None,
    finality: Annotated[int, typer.Option(min=0, help="Blocks on top of one until it is final there.")] = 0,
    override: Annotated[list[str] | None, typer.Option(help="stream.DEVICE=FILE.csv in place of its file.")] = None,
    omit: Annotated[list[str] | None, typer.Option(help="An episode to leave out; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of simulated noise.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for bundles, answers and trust file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Play a pack on a private stack; exit code 0 when all came as the pack expects, else 1."""
    from api.runner.pack import load
    from api.runner.private import Elsewhere, private_stack
    from api.runner.run import Wish, direction, find, play

    wish = Wish(seed, tuple(omit or ()), tuple(override or ()))
    if (funder is not None or finality) and rpc is None:
        raise CommandError("--funder and --finality go with --rpc", code=WRONG_USE)
    with one_line():
        path = find(pack)
        direction(load(path), path.parent, wish)
        folder = out or Path(tempfile.mkdtemp(prefix=f"{path.stem}-"))
        elsewhere = None if rpc is None else Elsewhere(rpc, funder, finality)
        note("starting a private stack")
        with private_stack(elsewhere) as (home, pays):
            outcome = play(home, path, wish, folder, note, pays)
    lines = [f"{'ok  ' if step.ok else 'FAIL'} {step.name}: {step.observed}" for step in outcome.steps]
    lines += [f"     expected {step.expected}" for step in outcome.steps if not step.ok]
    result = outcome.to_json()
    show(result, as_json=as_json, text=lambda: "\n".join([*lines, "passed" if outcome.passed else "failed"]))
    answer(outcome.passed)


@contextmanager
def one_line() -> Iterator[None]:
    """What can go wrong with packs, stacks and chains, as one line."""
    from api.founding.operator import FoundingError
    from api.runner.devices import DeliveryFailed
    from api.runner.pack import PackError
    from api.runner.session import ApiRefused, StillWaiting
    from api.runner.streams import StreamError
    from api.settings import SettingsError
    from api.supervisor.control import ControlError
    from ledger_node.client import ChainUnavailable, RpcError
    from ledger_node.keys import KeyFileError
    from ledger_node.signing import SignerError

    try:
        yield
    except (PackError, StreamError, KeyFileError, SignerError, SettingsError) as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    except (ControlError, FoundingError, DeliveryFailed, ApiRefused, StillWaiting) as error:
        raise CommandError(str(error)) from None
    except (ChainUnavailable, RpcError) as error:
        raise CommandError(str(error), "see that the node of --rpc runs") from None
