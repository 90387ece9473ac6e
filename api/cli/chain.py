"""`cangdan chain`: a light client's checks of a chain's headers, offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, note, one_line, progress, show

if TYPE_CHECKING:
    from ledger_node.consensus.header_file import Outcome
    from ledger_node.consensus.rules import Followed, Rules

app = typer.Typer(name="chain", help="Headers of a chain, checked as a light client does.", no_args_is_help=True)


@app.callback()
def chain() -> None:
    """What the headers of a chain prove by themselves: who sealed them, and that they follow on each other."""


@app.command("verify-headers")
def verify_headers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON with headers: eth_getBlockByNumber answers.")],
    trust: Annotated[
        Path, typer.Option(metavar="GENESIS", help="The chain's genesis file, or a trust file of your own.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Option(help="Go on from here if it exists, and write here how far it is followed now.")
    ] = None,
    consensus: Annotated[
        str | None, typer.Option(help="qbft, clique or embedded; as GENESIS says when not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow headers one by one: hashes, seals, votes on the set. The first header that fails is named, with its step.

    Nothing is asked of any node. Ends with 0 when every header holds, with 1 when one fails, with 2 when GENESIS or the
    checkpoint cannot be used. What is checked: docs/formats/headers.md.
    """
    from ledger_node.consensus import header_file
    from ledger_node.consensus.checkpoint import CheckpointError
    from ledger_node.consensus.rules import Consensus
    from ledger_node.light_client import AnchorError, known_states, load_anchor

    if consensus is not None and consensus not in list(Consensus):
        raise CommandError(f"--consensus: {consensus} is none of {', '.join(Consensus)}", code=WRONG_USE)
    try:
        anchor = load_anchor(trust, None if consensus is None else Consensus(consensus))
        known = known_states(anchor, checkpoint)
        trusted = next(iter(anchor.states), None)
    except (AnchorError, CheckpointError) as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    text = _read(file)
    with progress("headers") as report:
        outcome = header_file.verify_headers(
            text, anchor.rules, known, lambda done, total: report(done, total, "checking"), trusted
        )
    show(_result(anchor.rules, outcome), as_json=as_json, text=lambda: _text(anchor.rules, outcome))
    if checkpoint is not None and outcome.ok:
        _save(checkpoint, anchor.rules, outcome, known)
    answer(outcome.ok)


def _save(path: Path, rules: "Rules", outcome: "Outcome", known: "tuple[Followed, ...]") -> None:
    """Write the checkpoint when the headers go further than what was known."""
    from ledger_node.light_client import save_checkpoint

    followed = outcome.followed
    if followed is None or (path.exists() and known and followed.tip.number <= known[-1].tip.number):
        return
    if not followed.validators:
        note(f"block {followed.tip.number} leaves nobody to seal the next one: no checkpoint is written")
        return
    try:
        save_checkpoint(path, rules, followed, outcome.earlier)
    except OSError as error:
        raise CommandError(
            f"--checkpoint {path}: {error.strerror}", "give a path that can be written", WRONG_USE
        ) from None


def _result(rules: "Rules", outcome: "Outcome") -> dict[str, object]:
    followed, failure = outcome.followed, outcome.failure
    result: dict[str, object] = {
        "ok": outcome.ok,
        "consensus": rules.consensus.value,
        "chainId": rules.chain_id,
        "genesisHash": rules.genesis_hash,
        "checked": outcome.checked,
        "first": outcome.first,
        "last": None,
        "failed": None,
    }
    if followed is not None:
        result["last"] = {"number": followed.tip.number, "hash": followed.tip.hash, "time": followed.tip.timestamp}
        result["final"] = outcome.final
        result["validators"] = list(followed.validators)
        result["votes"] = len(followed.votes)
    if failure is not None:
        told = {"header": failure.at, "number": failure.number, "step": failure.step.value, "says": failure.rule}
        result["failed"] = told
    return result


def _text(rules: "Rules", outcome: "Outcome") -> str:
    from ledger_node.hexvalues import address_hex, data_hex

    followed = outcome.followed
    if outcome.failure is not None or followed is None:
        return one_line(f"refused: {outcome.failure}")
    number = followed.tip.number
    lines = [
        f"{outcome.checked} headers hold: {rules.consensus.value}, blocks {outcome.first} to {number}",
        f"block {number} is {data_hex(followed.tip.hash)}; final up to {outcome.final}",
        f"the next block is sealed by {len(followed.validators)}:",
        *(f"  {address_hex(each)}" for each in followed.validators),
    ]
    return "\n".join(lines)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", "give the path of a file", WRONG_USE) from None
