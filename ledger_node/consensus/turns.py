"""Who sealed a run of headers, and who missed a turn: what the headers show by themselves. Pure.

Nothing here checks that the sealers were entitled: that is `follow`, which begins at what is trusted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ledger_node.consensus import clique, qbft
from ledger_node.consensus.rules import Consensus, HeaderRefused
from ledger_node.headers import QBFT_MIX_HASH, Header
from ledger_node.secp256k1 import SignatureError, recover

_MOST_SIGNERS = 100
"""So many places are tried to find the order of turns; no consortium of this kind has as many signers."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A header with the seal that stands beside it, None on every engine but the embedded ledger."""

    header: Header
    hash: bytes
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class Sealer:
    """One address in a run of blocks: blocks it made, the last of them, seals on blocks (QBFT), turns it missed."""

    address: bytes
    blocks: int
    last: int | None
    seals: int | None
    missed: int | None


@dataclass(frozen=True, slots=True)
class Turns:
    """Who sealed blocks `first` to `last`.

    `members` is how many may seal, as the headers show it, None when they do not. `late` counts blocks that were out
    of turn (Clique) and rounds that passed without a block (QBFT). Whom of those that made no block in the run they
    are missed of is told only under QBFT, whose headers list the set. `unread`: blocks whose sealer cannot be told.
    """

    consensus: Consensus | None
    first: int
    last: int
    members: int | None
    late: int
    unread: int
    sealers: tuple[Sealer, ...]


def turns(run: Sequence[Sealed]) -> Turns:
    """Who sealed a run of headers, each the child of the one before. Raises ValueError when there is none."""
    if not run:
        raise ValueError("run: at least one header is needed")
    newest = run[-1]
    if newest.seal is not None:
        return _embedded(run)
    if newest.header.mix_hash == QBFT_MIX_HASH:
        return _qbft(run)
    if clique.is_clique(newest.header):
        return _clique(run)
    return Turns(None, run[0].header.number, newest.header.number, None, 0, len(run), ())


def _embedded(run: Sequence[Sealed]) -> Turns:
    made: dict[int, bytes] = {}
    for each in run:
        try:
            made[each.header.number] = recover(each.hash, each.seal or b"")
        except SignatureError:
            continue
    return _told(Consensus.EMBEDDED, run, made, 1, {})


def _clique(run: Sequence[Sealed]) -> Turns:
    made: dict[int, bytes] = {}
    in_turn: dict[int, bytes] = {}
    for each in run:
        try:
            made[each.header.number] = signer = clique.signer_of(each.header)
        except HeaderRefused:
            continue
        if each.header.difficulty == clique.IN_TURN:
            in_turn[each.header.number] = signer
    late = {number: signer for number, signer in made.items() if number not in in_turn}
    places = _places(in_turn, late, len(set(made.values())))
    missed: Counter[bytes] = Counter()
    members = None
    if places is not None:
        members, at = places
        for number in late:
            whose, wait = at.get(number % members), clique.depth(members)
            # Who has sealed one of the blocks before has to wait, also when it is in turn.
            if whose is not None and whose not in (made.get(number - back) for back in range(1, wait)):
                missed[whose] += 1
    return _told(Consensus.CLIQUE, run, made, members, missed, len(late))


def _places(in_turn: dict[int, bytes], late: dict[int, bytes], seen: int) -> tuple[int, dict[int, bytes]] | None:
    """The least size of a set under which all blocks in turn are in turn, and no late one; who has which place in it.

    A block is in turn when its number modulo the set's size is the place of its signer in the ascending set.
    """
    for size in range(max(seen, 1), _MOST_SIGNERS + 1):
        at: dict[int, bytes] = {}
        if all(at.setdefault(number % size, signer) == signer for number, signer in in_turn.items()):
            ascending = [at[place] for place in sorted(at)]
            if ascending != sorted(set(ascending)) or any(at.get(each % size) == who for each, who in late.items()):
                continue
            return size, at
    return None


def _qbft(run: Sequence[Sealed]) -> Turns:
    made: dict[int, bytes] = {}
    seals: Counter[bytes] = Counter()
    missed: Counter[bytes] = Counter()
    members: tuple[bytes, ...] = ()
    lost, before = 0, None
    for each in run:
        header = each.header
        try:
            extra = qbft.read_extra(header.extra_data)
            sealers = qbft.sealers_of(header, extra)
        except HeaderRefused:
            before = None
            continue
        made[header.number] = header.coinbase
        seals.update(sealers)
        lost += extra.round
        members = extra.validators
        missed.update(_skipped(members, before, header.coinbase, extra.round))
        before = header.coinbase
    seals.update(dict.fromkeys(members, 0))
    return _told(Consensus.QBFT, run, made, len(members) or None, missed, lost, seals)


def _skipped(members: tuple[bytes, ...], before: bytes | None, proposer: bytes, round_: int) -> list[bytes]:
    """Those whose turn came between two proposers of a ring and who let it pass; none when it does not fit."""
    if round_ == 0 or before not in members or proposer not in members:
        return []
    start = members.index(before)
    ring = [members[(start + 1 + step) % len(members)] for step in range(round_ + 1)]
    return ring[:-1] if ring[-1] == proposer else []


def _told(
    consensus: Consensus,
    run: Sequence[Sealed],
    made: dict[int, bytes],
    members: int | None,
    missed: dict[bytes, int],
    lost: int = 0,
    seals: Counter[bytes] | None = None,
) -> Turns:
    blocks = Counter(made.values())
    last = {signer: number for number, signer in sorted(made.items())}
    known = sorted({*blocks, *(seals or ()), *missed})
    told = tuple(
        Sealer(
            each,
            blocks[each],
            last.get(each),
            None if seals is None else seals[each],
            None if members is None else missed.get(each, 0),
        )
        for each in known
    )
    first, newest = run[0].header.number, run[-1].header.number
    return Turns(consensus, first, newest, members, lost, len(run) - len(made), told)
