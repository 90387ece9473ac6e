"""The files of a light client: what it trusts a chain by, and the checkpoint that it goes on from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ledger_node.consensus.checkpoint import CheckpointError, dump_checkpoint, parse_checkpoint
from ledger_node.consensus.genesis_file import load_object, read_genesis
from ledger_node.consensus.rules import Consensus, Followed, Rules
from ledger_node.files import replace_atomically
from ledger_node.genesis import GenesisError
from ledger_node.trust import FORMAT, Engine, Trust, TrustError, parse_trust


class AnchorError(ValueError):
    """A file is nothing that headers can be trusted by; the message says why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is trusted: the rules of a chain, and the state that a trust file holds, if it holds one."""

    rules: Rules
    states: tuple[Followed, ...] = ()


def load_anchor(path: Path, consensus: Consensus | None = None) -> Anchor:
    """The anchor in a genesis file or a trust file. Raises AnchorError, also when it is of another consensus."""
    try:
        text = path.read_bytes()
        if load_object(text).get("format") == FORMAT:
            return _of_trust(parse_trust(text), consensus)
        return Anchor(read_genesis(text, consensus))
    except OSError as error:
        raise AnchorError(f"{path}: {error.strerror}") from None
    except (GenesisError, TrustError) as error:
        raise AnchorError(f"{path}: {error}") from None


def load_checkpoint(path: Path, rules: Rules) -> tuple[Followed, ...]:
    """The states in a checkpoint file, oldest first, none when there is no file. Raises CheckpointError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    try:
        return parse_checkpoint(text, rules)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def followed_further(trust: Trust, path: Path) -> Trust:
    """The trust with the last final state of a checkpoint file in the place of its own. Raises CheckpointError."""
    if trust.rules is None:
        raise CheckpointError(f"{path}: a trust file of engine {trust.engine.value} takes no checkpoint")
    states = load_checkpoint(path, trust.rules)
    if not states:
        raise CheckpointError(f"{path}: No such file or directory")
    newest = _not_older(trust.checkpoint, states, path)
    if newest[0] is not states[0]:
        raise CheckpointError(
            f"{path}: its last final block, {states[0].tip.number}, is before block {newest[0].tip.number} "
            "of the trust file: it would take the trust back"
        )
    return replace(trust, checkpoint=states[0])


def known_states(anchor: Anchor, path: Path | None) -> tuple[Followed, ...]:
    """The states that headers may go on from, oldest first: those of the checkpoint file, if there is one at `path`, or
    the trust file's where that is newer. Raises CheckpointError, also when the two contradict each other.
    """
    states = () if path is None else load_checkpoint(path, anchor.rules)
    if not states or path is None:
        return anchor.states
    return _not_older(next(iter(anchor.states), None), states, path)


def _not_older(trusted: Followed | None, states: tuple[Followed, ...], path: Path) -> tuple[Followed, ...]:
    """The states of a checkpoint from the trusted one's block on; that one alone when all of them are before it."""
    if trusted is None:
        return states
    if any(each.tip.number == trusted.tip.number and each != trusted for each in states):
        raise CheckpointError(f"{path}: holds another state at block {trusted.tip.number} than the trust file")
    return tuple(each for each in states if each.tip.number >= trusted.tip.number) or (trusted,)


def save_checkpoint(path: Path, rules: Rules, followed: Followed, earlier: Sequence[Followed] = ()) -> None:
    """Write the checkpoint; whoever reads, and whatever breaks off, finds the old file whole or the new one."""
    replace_atomically(path, dump_checkpoint(rules, followed, earlier))


def _of_trust(trust: Trust, consensus: Consensus | None) -> Anchor:
    if trust.engine is Engine.PINNED:
        raise AnchorError("the trust file pins blocks; it says nothing by which headers could be followed")
    found = Consensus(trust.engine.value)
    if consensus not in (None, found):
        raise AnchorError(f"the trust file is of {found.value}, not of {consensus}")
    if trust.rules is not None and trust.checkpoint is not None:
        return Anchor(trust.rules, (trust.checkpoint,))
    return Anchor(Rules(found, trust.chain_id, trust.genesis_hash, sealer=trust.sealer))
