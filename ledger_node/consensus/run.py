"""Believing one block by a few headers: those that lead to it from a checkpoint, and those that stand on it.

Pure. docs/formats/trust.md says when a run is believed and what that assumes.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from ledger_node.consensus import clique, qbft
from ledger_node.consensus.follow import confirmations, follow
from ledger_node.consensus.rules import (
    Consensus,
    Followed,
    HeaderRefused,
    Recent,
    Rules,
    Step,
    Tip,
    check_link,
    refuse,
    tip_of,
)
from ledger_node.headers import Header, HeaderError


@dataclass(frozen=True, slots=True)
class Run:
    """The block that is to be believed, with the headers before and after it, oldest first."""

    header: Header
    before: tuple[Header, ...] = ()
    after: tuple[Header, ...] = ()

    @property
    def headers(self) -> tuple[Header, ...]:
        """All headers in order."""
        return (*self.before, self.header, *self.after)


def check_linked(run: Run) -> bytes:
    """Check that each header of the run follows on the one before; the hash of its block. Raises HeaderRefused."""
    hashes: list[bytes] = []
    for header in run.headers:
        try:
            hashes.append(header.hash())
        except HeaderError as error:
            raise HeaderRefused(Step.EXTRA, f"block {header.number}: {error}") from None
    for (one, one_hash), (other, _) in pairwise(zip(run.headers, hashes, strict=True)):
        if other.number != one.number + 1:
            refuse(Step.NUMBER, f"block {other.number} does not follow block {one.number}")
        if other.parent_hash != one_hash:
            refuse(Step.PARENT, f"parentHash of block {other.number} is not the hash of block {one.number}")
    return hashes[len(run.before)]


def check_run(rules: Rules, checkpoint: Followed, run: Run) -> bytes:
    """Check that the checkpoint's set vouches for the run's block; its hash, 32 bytes. Raises HeaderRefused."""
    block_hash = check_linked(run)
    if rules.consensus is Consensus.QBFT and run.after:
        refuse(Step.FINAL, "a block of QBFT is final by itself; headers after it belong to nothing")
    at_block = _walk(rules, checkpoint, run) if run.before else _vouch(rules, checkpoint, run)
    needed = confirmations(rules, at_block)
    if len(run.after) < needed:
        refuse(Step.FINAL, f"{len(run.after)} headers stand on block {run.header.number}, {needed} are needed")
    return block_hash


def _walk(rules: Rules, checkpoint: Followed, run: Run) -> Followed:
    """Follow all headers from the checkpoint on; what is known after the block."""
    followed, at_block = checkpoint, checkpoint
    for header in run.headers:
        try:
            followed = follow(rules, followed, header)
        except HeaderRefused as error:
            raise HeaderRefused(error.step, f"block {header.number}: {error.rule}") from None
        if header is run.header:
            at_block = followed
    return at_block


def _vouch(rules: Rules, checkpoint: Followed, run: Run) -> Followed:
    """Check all headers by the checkpoint's set alone, which stays what it is."""
    parent: Tip | None = None
    recents: tuple[Recent, ...] = ()
    for header in run.headers:
        try:
            parent, recents = _vouched(rules, checkpoint, header, parent, recents)
        except HeaderRefused as error:
            raise HeaderRefused(error.step, f"block {header.number}: {error.rule}") from None
    return replace(checkpoint, votes=(), recents=recents)


def _vouched(
    rules: Rules, checkpoint: Followed, header: Header, parent: Tip | None, recents: tuple[Recent, ...]
) -> tuple[Tip, tuple[Recent, ...]]:
    members = checkpoint.validators
    if parent is not None:
        check_link(rules, parent, header)
    if rules.consensus is Consensus.QBFT:
        block_hash, _ = qbft.check_alone(header, members)
    else:
        sealed = clique.check_alone(rules, header, members)
        block_hash = sealed.hash
        if parent is not None:
            clique.check_gas(rules, parent, header)
        recents = clique.signed(recents, Recent(header.number, sealed.signer), clique.depth(len(members)))
    if header.number == checkpoint.tip.number and block_hash != checkpoint.tip.hash:
        refuse(Step.CHECKPOINT, "is not the checkpoint's block")
    if header.number == checkpoint.tip.number + 1 and header.parent_hash != checkpoint.tip.hash:
        refuse(Step.CHECKPOINT, "does not stand on the checkpoint's block")
    return tip_of(header, block_hash), recents
