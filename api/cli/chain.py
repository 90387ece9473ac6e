"""`cangdan chain`: a light client's checks of a chain's headers, offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, progress, show

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
    from ledger_node.light_client import AnchorError, load_anchor, load_checkpoint, save_checkpoint

    if consensus is not None and consensus not in list(Consensus):
        raise CommandError(f"--consensus: {consensus} is none of {', '.join(Consensus)}", code=WRONG_USE)
    try:
        anchor = load_anchor(trust, None if consensus is None else Consensus(consensus))
        kept = () if checkpoint is None else load_checkpoint(checkpoint, anchor.rules)
    except (AnchorError, CheckpointError) as error:
        raise CommandError(str(error), code=WRONG_USE) from None
    text = _read(file)
    with progress("headers") as report:
        outcome = header_file.verify_headers(
            text, anchor.rules, kept or anchor.states, lambda done, total: report(done, total, "checking")
        )
    followed = outcome.followed
    if checkpoint is not None and outcome.ok and followed is not None and _is_further(followed, kept):
        save_checkpoint(checkpoint, anchor.rules, followed, outcome.earlier)
    show(_result(anchor.rules, outcome), as_json=as_json, text=lambda: _text(anchor.rules, outcome))
    answer(outcome.ok)


def _is_further(followed: "Followed", kept: "tuple[Followed, ...]") -> bool:
    return not kept or followed.tip.number > kept[-1].tip.number


def _result(rules: "Rules", outcome: "Outcome") -> dict[str, object]:
    from ledger_node.consensus.follow import confirmations

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
        last = followed.tip.number
        result["last"] = {"number": last, "hash": followed.tip.hash, "time": followed.tip.timestamp}
        result["final"] = max(last - confirmations(rules, followed), 0)
        result["validators"] = list(followed.validators)
        result["votes"] = len(followed.votes)
    if failure is not None:
        told = {"header": failure.at, "number": failure.number, "step": failure.step.value, "says": failure.rule}
        result["failed"] = told
    return result


def _text(rules: "Rules", outcome: "Outcome") -> str:
    from ledger_node.consensus.follow import confirmations
    from ledger_node.hexvalues import address_hex, data_hex

    followed = outcome.followed
    if outcome.failure is not None or followed is None:
        return f"refused: {outcome.failure}"
    number = followed.tip.number
    final = max(number - confirmations(rules, followed), 0)
    lines = [
        f"{outcome.checked} headers hold: {rules.consensus.value}, blocks {outcome.first} to {number}",
        f"block {number} is {data_hex(followed.tip.hash)}; final up to {final}",
        f"the next block is sealed by {len(followed.validators)}:",
        *(f"  {address_hex(each)}" for each in followed.validators),
    ]
    return "\n".join(lines)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", "give the path of a file", WRONG_USE) from None
