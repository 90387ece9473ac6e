"""`cangdan chain`: the files that a chain of validators begins with, and a light client's checks of its headers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import WRONG_USE, CommandError, JsonOption, answer, note, one_line, progress, show

if TYPE_CHECKING:
    from ledger_node.consensus.header_file import Outcome
    from ledger_node.consensus.rules import Followed, Rules
    from ledger_node.networks.plan import Plan

app = typer.Typer(name="chain", help="Chains of validators: how one begins, what headers prove.", no_args_is_help=True)


@app.callback()
def chain() -> None:
    """Chains of validators: the files with which one begins, and what headers prove by themselves."""


@app.command("node-key")
def node_key(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write a new private key, mode 0600; a new file.")
    ] = None,
    of: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Tell it of the key in this file, which is only read.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key of a validator, which never leaves its machine, and print what others may know of it.

    The public key goes into the plan (cangdan chain plan), FILE beside the validator's start.sh as node.key. With --of
    nothing is made: the public key of an existing one is told again.
    """
    from ledger_node.hexvalues import address_hex, data_hex
    from ledger_node.keys import KeyFileError, new_node_key, read_node_key
    from ledger_node.secp256k1 import address_of_public_key

    try:
        if out is not None and of is None:
            name, mend = "--out", "a key is never replaced: give the path of a new file, or --of to hear of that key"
            public = new_node_key(out)
        elif of is not None and out is None:
            name, mend = "--of", "give the file of a node's key"
            public = read_node_key(of)
        else:
            raise CommandError("give either --out, for a new key, or --of, for one that is there", code=WRONG_USE)
    except KeyFileError as error:
        raise CommandError(f"{name} {error}", mend, WRONG_USE) from None
    result = {"publicKey": data_hex(public), "address": address_hex(address_of_public_key(public))}
    show(result, as_json=as_json, text="\n".join(f"{name}: {value}" for name, value in result.items()))


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The plan that all members agreed on.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the files: a new or empty folder.")],
    engine: Annotated[str, typer.Option(help="What all validators run: besu or goquorum.")] = "besu",
    as_json: JsonOption = False,
) -> None:
    """Write what QBFT validators begin a chain with: genesis.json, static-nodes.json, and a folder for each validator.

    The same plan gives the same bytes: each member runs this and compares the SHA-256 of genesis.json with the others.
    What FILE holds: docs/formats/network-plan.md; what comes next: docs/network.md.
    """
    from ledger_node.files import write_new_folder
    from ledger_node.networks.engines import Engine
    from ledger_node.networks.plan import PlanError, parse_plan
    from ledger_node.networks.qbft import network_files

    if engine not in list(Engine):
        raise CommandError(f"--engine: {engine} is none of {', '.join(Engine)}", code=WRONG_USE)
    try:
        planned = parse_plan(_read(file))
    except PlanError as error:
        raise CommandError(f"{file}: {error}", code=WRONG_USE) from None
    files = network_files(planned, Engine(engine))
    try:
        write_new_folder(_replaceable(out), files)
    except OSError as error:
        mend = "give a new or empty folder where you may write"
        raise CommandError(f"--out {out}: {error.strerror}", mend, WRONG_USE) from None
    result, text = _planned(planned, files)
    show({"engine": engine, **result}, as_json=as_json, text="\n".join([f"{len(files)} files written to {out}", *text]))


def _replaceable(out: Path) -> Path:
    """The folder that `out` names. An empty one is replaced by the one that was written: nobody may stand in it."""
    folder, here = Path(os.path.realpath(out)), Path.cwd()
    if folder in (here, *here.parents):
        cause = f"--out {out}: must not be the folder that this command runs in, or one above it"
        raise CommandError(cause, "give a new or empty folder in it", WRONG_USE)
    return folder


def _planned(plan: "Plan", files: Mapping[str, bytes]) -> tuple[dict[str, object], list[str]]:
    """What was made, as JSON and as lines."""
    from ledger_node.consensus.genesis_file import read_genesis
    from ledger_node.consensus.qbft import quorum
    from ledger_node.hashing import sha256
    from ledger_node.hexvalues import address_hex, data_hex
    from ledger_node.networks.engines import GENESIS_NAME

    digest, block_0 = sha256(files[GENESIS_NAME]).hex(), data_hex(read_genesis(files[GENESIS_NAME]).genesis_hash)
    who = [{"name": each.name, "address": address_hex(each.address), "enode": each.enode} for each in plan.validators]
    seals = quorum(len(who))
    lines = [
        f"SHA-256 of {GENESIS_NAME}: {digest}",
        f"block 0 of chain {plan.chain_id}: {block_0}",
        f"{seals} of {len(who)} validators seal a block, {plan.faulty} may fail:",
        *(f"  {each['address']} {each['name']}" for each in who),
    ]
    result: dict[str, object] = {
        "chainId": plan.chain_id,
        "genesisSha256": digest,
        "genesisHash": block_0,
        "seals": seals,
        "mayFail": plan.faulty,
        "validators": who,
        "files": sorted(files),
    }
    return result, lines


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
