"""`cangdan contracts`: compile them, show their interfaces."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import CommandError, JsonOption, answer, show

app = typer.Typer(help="The contracts.", no_args_is_help=True)

CheckOption = Annotated[bool, typer.Option("--check", help="Write nothing; say whether the artifacts are up to date.")]


@app.callback()
def group() -> None:
    """The contracts: compile them, show their interfaces."""


@app.command()
def build(check: CheckOption = False, as_json: JsonOption = False) -> None:
    """Compile the contracts of the project in the working directory, with the settings of brownie-config.yaml.

    With --check the exit code is 0 when the committed artifacts are what would be written, else 1.
    """
    from ledger_node.build import BuildError, compile_contracts, write_artifacts

    root = Path.cwd()
    try:
        artifacts = compile_contracts(root)
        stale = sorted(name for name, text in artifacts.items() if _differs(root, name, text)) if check else []
        folder = root / "contracts" / "artifacts" if check else write_artifacts(root, artifacts)
    except BuildError as error:
        raise CommandError(str(error), "run it in the root of the project's source") from None
    result = {"folder": folder, "artifacts": sorted(artifacts), "stale": stale}
    show(result, as_json=as_json, text=lambda: _told(folder, artifacts, stale))
    if check:
        answer(not stale)


@app.command()
def abi(name: Annotated[str, typer.Argument(help="A contract, e.g. ReceiptRegistry.")]) -> None:
    """Print a contract's interface (ABI) as JSON."""
    from ledger_node.artifacts import ArtifactMissing, artifact, names

    try:
        found = artifact(name)
    except ArtifactMissing:
        raise CommandError(f"no contract is called {name!r}", f"there are {', '.join(names())}") from None
    typer.echo(json.dumps(found.abi, indent=2))


def _differs(root: Path, name: str, text: bytes) -> bool:
    file = root / "contracts" / "artifacts" / name
    return not file.exists() or file.read_bytes() != text


def _told(folder: Path, artifacts: dict[str, bytes], stale: list[str]) -> str:
    if stale:
        return f"not up to date in {folder}: {', '.join(stale)}"
    return f"{len(artifacts)} artifacts in {folder}"
