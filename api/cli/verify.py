"""`cangdan verify`: checks an evidence bundle offline, against the verifier's own trust file."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, one_line, show


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle's file.", metavar="BUNDLE")],
    trust: Annotated[Path, typer.Option(help="Your own trust file: cangdan trust export, from your own node.")],
    answered: Annotated[
        Path | None, typer.Option("--answer", help="An answer of the API that the bundle must prove field by field.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Validators followed further than in the trust file: cangdan chain verify-headers."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check what a bundle proves: one line a step, the first step that fails named.

    Nothing but these files is read, and nothing of the trust file comes from the bundle. Ends with 0 when
    everything is proved, with 1 when a step fails. What the steps check: docs/formats/bundle.md. Legal title is
    not proved here.
    """
    from ledger_node.consensus.checkpoint import CheckpointError
    from ledger_node.light_client import followed_further
    from ledger_node.trust import TrustError, load_trust
    from registry.evidence.verify import verify_bundle

    try:
        believed = load_trust(trust)
        if checkpoint is not None:
            believed = followed_further(believed, checkpoint)
    except CheckpointError as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    except TrustError as error:
        raise CommandError(str(error), "export one from your own node: cangdan trust export", WRONG_USE) from None
    verdict = verify_bundle(_read(bundle), believed, None if answered is None else _read(answered))
    lines = [one_line(f"{'ok  ' if step.ok else 'FAIL'}  {step.name.value:<13} {step.says}") for step in verdict.steps]
    closing = f"proved: {verdict.proven}" if verdict.ok else f"not proved: step {verdict.steps[-1].name.value} fails"
    result = {
        "ok": verdict.ok,
        "proven": verdict.proven,
        "failed": None if verdict.ok else verdict.steps[-1].name.value,
        "steps": [{"name": step.name.value, "ok": step.ok, "says": step.says} for step in verdict.steps],
    }
    show(result, as_json=as_json, text="\n".join([*lines, closing]))
    answer(verdict.ok)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", "give the path of a file", WRONG_USE) from None
